"""Routing rules: which one is asked first, where it sends a request, and what is said of it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from governance.catalog import Catalog
from governance.engine.decision import Decision
from governance.engine.host import Host
from governance.engine.simulation import SimulationInput, simulate

FAST = {
    "name": "Fast",
    "virtual_provider": "fast",
    "targets": [{"provider": "cerebras"}, {"provider": "groq", "priority": 1}],
}


def rule(name: str, condition: str = "", **given: Any) -> dict[str, Any]:
    effect = {} if {"targets", "model", "refuse"} & given.keys() else {"targets": [{"provider": name}]}
    return {"name": name, "cel_expression": condition, **effect, **given}


def host(*rules: dict[str, Any], **sections: Any) -> Host:
    return Host.parse(json.dumps({"version": 1, "routing_rules": rules, **sections}))


def decide(
    *rules: dict[str, Any], model: str = "openai/gpt-4o", served: list[str] | None = None, **given: Any
) -> Decision:
    sections = {key: given.pop(key) for key in ("routing_profiles", "access") if key in given}
    catalog = Catalog(None if served is None else [{"model_name": name} for name in served], {})
    body = {"model": model, **given.pop("body", {})}
    return asyncio.run(simulate(host(*rules, **sections), SimulationInput(body=body, **given), catalog))


def chosen(*rules: dict[str, Any], **given: Any) -> str | None:
    return decide(*rules, **given).trace.notes.get("rule")


WHO = {
    "virtual_key_id": "k1",
    "virtual_key_name": "ci",
    "user_id": "u1",
    "team_id": "t1",
    "team_name": "Research",
    "customer_id": "c1",
    "customer_name": "Acme",
}


# --- who is asked first --------------------------------------------------------------------------------------------


def test_the_narrower_scope_beats_every_priority() -> None:
    scopes = [("virtual_key", "k1"), ("user", "u1"), ("team", "t1"), ("customer", "c1"), ("global", None)]
    rules = [
        rule(scope, scope=scope, priority=i, **({"scope_id": name} if name else {}))
        for i, (scope, name) in enumerate(reversed(scopes))
    ]

    asked = []
    while rules:
        asked.append(chosen(*rules, identity=WHO))
        rules = [each for each in rules if each["name"] != asked[-1]]

    assert asked == [scope for scope, _ in scopes]


@pytest.mark.parametrize(
    ("scope", "scope_id"),
    [("virtual_key", "k1"), ("virtual_key", "ci"), ("team", "t1"), ("team", "Research"), ("customer", "Acme")],
)
def test_a_scope_is_named_by_id_or_by_name(scope: str, scope_id: str) -> None:
    assert chosen(rule("R", scope=scope, scope_id=scope_id), identity=WHO) == "R"
    assert chosen(rule("R", scope=scope, scope_id=scope_id.upper() + "x"), identity=WHO) is None
    assert chosen(rule("R", scope=scope, scope_id=scope_id)) is None, "nobody in particular is asking"


def test_inside_a_scope_priority_counts_and_ties_go_by_the_file() -> None:
    rules = [rule("c", priority=1), rule("a", "true"), rule("b"), rule("first", priority=-1, enabled=False)]

    assert chosen(*rules) == "a"
    assert chosen(rules[0], rules[2]) == "b"


def test_ids_and_names_of_one_scope_share_one_order() -> None:
    rules = [
        rule("by name", 'model == "gpt-4o"', scope="team", scope_id="Research", priority=1),
        rule("by id", 'provider == "openai"', scope="team", scope_id="t1", priority=0),
    ]

    assert chosen(*rules, identity=WHO) == "by id"


@pytest.mark.parametrize("wanted", range(0, 60, 7))
def test_the_index_changes_no_order(wanted: int) -> None:
    """Rules that wait in different places of the index are asked as if they stood in one list."""
    conditions = ['model == "gpt-4o"', "", 'headers["x"] == "1"', 'provider in ["openai", "azure"]', 'task == ""']
    rules = [rule(f"r{i}", conditions[i % 5], priority=(i * 37) % 60) for i in range(60)]
    asked = sorted(rules, key=lambda each: each["priority"])[wanted:]

    assert chosen(*asked, headers={"x": "1"}) == asked[0]["name"]


# --- where it goes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "target", "expected"),
    [
        ("openai/gpt-4o", {"provider": "azure"}, "azure/gpt-4o"),
        ("openai/gpt-4o", {"model": "gpt-4o-mini"}, "openai/gpt-4o-mini"),
        ("openai/gpt-4o", {"provider": "azure", "model": "o3"}, "azure/o3"),
        ("openai/gpt-4o", {"model": "azure/o3"}, "azure/o3"),
        ("openai/gpt-4o", {}, "openai/gpt-4o"),
        ("gpt-4o", {"provider": "azure"}, "azure/gpt-4o"),
        ("gpt-4o", {"model": "gpt-4o-mini"}, "gpt-4o-mini"),
        ("gpt-4o", {"provider": "together_ai", "model": "meta-llama/L3"}, "together_ai/meta-llama/L3"),
    ],
)
def test_what_a_target_leaves_out_is_the_callers(model: str, target: dict[str, str], expected: str) -> None:
    decision = decide(rule("R", targets=[target]), model=model)

    assert decision.trace.model == expected
    assert decision.outcome == "route"


def test_targets_are_drawn_by_weight_and_the_others_are_fallbacks() -> None:
    rules = [rule("R", targets=[{"provider": "a", "weight": 0.7}, {"provider": "b", "weight": 0.2}, {"provider": "c"}])]

    def order(*draw: float) -> list[str]:
        decision = decide(*rules, model="m", draw=draw)
        return [decision.trace.model, *decision.trace.fallbacks]

    assert order(0.69, 0.6) == ["a/m", "b/m", "c/m"]
    assert order(0.71, 0.99) == ["b/m", "c/m", "a/m"]
    assert order(0.95, 0.0) == ["c/m", "a/m", "b/m"], "the weight that was left out is what is missing to 1"


def test_the_shares_of_a_real_draw_are_the_weights() -> None:
    started = host(rule("R", targets=[{"provider": "a", "weight": 0.8}, {"provider": "b", "weight": 0.2}]))

    async def many() -> Counter[str]:
        given = SimulationInput(body={"model": "m"})
        return Counter([(await simulate(started, given, Catalog(None, {}))).trace.model for _ in range(5_000)])

    assert asyncio.run(many())["a/m"] / 5_000 == pytest.approx(0.8, abs=0.03)


def test_a_target_without_weight_is_never_drawn_before_the_others() -> None:
    targets = [{"provider": "a", "weight": 0}, {"provider": "b", "weight": 1}]

    for draw in (0.0, 0.5, 0.99):
        decision = decide(rule("R", targets=targets), model="m", draw=[draw])
        assert (decision.trace.model, decision.trace.fallbacks) == ("b/m", ("a/m",))


def test_a_rules_fallbacks_take_the_place_of_other_targets_and_of_the_callers() -> None:
    targets = [{"provider": "a", "weight": 1}, {"provider": "b", "weight": 0}]
    fallbacks = ["anthropic/claude", "groq/", {"provider": "xai"}, {"model": "bare"}]

    decision = decide(rule("R", targets=targets, fallbacks=fallbacks), body={"fallbacks": ["mine/own"]})

    assert decision.trace.fallbacks == ("anthropic/claude", "groq/gpt-4o", "xai/gpt-4o", "bare")


def test_without_fallbacks_of_its_own_the_other_targets_come_first_and_then_the_callers() -> None:
    targets = [{"provider": "a", "weight": 1}, {"provider": "b", "weight": 0}]

    decision = decide(
        rule("R", targets=targets), body={"fallbacks": ["mine/own", "b/gpt-4o", "fast/x"]}, routing_profiles=[FAST]
    )

    assert decision.trace.fallbacks == ("b/gpt-4o", "mine/own", "cerebras/x", "groq/x")


def test_unknown_providers_among_the_fallbacks_are_dropped_with_a_reason_and_keep_the_callers_list() -> None:
    decision = decide(
        rule("R", targets=[{"provider": "openai"}], fallbacks=["nope/x", "neither/"]),
        served=["openai/*", "groq/*"],
        body={"fallbacks": ["groq/llama"]},
    )

    assert decision.trace.fallbacks == ("groq/llama",)
    dropped = [(c.target, c.reason) for c in decision.trace.candidates if c.reason]
    assert dropped == [("nope/x", "not_configured"), ("neither/gpt-4o", "not_configured")]


def test_a_rule_none_of_whose_targets_can_serve_is_passed_over_and_the_record_says_why() -> None:
    decision = decide(
        rule("first", targets=[{"provider": "nope", "model": "x"}]),
        rule("second", targets=[{"provider": "groq"}, {"provider": "nope", "weight": 0.5}]),
        served=["groq/*"],
    )

    record = decision.trace.record()
    assert (record["rule"], record["model"]) == ("second", "groq/gpt-4o")
    assert "rule first passed over: nope/x not_configured" in record["steps"][0]["did"]
    assert ("nope/gpt-4o", "not_configured") in [(c["target"], c["reason"]) for c in record["candidates"]]


def test_when_every_rule_is_passed_over_the_request_goes_on_as_it_came() -> None:
    decision = decide(rule("R", targets=[{"provider": "nope"}]), served=["openai/*"])

    assert (decision.outcome, decision.trace.model) == ("pass", "openai/gpt-4o")
    assert "passed over" in decision.trace.record()["steps"][0]["did"]


def test_a_target_that_lacks_what_the_request_needs_is_not_usable() -> None:
    prices = {"openai/plain": {"litellm_provider": "openai", "supports_vision": False}}
    catalog = Catalog(None, prices)
    rules = host(rule("R", targets=[{"model": "plain"}]), rule("next", targets=[{"model": "other"}]))
    given = SimulationInput(body={"model": "openai/gpt-4o"}, capabilities=("vision",))

    decision = asyncio.run(simulate(rules, given, catalog))

    assert decision.trace.notes["rule"] == "next"
    assert "openai/plain capability_mismatch" in decision.trace.record()["steps"][0]["did"]


# --- hand over, refuse, chain, shadow ------------------------------------------------------------------------------


def test_a_rule_may_hand_over_to_a_profile() -> None:
    decision = decide(rule("R", 'model == "gpt-4o"', model="fast/glm-4.7"), routing_profiles=[FAST])

    record = decision.trace.record()
    assert (record["rule"], record["profile"], record["model"]) == ("R", "Fast", "cerebras/glm-4.7")
    assert record["fallbacks"] == ["groq/glm-4.7"]


def test_a_profile_leaves_alone_what_a_rule_has_decided() -> None:
    decision = decide(
        rule("R", targets=[{"provider": "azure", "model": "o3"}]), model="fast/x", routing_profiles=[FAST]
    )

    assert decision.trace.model == "azure/o3"
    assert decision.trace.notes.get("profile") is None


def test_a_rule_may_refuse() -> None:
    decision = decide(rule("R", 'model.contains("opus")', refuse={"message": "ask us first"}), model="claude-opus")

    assert decision.refusal is not None
    assert (decision.refusal.status, decision.refusal.code) == (403, "refused_by_rule")
    assert decision.refusal.message == "ask us first"
    assert decision.trace.record()["rule"] == "R"


def test_a_chain_goes_on_with_the_rewritten_request_through_all_scopes() -> None:
    rules = [
        rule("a", 'model == "m"', targets=[{"provider": "openai", "model": "n"}], chain_rule=True),
        rule("b", 'model == "n" && provider == "openai"', scope="team", scope_id="t1", model="fast/x", chain_rule=True),
        rule("c", 'model == "fast/x"', targets=[{"provider": "azure", "model": "z"}], fallbacks=["groq/"]),
    ]

    decision = decide(*rules, model="m", identity=WHO, routing_profiles=[FAST])

    record = decision.trace.record()
    assert (record["rule"], record["model"], record["fallbacks"]) == ("c", "azure/z", ["groq/m"])
    assert "rule a -> b -> c" in record["steps"][0]["did"]


def test_in_a_chain_each_rule_is_asked_once_and_the_last_decision_stands() -> None:
    rules = [
        rule("there", 'model == "m"', targets=[{"provider": "openai", "model": "n"}], chain_rule=True),
        rule("back", 'model == "n"', targets=[{"provider": "openai", "model": "m"}], chain_rule=True),
    ]

    decision = decide(*rules, model="m")

    assert (decision.trace.notes["rule"], decision.trace.model) == ("back", "openai/m")


def test_a_chain_ends_after_ten_rules() -> None:
    rules = [
        rule(f"r{i}", f'model == "m{i}"', targets=[{"provider": "openai", "model": f"m{i + 1}"}], chain_rule=True)
        for i in range(12)
    ]

    assert decide(*rules, model="m0").trace.model == "openai/m10"


def test_a_chain_may_end_in_a_refusal() -> None:
    rules = [
        rule("a", targets=[{"provider": "azure"}], chain_rule=True),
        rule("b", 'provider == "azure"', refuse={"status": 503, "message": "azure is closed today"}),
    ]

    decision = decide(*rules)

    assert decision.refusal is not None
    assert decision.refusal.status == 503


def test_a_rule_in_shadow_mode_is_recorded_and_changes_nothing() -> None:
    rules = [
        rule("s", "prompt_tokens >= 0", mode="shadow", targets=[{"provider": "azure"}], fallbacks=["groq/"]),
        rule("h", mode="shadow", model="fast/x"),
        rule("r", mode="shadow", refuse={"message": "no"}),
        rule("not", "false", mode="shadow"),
    ]

    decision = decide(*rules, body={"fallbacks": ["mine/own"]})

    record = decision.trace.record()
    assert (record["outcome"], record["rule"], record["model"]) == ("pass", None, "openai/gpt-4o")
    assert record["fallbacks"] == ["mine/own"]
    assert record["shadow"] == [
        {"plugin": "routing_rules", "name": "s", "would": {"model": "azure/gpt-4o", "fallbacks": ["groq/gpt-4o"]}},
        {"plugin": "routing_rules", "name": "h", "would": {"model": "fast/x"}},
        {"plugin": "routing_rules", "name": "r", "would": {"refuse": 403}},
    ]


def test_a_shadow_rule_takes_no_draw_from_those_that_count() -> None:
    targets = [{"provider": "a", "weight": 0.5}, {"provider": "b", "weight": 0.5}]
    alone = decide(rule("R", targets=targets), model="m", draw=[0.4])

    beside = decide(rule("S", mode="shadow", targets=targets), rule("R", targets=targets), model="m", draw=[0.4])

    assert beside.trace.model == alone.trace.model == "a/m"


@pytest.mark.parametrize("key", ["rule", "policy"])
def test_with_grant_targets_the_key_must_be_allowed_to_call_the_target(key: str) -> None:
    rules = [rule("R", targets=[{"provider": "azure"}], **({"access": {"grant": "targets"}} if key == "rule" else {}))]
    sections = {"access": {"grant": "targets"}} if key == "policy" else {}

    refused = decide(*rules, identity={"models": ["openai/*"]}, **sections)
    served = decide(*rules, identity={"models": ["azure/*"]}, **sections)

    assert [c.reason for c in refused.trace.candidates] == ["model_not_allowed"]
    assert served.trace.model == "azure/gpt-4o"


def test_by_default_the_policy_grants() -> None:
    decision = decide(rule("R", targets=[{"provider": "azure"}]), identity={"models": ["openai/*"]})

    assert decision.trace.model == "azure/gpt-4o"


def test_how_full_limits_are_decides_where_a_request_goes() -> None:
    rules = [rule("cheap", "budget_used > 80 || tokens_used > 95.5", targets=[{"model": "gpt-4o-mini"}])]

    assert chosen(*rules, percent={"budget_used": 80.0}) is None
    assert chosen(*rules, percent={"budget_used": 80.5}) == "cheap"
    assert chosen(*rules, percent={"tokens_used": 150}) == "cheap"


def test_the_clock_of_the_request_decides_rules_of_time() -> None:
    rules = [rule("night", 'now.getHours("Europe/Berlin") >= 22 || now.getHours("Europe/Berlin") < 6')]

    assert chosen(*rules, at="2026-11-20T22:30:00Z") == "night"
    assert chosen(*rules, at="2026-11-20T12:00:00Z") is None
