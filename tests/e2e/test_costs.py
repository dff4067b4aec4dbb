"""What answers cost, on a real proxy: by the deployment that served, with everything that is charged beside tokens."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.e2e.conftest import Proxy, Start, litellm_config
from tests.e2e.scripted import Scripted, chat, chunk, end, scripted
from tests.patience import tries

POLICY = """
version: 1
budgets:
  - name: all of it
    subject: everyone
    amount: 1000 USD/month
    unpriced: {assume: {input: 3 USD/1M, output: 15 USD/1M}}
  - {name: each, subject: {end_user: "*"}, amount: 0.02 USD/month, unpriced: allow}
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[Scripted]:
    with scripted() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(provider: Scripted, start: Start) -> Iterator[Proxy]:
    def deployment(group: str, model: str, **more: Any) -> dict[str, Any]:
        info = more.pop("model_info", {})
        params = {"model": model, "api_key": "not-a-key", "api_base": f"{provider.url}/v1", **more}
        return {"model_name": group, "litellm_params": params, "model_info": info}

    free = {"input_cost_per_token": 0, "output_cost_per_token": 0}
    models = [
        # Of these two, LiteLLM picks the one that costs something.
        deployment("overflow", "openai/gpt-4.1", weight=1),
        deployment("overflow", "hosted_vllm/x", weight=0, **free),
        # Of these, too: one model, and two contracts for it.
        deployment("cheap", "openai/gpt-4.1", weight=1, **priced(1e-6)),
        deployment("cheap", "openai/gpt-4.1", weight=0, **priced(9e-6)),
        deployment("dear", "openai/gpt-4.1", weight=0, **priced(1e-6)),
        deployment("dear", "openai/gpt-4.1", weight=1, **priced(9e-6)),
        deployment("cheap-embeds", "openai/text-embedding-3-small", weight=1, **priced(1e-6)),
        deployment("cheap-embeds", "openai/text-embedding-3-small", weight=0, **priced(9e-6)),
        deployment("embeds", "openai/text-embedding-3-small", weight=1),
        deployment("embeds", "hosted_vllm/x", weight=0, input_cost_per_token=0),
        deployment("named", "openai/our-name", model_info={"base_model": "gpt-4o-mini"}),
        deployment("named-too", "openai/our-other-name", base_model="gpt-4o-mini"),
        deployment("openai/*", "openai/*"),
        deployment("openrouter/*", "openrouter/*"),
        deployment("contract", "openai/gpt-4o-mini", input_cost_per_token=1e-6, output_cost_per_token=1e-6),
    ]
    with start(POLICY, {**litellm_config(provider.url), "model_list": models}) as running:
        yield running


def priced(usd: float) -> dict[str, float]:
    return {"input_cost_per_token": usd, "output_cost_per_token": usd}


def usage(proxy: Proxy, path: str, **body: Any) -> dict[str, Any]:
    """What the record of an answered request says of its usage."""
    answer = proxy.client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = proxy.decision(answer.headers["x-governance-decision-id"])["usage"]
    return found


SAID = [{"role": "user", "content": "Hello"}]
USED = {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100}
PATHS = ["/v1/chat/completions", "/v1/messages", "/v1/responses"]
RESPONSE_USED = {"input_tokens": 1_000, "output_tokens": 100, "total_tokens": 1_100}


def response(output: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    said = {
        "type": "message",
        "id": "m1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": "completed",
        "output": [*(output or []), said],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": RESPONSE_USED,
        **more,
    }


def stream_of(answer: dict[str, Any]) -> list[Any]:
    return [
        {"type": "response.created", "sequence_number": 0, "response": {**answer, "status": "in_progress"}},
        {"type": "response.completed", "sequence_number": 1, "response": answer},
    ]


def asked(provider: Scripted, path: str, streamed: bool) -> dict[str, Any]:
    """A body for this path that `gpt-4.1` is ready to answer."""
    events = [chunk("Hello"), end(), chunk(choices=[], usage=USED), "[DONE]"]
    answer: Any = events if streamed else chat(USED)
    if path == "/v1/chat/completions":
        body: dict[str, Any] = {"messages": SAID}
    else:
        # LiteLLM asks OpenAI for messages by way of its responses.
        answer = stream_of(response()) if streamed else response()
        body = {"messages": SAID, "max_tokens": 500} if path == "/v1/messages" else {"input": "Hello"}
    provider.answers["gpt-4.1"] = answer
    return {**body, "stream": streamed}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("path", PATHS)
def test_of_a_group_the_deployment_that_served_is_paid(
    proxy: Proxy, provider: Scripted, path: str, streamed: bool
) -> None:
    found = usage(proxy, path, model="overflow", **asked(provider, path, streamed))

    assert found["cost_usd_micros"] == 1_000 * 2 + 100 * 8


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("path", PATHS)
def test_of_two_contracts_for_one_model_the_one_that_served_is_paid(
    proxy: Proxy, provider: Scripted, path: str, streamed: bool
) -> None:
    body = asked(provider, path, streamed)

    costs = {group: usage(proxy, path, model=group, **body)["cost_usd_micros"] for group in ("cheap", "dear")}

    assert costs == {"cheap": 1_100, "dear": 9_900}


@pytest.mark.parametrize("streamed", [False, True])
def test_what_a_paid_deployment_beside_a_free_one_serves_spends_the_budget(
    proxy: Proxy, provider: Scripted, streamed: bool
) -> None:
    # Each costs 2,800 micro-dollars of 20,000 where the paid one serves.
    body = asked(provider, "/v1/chat/completions", streamed)
    provider.answers["x"] = provider.answers["gpt-4.1"]
    body |= {"model": "overflow", "max_tokens": 100, "user": f"spender-{streamed}"}
    before = len(provider.asked)

    answers = [proxy.client.post("/v1/chat/completions", json=body) for _ in range(12)]

    assert [answer.status_code for answer in answers] == [200] * 12
    served = [sent["model"] for _, sent in provider.asked[before:]]
    assert served == ["gpt-4.1"] * 7 + ["x"] * 5, "an eighth has no room, and then only the free one may serve"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_spent_budget_closes_a_group_of_which_every_deployment_costs(
    proxy: Proxy, provider: Scripted, streamed: bool
) -> None:
    body = asked(provider, "/v1/chat/completions", streamed)
    body |= {"model": "dear", "max_tokens": 100, "user": f"dear-spender-{streamed}"}

    answers = [proxy.client.post("/v1/chat/completions", json=body) for _ in range(5)]

    # 9,900 of 20,000 each: what the third reserves does not fit any more.
    assert [answer.status_code for answer in answers] == [200, 200, 402, 402, 402]


def test_a_group_whose_last_deployment_with_room_cools_down_is_busy_and_no_body_is_at_fault(
    proxy: Proxy, provider: Scripted
) -> None:
    body = asked(provider, "/v1/chat/completions", False)
    body |= {"model": "overflow", "max_tokens": 100, "user": "unlucky"}
    # Nothing that a free deployment could answer with: it fails until LiteLLM lets it cool down.
    provider.answers.pop("x", None)

    served = [proxy.client.post("/v1/chat/completions", json=body).status_code for _ in range(7)]
    refused = []
    for _ in tries():
        refused.append(proxy.client.post("/v1/chat/completions", json=body).status_code)
        if refused[-1] == 429:
            break

    assert served == [200] * 7
    assert refused[-1] == 429
    assert set(refused[:-1]) <= {500}


def test_an_embedding_is_paid_as_the_deployment_that_served_it(proxy: Proxy, provider: Scripted) -> None:
    vector = {"object": "embedding", "index": 0, "embedding": [0.5]}
    answer = {
        "object": "list",
        "model": "m",
        "data": [vector],
        "usage": {"prompt_tokens": 1_000, "total_tokens": 1_000},
    }
    provider.answers["text-embedding-3-small"] = answer

    assert usage(proxy, "/v1/embeddings", model="embeds", input="Hello")["cost_usd_micros"] == 20
    assert usage(proxy, "/v1/embeddings", model="cheap-embeds", input="Hello")["cost_usd_micros"] == 1_000


@pytest.mark.parametrize(("group", "model"), [("named", "our-name"), ("named-too", "our-other-name")])
def test_a_deployment_costs_what_its_base_model_costs(proxy: Proxy, provider: Scripted, group: str, model: str) -> None:
    provider.answers[model] = chat(USED)

    assert usage(proxy, "/v1/chat/completions", model=group, messages=SAID)["cost_usd_micros"] == 150 + 60


@pytest.mark.parametrize("streamed", [False, True])
def test_searches_of_a_response_are_charged(proxy: Proxy, provider: Scripted, streamed: bool) -> None:
    searches = [{"type": "web_search_call", "id": f"ws{i}", "status": "completed"} for i in range(3)]
    answer = response(searches, tools=[{"type": "web_search"}])
    provider.answers["gpt-4.1"] = stream_of(answer) if streamed else answer
    body = {"model": "openai/gpt-4.1", "input": "Hello", "tools": [{"type": "web_search"}], "stream": streamed}

    found = usage(proxy, "/v1/responses", **body)

    assert found["cost_usd_micros"] == 2_800 + 3 * 25_000
    assert found["remarks"] == ["2800 by tokens and pieces; with tools, fees, discount and margin 77800"]


def test_a_search_of_a_file_is_charged(proxy: Proxy, provider: Scripted) -> None:
    search = {"type": "file_search_call", "id": "fs1", "status": "completed", "queries": ["a"], "results": None}
    tools = [{"type": "file_search", "vector_store_ids": ["vs_1"]}]
    provider.answers["gpt-4.1"] = response([search], tools=tools)

    found = usage(proxy, "/v1/responses", model="openai/gpt-4.1", input="Hello", tools=tools)

    assert found["cost_usd_micros"] == 2_800 + 2_500


def test_a_model_that_searches_is_charged_for_it(proxy: Proxy, provider: Scripted) -> None:
    cited = chat(USED)
    citation = {"start_index": 0, "end_index": 1, "title": "t", "url": "https://example.com"}
    cited["choices"][0]["message"]["annotations"] = [{"type": "url_citation", "url_citation": citation}]
    provider.answers["gpt-4o-mini-search-preview"] = cited

    found = usage(proxy, "/v1/chat/completions", model="openai/gpt-4o-mini-search-preview", messages=SAID)

    assert found["cost_usd_micros"] > 150 + 60 + 20_000


@pytest.mark.parametrize("streamed", [False, True])
def test_what_a_provider_says_it_bills_counts_where_it_is_more(
    proxy: Proxy, provider: Scripted, streamed: bool
) -> None:
    billed = {**USED, "cost": 0.0123}
    events = [chunk("Hello"), end(), chunk(choices=[], usage=billed), "[DONE]"]
    provider.answers["acme/unheard-of"] = events if streamed else chat(billed)

    found = usage(proxy, "/v1/chat/completions", model="openrouter/acme/unheard-of", messages=SAID, stream=streamed)

    assert found["cost_usd_micros"] == 12_300


def test_a_contract_counts_whatever_the_provider_says(proxy: Proxy, provider: Scripted) -> None:
    provider.answers["gpt-4o-mini"] = chat({**USED, "cost": 0.0123})

    assert usage(proxy, "/v1/chat/completions", model="contract", messages=SAID)["cost_usd_micros"] == 1_100
