"""What a target reaches on a proxy: itself, or nobody."""

from __future__ import annotations

from typing import Any

import pytest

from governance.catalog import Catalog, target_remark
from governance.catalog.identity import identity_of

MAP: dict[str, Any] = {"gpt-4o": {"litellm_provider": "openai"}, "claude-x": {"litellm_provider": "anthropic"}}


def entry(name: str, model: str, **params: Any) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": model, **params}, "model_info": {"id": f"{name}:{model}"}}


def test_a_concrete_deployment_is_never_passed_over_for_a_wildcard() -> None:
    local = entry("local-qwen", "openai/qwen-local", api_base="http://10.0.0.5/v1")
    catalog = Catalog([entry("openai/*", "openai/*"), local], MAP)

    assert catalog.call_name("openai/qwen-local") == "local-qwen"
    assert catalog.call_name("openai/gpt-4o") == "openai/gpt-4o"


@pytest.mark.parametrize("target", ["azure/gpt-4o", "anthropic/claude-x", "openrouter/openai/gpt-4o", "claude-x"])
def test_a_wildcard_of_another_provider_never_serves(target: str) -> None:
    catalog = Catalog([entry("*", "openai/*")], MAP)

    assert catalog.call_name(target) is None
    assert catalog.call_name("openai/gpt-4o") == "gpt-4o", "the name that LiteLLM makes openai/gpt-4o of"


def test_a_target_with_several_equal_groups_names_them() -> None:
    catalog = Catalog([entry(name, "openai/gpt-4o", api_key=name) for name in ("one", "two", "three")], MAP)

    assert catalog.resolved("openai/gpt-4o").call_name == "one"
    assert catalog.resolved("openai/gpt-4o").equals == ("two", "three")
    assert target_remark(catalog, "openai/gpt-4o") == (
        "`openai/gpt-4o` is served by the group `one`, and `two`, `three` would be the same; "
        "name `group: one` or another one to choose"
    )
    assert target_remark(catalog, "group:two") == ""


def test_parameters_that_only_say_whom_to_ask_make_groups_no_different() -> None:
    asked = {"api_key": "k", "rpm": 10, "timeout": 5, "weight": 2, "aws_region_name": "x", "input_cost_per_token": 1}
    catalog = Catalog([entry("plain", "openai/gpt-4o"), entry("other", "openai/gpt-4o", **asked)], MAP)

    assert catalog.resolved("openai/gpt-4o").equals == ("other",)


def test_headers_may_change_an_answer_so_the_group_without_them_comes_first() -> None:
    beta = entry("long", "anthropic/claude-x", extra_headers={"anthropic-beta": "context-1m"})
    catalog = Catalog([beta, entry("plain", "anthropic/claude-x")], MAP)

    assert catalog.resolved("anthropic/claude-x").call_name == "plain"
    assert catalog.resolved("anthropic/claude-x").equals == ()


def test_a_mixed_group_says_how_to_be_a_target() -> None:
    catalog = Catalog([entry("smart", "openai/gpt-4o"), entry("smart", "azure/gpt-4o")], MAP)

    assert catalog.call_name("openai/gpt-4o") is None
    assert catalog.why("openai/gpt-4o") == "`smart` may also serve others; name `group: smart` to let LiteLLM choose"
    assert catalog.call_name("group:smart") == "smart"
    assert catalog.served_by("group:smart") == (("openai", "gpt-4o"), ("azure", "gpt-4o"))


def test_a_mixed_group_does_not_stand_in_the_way_of_its_providers_wildcard_at_the_same_address() -> None:
    mixed = [entry("smart", "openai/gpt-4o"), entry("smart", "azure/gpt-4o")]
    elsewhere = [entry("smart", "openai/gpt-4o", api_base="http://10.0.0.5"), entry("smart", "azure/gpt-4o")]

    assert Catalog([*mixed, entry("openai/*", "openai/*")], MAP).call_name("openai/gpt-4o") == "openai/gpt-4o"
    assert Catalog([*elsewhere, entry("openai/*", "openai/*")], MAP).call_name("openai/gpt-4o") is None


def test_a_group_is_what_is_called_so_and_no_wildcard_stands_in_for_it() -> None:
    catalog = Catalog([entry("smart", "gpt-4o"), entry("*", "openai/*")], MAP, {"clever": "smart"})

    assert catalog.call_name("group:smart") == "smart"
    assert catalog.call_name("group:clever") == "clever"
    assert catalog.call_name("group:typo") is None
    assert catalog.call_name("group:*") is None


def test_a_group_whose_model_is_in_a_variable_that_is_not_set_serves_no_model_that_anybody_knows() -> None:
    catalog = Catalog([entry("main", "os.environ/NOT_SET_HERE")], MAP)

    assert catalog.call_name("group:main") == "main"
    assert catalog.call_name("openai/gpt-4o") is None


def test_a_deployment_is_found_by_its_id_with_facts_of_its_own() -> None:
    free = entry("overflow", "hosted_vllm/x", input_cost_per_token=0, output_cost_per_token=0)
    paid = entry("overflow", "openai/gpt-4o", input_cost_per_token=2e-6, output_cost_per_token=8e-6)
    catalog = Catalog([free, paid], MAP)

    prices = {
        name: facts.cost_usd_micros(10, 10) if (facts := catalog.facts_of_deployment(name)) else None
        for name in ("overflow:hosted_vllm/x", "overflow:openai/gpt-4o", "never-heard-of")
    }
    assert prices == {"overflow:hosted_vllm/x": 0, "overflow:openai/gpt-4o": 100, "never-heard-of": None}
    assert catalog.facts("group:overflow").cost_usd_micros(10, 10) == 100, "the dearest"


PRICED: dict[str, Any] = {
    "gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 2e-6, "output_cost_per_token": 8e-6},
    "gpt-4o-mini": {"litellm_provider": "openai", "input_cost_per_token": 1e-6, "output_cost_per_token": 4e-6},
}


@pytest.mark.parametrize(
    ("deployment_id", "called", "usd_micros"),
    [
        ("*:openai/*", "openai/gpt-4o", 100),
        ("*:openai/*", "openai/gpt-4o-mini", 50),
        ("*:openai/*", "openai/never-heard-of", None),
        ("mine:openai/*", "openai/gpt-4o", 150),
        ("theirs:openai/gpt-4o", "", 100),
        ("theirs:openai/gpt-4o", "openai/gpt-4o-mini", 100),
    ],
)
def test_one_deployment_costs_what_was_called_by_what_it_states(
    deployment_id: str, called: str, usd_micros: int | None
) -> None:
    teams = entry("theirs", "openai/gpt-4o")
    teams["model_info"] |= {"team_id": "t", "team_public_model_name": "ours"}
    mine = entry("mine", "openai/*", input_cost_per_token=7e-6)

    facts = Catalog([entry("*", "openai/*"), mine, teams], PRICED).facts_of_deployment(deployment_id, called)

    assert facts is not None
    assert facts.cost_usd_micros(10, 10) == usd_micros


def test_who_is_behind_a_routing_group_is_known_to_whoever_asks_for_it() -> None:
    groups = {"either": ["a", "b", "gone"], "a": ["b"], "empty": ["gone"]}
    catalog = Catalog([entry("a", "openai/gpt-4o"), entry("b", "anthropic/claude-x")], MAP, routing_groups=groups)

    assert catalog.served_by("either") == (("openai", "gpt-4o"), ("anthropic", "claude-x"))
    assert catalog.members("group:either") != ()
    assert catalog.served_by("group:a") == (("openai", "gpt-4o"),), "a group of that name goes before"
    assert [catalog.call_name(f"group:{name}") for name in ("either", "a", "empty")] == ["either", "a", None]
    assert "either" in (catalog.names or ())


def test_a_paused_deployment_serves_nobody_and_no_wildcard_stands_in_for_it() -> None:
    paused = {**entry("paused", "openai/gpt-4o"), "model_info": {"id": "paused", "blocked": True}}
    catalog = Catalog([paused, entry("openai/*", "openai/*")], MAP)

    assert catalog.call_name("openai/gpt-4o") is None
    assert catalog.why("openai/gpt-4o") == "`paused` is blocked"
    assert catalog.call_name("openai/gpt-4.1") == "openai/gpt-4.1"
    both = Catalog([paused, entry("other", "openai/gpt-4o")], MAP)
    assert both.call_name("openai/gpt-4o") == "other"


def of_team(name: str, model: str, **info: str) -> dict[str, Any]:
    return {**entry(name, model), "model_info": {"id": f"{name}:{model}", "team_id": "red", **info}}


def test_a_team_is_served_by_its_own_deployments_and_others_never_are() -> None:
    theirs = of_team("x1", "anthropic/claude-x", team_public_model_name="gpt-4o")
    catalog = Catalog([entry("gpt-4o", "openai/gpt-4o"), theirs, of_team("lab", "groq/y")], MAP)
    red = catalog.for_team("red")

    assert catalog.for_team("blue") is catalog
    assert catalog.served_by("gpt-4o") == (("openai", "gpt-4o"),)
    assert red.served_by("gpt-4o") == (("anthropic", "claude-x"),), "the name means their own"
    assert red.call_name("openai/gpt-4o") is None
    assert (catalog.call_name("group:lab"), red.call_name("group:lab")) == (None, "lab")
    assert red.call_name("anthropic/claude-x") in ("gpt-4o", "x1")
    assert catalog.call_name("anthropic/claude-x") is None


def test_an_id_that_different_models_have_tells_nothing() -> None:
    twice = [
        {**entry(name, model), "model_info": {"id": "same"}} for name, model in (("a", "openai/x"), ("b", "groq/y"))
    ]

    assert Catalog(twice, MAP).facts_of_deployment("same") is None


@pytest.mark.parametrize(
    ("written", "custom", "identity"),
    [
        ("azure/responses/o3", "", ("azure", "o3")),
        ("azure/o_series/my-o3", "", ("azure", "my-o3")),
        ("bedrock/converse/us.anthropic.claude-x", "", ("bedrock", "us.anthropic.claude-x")),
        ("bedrock/us-gov-west-1/anthropic.claude-x", "", ("bedrock", "anthropic.claude-x")),
        ("bedrock/invoke/eu-west-1/meta.llama3", "", ("bedrock", "meta.llama3")),
        ("openai/responses/o1", "", ("openai", "o1")),
        ("vertex_ai/gemini/123", "", ("vertex_ai", "123")),
        ("vertex_ai/meta/llama3-405b", "", ("vertex_ai", "meta/llama3-405b")),
        ("openrouter/openai/gpt-4o", "", ("openrouter", "openai/gpt-4o")),
        ("gpt-4o", "", ("openai", "gpt-4o")),
        ("gpt-4o", "azure", ("azure", "gpt-4o")),
        ("azure/gpt-4o", "azure", ("azure", "gpt-4o")),
        ("openai/gpt-oss", "groq", ("groq", "openai/gpt-oss")),
        ("ft:gpt-4o:org::id", "", ("openai", "ft:gpt-4o:org::id")),
        ("claude-newfamily-7", "", ("anthropic", "claude-newfamily-7")),
        ("us.anthropic.claude-newfamily-7", "", ("bedrock", "us.anthropic.claude-newfamily-7")),
        ("my-own", "", ("", "my-own")),
        ("my/own", "", ("", "my/own")),
        ("responses", "", ("", "responses")),
        ("openai/responses/", "", ("openai", "responses/")),
    ],
)
def test_a_deployment_is_whom_litellm_infers(written: str, custom: str, identity: tuple[str, str]) -> None:
    assert tuple(identity_of(written, custom, MAP)) == identity
