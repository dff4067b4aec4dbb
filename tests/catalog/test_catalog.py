"""What `provider/model` means to a proxy with a given model list."""

from __future__ import annotations

from typing import Any

import pytest

from governance.catalog import Catalog, provider_of
from governance.model import NO_FACTS, ModelFacts

PRICES: dict[str, Any] = {
    "gpt-4o": {
        "litellm_provider": "openai",
        "max_input_tokens": 128_000,
        "max_output_tokens": 16_384,
        "input_cost_per_token": 2.5e-06,
        "output_cost_per_token": 1e-05,
        "supports_vision": True,
        "supports_function_calling": True,
    },
    "cerebras/llama": {"litellm_provider": "cerebras", "max_input_tokens": 8_192, "supports_function_calling": True},
    "azure/gpt-4o": {"litellm_provider": "azure", "input_cost_per_token": 3e-06, "output_cost_per_token": 1.2e-05},
    "ada": {"litellm_provider": "text-completion-openai", "input_cost_per_token": 1e-07},
    "broken": {"litellm_provider": "openai", "max_input_tokens": "lots", "input_cost_per_token": "cheap"},
    "sample_spec": "a word",
}


def deployment(name: str, model: str | None = None, **info: Any) -> dict[str, Any]:
    params = {key: info.pop(key) for key in ("custom_llm_provider", "input_cost_per_token") if key in info}
    return {"model_name": name, "litellm_params": {"model": model or name, **params}, "model_info": info}


def test_without_a_model_list_every_model_is_taken_to_be_served() -> None:
    catalog = Catalog(None, PRICES)

    assert catalog.call_name("anything/at-all") == "anything/at-all"
    assert catalog.names is None


def test_with_an_empty_model_list_no_model_is_served() -> None:
    assert Catalog([], PRICES).call_name("openai/gpt-4o") is None


def test_a_model_of_that_very_name_is_called_by_it() -> None:
    catalog = Catalog([deployment("smart", "openai/gpt-4o"), deployment("openai/gpt-4o")], PRICES)

    assert catalog.call_name("openai/gpt-4o") == "openai/gpt-4o"


def test_a_group_that_has_the_name_of_what_it_is_not_serves_only_what_it_is() -> None:
    catalog = Catalog([deployment("openai/gpt-4o", "azure/my-deployment"), deployment("openai/*")], PRICES)

    assert catalog.call_name("openai/gpt-4o") is None, "LiteLLM would ask Azure"
    assert catalog.call_name("azure/my-deployment") == "openai/gpt-4o"


@pytest.mark.parametrize(
    ("pattern", "target", "served"),
    [
        ("openai/*", "openai/gpt-4o", True),
        ("openai/*", "openai/org/model", True),
        ("openai/*", "azure/gpt-4o", False),
        ("openai/*", "myopenai/gpt-4o", False),
        ("*", "openai/gpt-4o", True),
        ("openai/gpt-*-mini", "openai/gpt-4o-mini", True),
        ("openai/gpt-*-mini", "openai/gpt-4o", False),
        ("openai/gpt.4*", "openai/gpt-4o", False),
        ("openai/*", "openai/", False),
    ],
)
def test_a_wildcard_serves_what_it_matches(pattern: str, target: str, served: bool) -> None:
    assert Catalog([deployment(pattern)], PRICES).call_name(target) == (target if served else None)


def test_the_most_specific_wildcard_tells_the_facts() -> None:
    catalog = Catalog([deployment("*", max_input_tokens=1), deployment("openai/*", max_input_tokens=2)], {})

    assert catalog.facts("openai/x").max_input_tokens == 2
    assert catalog.facts("groq/x").max_input_tokens == 1


def test_a_group_of_one_provider_and_model_serves_it_under_its_own_name() -> None:
    catalog = Catalog([deployment("smart", "openai/gpt-4o"), deployment("smart", "openai/gpt-4o")], PRICES)

    assert catalog.call_name("openai/gpt-4o") == "smart"
    assert catalog.facts("openai/gpt-4o").max_input_tokens == 128_000


def test_a_mixed_group_serves_no_target_because_the_router_would_choose() -> None:
    catalog = Catalog([deployment("smart", "openai/gpt-4o"), deployment("smart", "azure/gpt-4o")], PRICES)

    assert catalog.call_name("openai/gpt-4o") is None
    assert catalog.call_name("azure/gpt-4o") is None


def test_the_provider_of_a_deployment_may_be_named_apart() -> None:
    apart = Catalog([deployment("mine", "gpt-4o", custom_llm_provider="openai")], PRICES)
    twice = Catalog([deployment("mine", "openai/gpt-4o", custom_llm_provider="openai")], PRICES)

    assert apart.call_name("openai/gpt-4o") == twice.call_name("openai/gpt-4o") == "mine"


def test_names_are_the_same_in_any_case_and_asked_for_as_litellm_has_them() -> None:
    assert Catalog([deployment("openai/gpt-4o")], PRICES).call_name("OpenAI/GPT-4o") == "openai/gpt-4o"
    assert Catalog([deployment("openai/*")], PRICES).call_name("OpenAI/gpt-4o") == "openai/gpt-4o"


def test_facts_come_from_the_model_map() -> None:
    facts = Catalog(None, PRICES).facts("openai/gpt-4o")

    assert facts.capabilities == {"vision", "tools", "structured_output"}
    assert (facts.max_input_tokens, facts.max_output_tokens) == (128_000, 16_384)
    assert (facts.input_price, facts.output_price) == (2.5, 10.0)


def test_the_entry_of_another_provider_is_not_taken() -> None:
    catalog = Catalog(None, PRICES)

    assert catalog.facts("groq/gpt-4o") == NO_FACTS
    assert catalog.facts("azure/gpt-4o").input_price == 3.0
    assert catalog.facts("cerebras/llama").max_input_tokens == 8_192


def test_a_deployment_overrides_the_map() -> None:
    own = deployment("openai/gpt-4o", max_input_tokens=4_096, supports_vision=False, input_cost_per_token=9e-06)
    facts = Catalog([own], PRICES).facts("openai/gpt-4o")

    assert facts.max_input_tokens == 4_096
    assert facts.capabilities == {"tools", "structured_output"}
    assert facts.input_price == 9.0
    assert facts.output_price == 10.0, "what it does not say is the map's"


def test_what_a_deployment_really_serves_has_the_facts() -> None:
    renamed = Catalog([deployment("openai/gpt-4o", "cerebras/llama")], PRICES)
    private = Catalog([deployment("openai/gpt-4o", "azure/my-deployment", base_model="azure/gpt-4o")], PRICES)

    assert renamed.facts("openai/gpt-4o").max_input_tokens == 8_192
    assert private.facts("openai/gpt-4o").input_price == 3.0


@pytest.mark.parametrize("target", ["openai/broken", "sample_spec", "openai/", "", "/", "x"])
def test_what_cannot_be_read_is_unknown(target: str) -> None:
    facts = Catalog(None, PRICES).facts(target)

    assert (facts.max_input_tokens, facts.input_price) == (None, None)


def test_a_deployment_without_parts_breaks_nothing() -> None:
    catalog = Catalog([{"model_name": "openai/gpt-4o"}, {"model_name": "x", "litellm_params": None}, {}], PRICES)

    assert catalog.facts("openai/gpt-4o").input_price == 2.5
    assert catalog.call_name("nothing/here") is None


def test_a_cost_is_rounded_up_to_a_micro_dollar_and_unknown_without_a_price() -> None:
    assert ModelFacts(input_price=0.1, output_price=0.4).cost_usd_micros(1, 0) == 1
    assert ModelFacts(input_price=2.5, output_price=10.0).cost_usd_micros(1_000, 100) == 3_500
    assert ModelFacts(input_price=0.02).cost_usd_micros(1_000, 0) == 20, "an embedding has no output"
    assert ModelFacts(input_price=0.02).cost_usd_micros(1_000, 1) is None
    assert ModelFacts(output_price=1.0).cost_usd_micros(1, 1) is None
    assert ModelFacts(input_price=0.0, output_price=0.0).cost_usd_micros(10, 10) == 0


def test_names_of_a_model_list_are_told_once_each() -> None:
    names = Catalog([deployment("a/*"), deployment("b"), deployment("b")], PRICES).names

    assert names == ("a/*", "b")


@pytest.mark.parametrize(
    ("deployments", "asked", "pairs"),
    [
        ([deployment("openai/gpt-4o")], "openai/gpt-4o", [("openai", "gpt-4o")]),
        ([deployment("openai/*")], "openai/gpt-4o", [("openai", "gpt-4o")]),
        ([deployment("openai/*")], "gpt-4o", [("openai", "gpt-4o")]),
        ([deployment("*", "openrouter/*")], "openai/gpt-4o", [("openrouter", "openai/gpt-4o")]),
        ([deployment("mine/*-v*", "groq/*-v*")], "mine/llama-v3", [("groq", "llama-v3")]),
        ([deployment("*-v*", "groq/*")], "groq/llama-v3", [("groq", "llama-v3")]),
        ([deployment("*", "groq/llama")], "anything", [("groq", "llama")]),
        ([deployment("mine", "gpt-4o", custom_llm_provider="azure")], "mine", [("azure", "gpt-4o")]),
        ([deployment("mine", "gpt-4o")], "mine", [("openai", "gpt-4o")]),
        ([deployment("mine", "my-own")], "mine", [("", "my-own")]),
        ([deployment("openai/gpt-4o", "azure/x"), deployment("openai/*")], "openai/gpt-4o", [("azure", "x")]),
        ([{"model_name": "openai/*"}], "openai/gpt-4o", [("openai", "gpt-4o")]),
        ([{"model_name": "smart"}], "smart", [("", "smart")]),
        ([], "groq/llama", [("groq", "llama")]),
        ([], "never-heard-of", [("", "never-heard-of")]),
        (None, "groq/llama", [("groq", "llama")]),
    ],
)
def test_what_may_answer_a_name(deployments: Any, asked: str, pairs: list[tuple[str, str]]) -> None:
    assert Catalog(deployments, PRICES).served_by(asked) == tuple(pairs)


def test_a_group_of_several_providers_may_be_answered_by_each_of_them_once() -> None:
    models = ("openai/gpt-4o", "azure/gpt-4o", "openai/gpt-4o", "groq/llama")
    catalog = Catalog([deployment("smart", model) for model in models], PRICES)

    assert catalog.served_by("smart") == (("openai", "gpt-4o"), ("azure", "gpt-4o"), ("groq", "llama"))


def test_an_alias_is_answered_by_what_it_stands_for() -> None:
    catalog = Catalog([deployment("smart", "openai/gpt-4o")], PRICES, {"clever": "smart", "fast/x": "fast/x"})

    assert catalog.served_by("clever") == (("openai", "gpt-4o"),)
    assert catalog.served_by("fast/x") == (("", "fast/x"),), "a virtual model is an alias of itself"


def test_a_model_of_one_team_is_answered_under_both_of_its_names() -> None:
    own = deployment("model_name_t1_9f", "azure/x", team_id="t1", team_public_model_name="ours")
    catalog = Catalog([own], PRICES)

    assert catalog.served_by("ours") == catalog.served_by("model_name_t1_9f") == (("azure", "x"),)
    assert catalog.call_name("ours") is None


@pytest.mark.parametrize(
    ("model", "provider"),
    [("gpt-4o", "openai"), ("ada", "text-completion-openai"), ("nobody-knows", ""), ("sample_spec", ""), ("", "")],
)
def test_the_provider_of_a_bare_model_name_is_the_maps(model: str, provider: str) -> None:
    assert provider_of(model, PRICES) == provider


def test_a_branch_of_a_provider_is_that_provider() -> None:
    prices = {"a": {"litellm_provider": "vertex_ai-language-models"}, "b": {"litellm_provider": "bedrock_converse"}}

    assert (provider_of("a", prices), provider_of("b", prices)) == ("vertex_ai", "bedrock")
