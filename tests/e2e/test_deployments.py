"""Who really serves, on a real proxy: every deployment has an address of its own, and the providers count."""

from collections import Counter

import pytest

POLICY = """
version: 1
routing_profiles:
- {name: Meant, virtual_provider: meant, targets: [
    {provider: openai, model: qwen-local, virtual_model: local},
    {provider: openai, model: gpt-4o, virtual_model: cloud},
    {provider: anthropic, model: claude-sonnet-4-5, virtual_model: claude},
    {provider: azure, model: gpt-4o, virtual_model: azure},
    {provider: openai, model: o1, virtual_model: thinker}]}
- {name: Pool, virtual_provider: pool, targets: [{group: pool}, {provider: openai, model: gpt-4o}]}
rate_limits:
- {name: groq, subject: {provider: groq}, requests: 2/hour}
budgets:
- {name: all, subject: everyone, amount: 1 USD/hour, unpriced: allow}
"""


def entry(group: str, model: str, served_at: str, **info: object) -> dict[str, object]:
    base = f"{{url}}/{served_at}" + ("" if served_at == "anthropic" else "/v1")
    params = {"model": model, "api_key": "not-a-key", "api_base": base}
    return {"model_name": group, "litellm_params": params, "model_info": info}


MODELS = [
    entry("*", "openai/*", "openai"),
    entry("local-qwen", "openai/qwen-local", "hosted_vllm"),
    entry("thinking", "openai/responses/o1", "cerebras", id="o1"),
    entry("pool", "groq/pooled", "groq", id="pooled-groq", input_cost_per_token=1e-6, output_cost_per_token=1e-6),
    entry("pool", "cerebras/pooled", "cerebras", id="pooled-cerebras", input_cost_per_token=0, output_cost_per_token=0),
]


@pytest.fixture(scope="module")
def meant(start, configuration, providers):
    config = configuration()
    config["model_list"] = [
        {**model, "litellm_params": {**model["litellm_params"], "api_base": base.format(url=providers.url)}}
        for model in MODELS
        for base in [model["litellm_params"]["api_base"]]
    ]
    with start(POLICY, config) as running:
        yield running


def test_a_local_model_is_not_sent_to_the_cloud(meant, providers) -> None:
    assert meant.chat("meant/local").headers["x-governance-target"] == "openai/qwen-local"
    assert providers.stats("hosted_vllm/qwen-local")["received"] == 1
    assert providers.stats("openai/qwen-local")["received"] == 0


def test_a_wildcard_is_asked_by_the_name_that_means_the_model(meant, providers) -> None:
    assert meant.chat("meant/cloud").status_code == 200
    assert providers.stats("openai/gpt-4o")["received"] >= 1
    assert providers.stats("openai/openai/gpt-4o")["received"] == 0


@pytest.mark.parametrize("alias", ["claude", "azure"])
def test_a_wildcard_of_another_provider_serves_nobody(meant, alias: str) -> None:
    answer = meant.chat(f"meant/{alias}")

    assert answer.status_code == 400
    record = meant.decision(answer.headers["x-governance-decision-id"])
    assert "not_configured" in {candidate["reason"] for candidate in record["candidates"]}


def test_the_models_own_name_finds_a_deployment_behind_an_api_word(meant, providers) -> None:
    assert meant.chat("meant/thinker").headers["x-governance-target"] == "openai/o1"
    assert providers.stats("cerebras/o1")["received"] == 1


def test_a_group_is_balanced_until_one_of_it_has_no_room_and_then_the_other_serves(meant, providers) -> None:
    answers = [meant.chat("pool/any") for _ in range(16)]

    assert Counter(answer.status_code for answer in answers) == {200: 16}
    assert {answer.headers["x-governance-target"] for answer in answers} == {"group:pool"}
    received = [providers.stats(f"{name}/pooled")["received"] for name in ("groq", "cerebras")]
    assert received == [2, 14], "the limit of groq holds inside the group, and nobody was refused"
    records = [meant.decision(answer.headers["x-governance-decision-id"]) for answer in answers]
    served = Counter(record["attempts"][-1]["served"] for record in records)
    assert served == {"groq/pooled": 2, "cerebras/pooled": 14}
    for record in records:
        costs = record["usage"]["cost_usd_micros"]
        assert (costs > 0) == (record["attempts"][-1]["served"] == "groq/pooled"), "each at its own price"
