"""Which profile and task a request has, who says so, and which models may serve it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from governance.catalog import Catalog, installed_prices
from governance.engine.decision import Decision
from governance.engine.host import Host
from governance.engine.simulation import SimulationInput, simulate
from governance.model import Identity, Request, Selection
from governance.model.errors import PolicyError
from governance_plugins.task_routing import TaskRouting
from governance_plugins.task_routing.presets import CLASSIC, CURRENT, TASKS

# 2026-11-29, when the chains were chosen by the model map of then.
THIS_VERSION_S = 1_795_910_400.0
LAB: dict[str, Any] = {
    "active_profile": "lab",
    "profiles": {"lab": {"code": ["a/coder", "b/coder"], "general": "a/talker", "fallback": "b/last"}},
}


def plugin(**section: Any) -> TaskRouting:
    return TaskRouting(TaskRouting.Config.model_validate(section))


def decide(model: str, text: str = "", /, section: dict[str, Any] = LAB, **given: Any) -> Decision:
    host = Host.parse(json.dumps({"version": 1, "task_routing": section}))
    body = {"model": model, "messages": [{"role": "user", "content": text}], **given.pop("body", {})}
    return asyncio.run(simulate(host, SimulationInput(body=body, **given), Catalog(None, installed_prices())))


def names(decision: Decision) -> list[str]:
    assert decision.target is not None, decision.refusal
    return [decision.target.name, *(target.name for target in decision.fallbacks)]


def refused(decision: Decision) -> str:
    assert decision.refusal is not None
    assert (decision.refusal.status, decision.refusal.code) == (400, "no_eligible_target")
    return decision.refusal.message


def steps(decision: Decision) -> str:
    return " | ".join(step.did for step in decision.trace.steps)


def mistakes(section: dict[str, Any]) -> list[str]:
    with pytest.raises(PolicyError) as found:
        Host.parse(json.dumps({"task_routing": section}))
    return [f"{problem.path}: {problem.message}" for problem in found.value.problems]


@pytest.mark.parametrize("model", ["lab/code", "LAB/Code", " lab / code ", "auto/code", "Auto/CODE"])
def test_a_profile_and_a_task_are_read_whatever_their_case(model: str) -> None:
    assert names(decide(model)) == ["a/coder", "b/coder", "b/last"]


@pytest.mark.parametrize("model", ["lab", "lab/auto", "auto", "auto/auto", "lab/"])
def test_without_a_task_the_classifier_finds_one(model: str) -> None:
    decision = decide(model, "Fix the bug in this Python function")

    assert names(decision)[0] == "a/coder"
    assert decision.trace.notes == {"task": "code", "profile": "lab", "virtual_provider": "lab"}
    assert "task code by classifier heuristic, " in steps(decision)


@pytest.mark.parametrize("model", ["gpt-4o", "openai/gpt-4o", "laboratory", "openai/lab", "automatic/x", "code"])
def test_other_names_are_left_alone(model: str) -> None:
    decision = decide(model, headers={"x-governance-task": "code", "x-governance-profile": "lab"})

    assert (decision.outcome, decision.trace.model) == ("pass", model)


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        ("lab/poetry", {}, "`poetry` (the model's name) is no task; there are code, general, fast, creative, "),
        ("auto/lab", {}, "`lab` (the model's name) is no task; "),
        ("auto", {"headers": {"x-governance-task": "x"}}, "`x` (header x-governance-task) is no task; "),
        ("auto", {"body": {"metadata": {"task": "x"}}}, "`x` (the request) is no task; "),
        ("auto", {"headers": {"x-governance-profile": "x"}}, "`x` (header x-governance-profile) is no profile; "),
        (
            "auto",
            {"identity": {"metadata": {"governance_profile": "gold"}}},
            "`gold` (governance_profile of the key or team) is no profile; there are eco, balanced, premium, lab, auto",
        ),
    ],
)
def test_an_unknown_word_is_refused_with_those_that_are_known(model: str, given: Any, message: str) -> None:
    assert refused(decide(model, **given)).startswith(message)


@pytest.mark.parametrize(
    ("model", "header", "route"),
    [
        ("auto/coding", "economy", ("eco", "code")),
        ("auto/Math", "Cheap", ("eco", "reasoning")),
        ("auto/writing", "pro", ("premium", "creative")),
        ("premium/programming", None, ("premium", "code")),
    ],
)
def test_the_usual_other_words_are_understood(model: str, header: str | None, route: tuple[str, str]) -> None:
    notes = decide(model, headers={"x-governance-profile": header} if header else {}).trace.notes

    assert (notes["profile"], notes["task"]) == route


def test_a_word_of_the_policy_goes_before_what_it_usually_means() -> None:
    section = {"profiles": {"budget": {"coding": "a/own"}}}

    assert names(decide("auto/coding", section=section, headers={"x-governance-profile": "budget"})) == ["a/own"]


def test_a_slip_is_told_with_the_nearest_word() -> None:
    assert refused(decide("lab/analisys")).startswith(
        "`analisys` (the model's name) is no task, did you mean `analysis`?; there are code"
    )


def test_a_context_that_the_prompt_all_but_fills_is_the_last_choice() -> None:
    host = Host.parse(json.dumps({"task_routing": LAB}))
    sizes = {"a/coder": 100, "b/coder": 200, "b/last": 100}
    prices = {name: {"litellm_provider": name[0], "max_input_tokens": size} for name, size in sizes.items()}

    def served(tokens: int) -> list[str]:
        given = SimulationInput(body={"model": "lab/code"}, prompt_tokens=tokens)
        return names(asyncio.run(simulate(host, given, Catalog(None, prices))))

    assert served(90) == ["a/coder", "b/coder", "b/last"]
    assert served(95) == ["b/coder"]
    assert served(190) == ["b/coder"], "nobody has more room"


def test_a_long_unknown_word_is_not_repeated_in_full() -> None:
    assert len(refused(decide("lab/" + "x" * 200))) < 200


def test_the_name_beats_the_header_and_the_header_beats_the_metadata() -> None:
    header = {"headers": {"x-governance-task": "general"}}
    metadata = {"body": {"metadata": {"task": "Code"}}}

    assert decide("lab/code", **header).trace.notes["task"] == "code"
    assert decide("lab", **header, **metadata).trace.notes["task"] == "general"
    assert decide("lab", **metadata).trace.notes["task"] == "code"


def test_the_profile_is_that_of_the_name_the_key_the_header_and_then_the_active_one() -> None:
    header = {"headers": {"x-governance-profile": "ECO"}}
    key = {"identity": {"metadata": {"governance_profile": "premium"}}}

    assert decide("lab/code", **header, **key).trace.notes["profile"] == "lab"
    assert decide("auto/code", **header, **key).trace.notes["profile"] == "premium"
    assert decide("auto/code", **header).trace.notes["profile"] == "eco"
    assert decide("auto/code", **key).trace.notes["profile"] == "premium"
    assert decide("auto/code").trace.notes["profile"] == "lab"


def test_what_a_client_says_of_itself_is_no_profile() -> None:
    decision = decide("auto/code", body={"metadata": {"governance_profile": "premium"}})

    assert decision.trace.notes["profile"] == "lab"


def test_headers_do_not_count_where_the_policy_does_not_allow_them() -> None:
    headers = {"x-governance-profile": "premium", "x-governance-task": "general"}
    decision = decide("auto", "Fix this bug", {**LAB, "allow_header": False}, headers=headers)

    assert decision.trace.notes == {"task": "code", "profile": "lab", "virtual_provider": "lab"}


def test_a_hint_may_say_auto_and_means_nothing_then() -> None:
    decision = decide("auto", "Fix this bug", headers={"x-governance-profile": "auto", "x-governance-task": "Auto"})

    assert decision.trace.notes["task"] == "code"


def test_only_the_last_user_message_is_classified() -> None:
    turns = [
        {"role": "system", "content": "You write Python code. Fix every bug."},
        {"role": "user", "content": "Refactor this function"},
        {"role": "assistant", "content": "def f(): pass"},
        {"role": "user", "content": "Write a poem about the sea"},
        {"role": "assistant", "content": "def g(): pass"},
    ]

    assert decide("lab", body={"messages": turns}).trace.notes["task"] == "creative"


def test_overrides_come_first_then_the_chain_then_the_fallback_each_once() -> None:
    section = {**LAB, "overrides": {"code": ["c/own", "b/last"], "Poetry": "c/poet"}}

    assert names(decide("lab/code", section=section)) == ["c/own", "b/last", "a/coder", "b/coder"]
    assert names(decide("lab/poetry", section=section)) == ["c/poet", "b/last"], "an override makes a task known"


def test_a_task_without_a_chain_goes_to_the_fallback() -> None:
    assert names(decide("lab/creative")) == ["b/last"]


def test_reasoning_is_analysis_where_a_profile_has_no_chain_for_it() -> None:
    section = {"profiles": {"own": {"analysis": ["a/analyst"], "fallback": "b/last"}}}

    assert names(decide("own/reasoning", section=section)) == ["a/analyst", "b/last"]


def test_a_profile_that_has_nothing_for_a_task_says_so() -> None:
    section = {"profiles": {"own": {"code": "a/coder"}}}

    assert refused(decide("own/fast", section=section)) == "profile own has no model for fast, and no `fallback`"


def test_a_profile_of_the_policy_replaces_the_preset_of_its_name() -> None:
    assert names(decide("ECO/code", section={"profiles": {"Eco": {"code": "a/own"}}})) == ["a/own"]


def test_a_model_that_is_not_served_is_climbed_over_and_the_climb_is_recorded() -> None:
    decision = decide("lab/code", catalog={"configured": ["b/*"]})

    assert names(decision) == ["b/coder", "b/last"]
    assert "a/coder: not_configured; climbed to b/coder" in steps(decision)
    assert decision.trace.candidates[0][:3] == ("a/coder", False, "not_configured")


def test_a_full_or_cooling_target_is_climbed_over_as_in_any_chain() -> None:
    catalog = Catalog(None, {"a/coder": {"litellm_provider": "a", "max_input_tokens": 10}})
    host = Host.parse(json.dumps({"task_routing": LAB}))
    decision = asyncio.run(simulate(host, SimulationInput(body={"model": "lab/code"}, prompt_tokens=99), catalog))

    assert names(decision) == ["b/coder", "b/last"]
    assert "a/coder: context_window_exceeded; climbed to b/coder" in steps(decision)


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
SEES: dict[str, Any] = {"litellm_provider": "a", "mode": "chat", "supports_vision": True}
READS: dict[str, Any] = {"litellm_provider": "a", "mode": "chat", "supports_vision": False}


def with_image(prices: dict[str, Any], section: dict[str, Any] = LAB) -> Decision:
    host = Host.parse(json.dumps({"task_routing": section}))
    body = {"model": "lab/code", "messages": [{"role": "user", "content": [IMAGE]}]}
    return asyncio.run(simulate(host, SimulationInput(body=body), Catalog(None, prices)))


def test_a_model_that_cannot_see_is_never_given_an_image() -> None:
    decision = with_image({"a/coder": READS, "b/coder": {**SEES, "litellm_provider": "b"}, "b/last": READS})

    assert names(decision) == ["b/coder"]


def test_an_override_that_cannot_see_is_passed_over_too() -> None:
    section = {**LAB, "overrides": {"code": "a/blind"}}
    decision = with_image({"a/blind": READS, "a/coder": SEES, "b/coder": READS, "b/last": READS}, section)

    assert names(decision) == ["a/coder"]


def test_where_nothing_can_see_the_refusal_gives_the_reason_of_each() -> None:
    message = refused(with_image({"a/coder": READS, "b/coder": {**READS, "litellm_provider": "b"}}))

    assert "a/coder: capability_mismatch (needs vision, has " in message
    assert "b/last: capability_mismatch (brings image, and nobody says that it takes that)" in message


@pytest.mark.parametrize(
    ("call_type", "body", "wanted"),
    [
        ("speech", {"input": "Hello"}, "wants audio_generation"),
        ("image_generation", {"prompt": "a fox"}, "wants image_generation"),
        ("embedding", {"input": "a fox"}, "wants embedding"),
        ("chat", {"modalities": ["text", "audio"]}, "wants audio_generation"),
        ("rerank", {"query": "a fox"}, "is rerank, serves chat, completion, messages, responses"),
    ],
)
def test_a_chain_of_text_models_is_not_asked_for_anything_else(call_type: str, body: Any, wanted: str) -> None:
    message = refused(decide("auto", section={}, call_type=call_type, body=body))

    assert message.count(wanted) == len(message.split("; ")), "every target has the reason"


def test_an_unknown_model_is_given_text() -> None:
    assert names(decide("lab/code", "Hello"))[0] == "a/coder"


def test_targets_of_a_rule_are_left_as_they_are() -> None:
    rule = {"name": "r", "cel_expression": 'model == "auto"', "targets": [{"provider": "groq", "model": "m"}]}
    host = Host.parse(json.dumps({"routing_rules": [rule], "task_routing": {}}))
    decision = asyncio.run(simulate(host, SimulationInput(body={"model": "auto"}), Catalog(None, {})))

    assert (names(decision), decision.trace.notes) == (["groq/m"], {"rule": "r"})


def test_a_rule_may_hand_over_and_see_the_hint() -> None:
    rule = {"name": "r", "cel_expression": 'task == "code"', "model": "eco/code"}
    host = Host.parse(json.dumps({"routing_rules": [rule], "task_routing": {}}))
    given = SimulationInput(body={"model": "gpt-4o", "metadata": {"task": "code"}})
    decision = asyncio.run(simulate(host, given, Catalog(None, {})))

    assert decision.trace.notes == {"rule": "r", "task": "code", "profile": "eco", "virtual_provider": "eco"}


def test_a_profile_among_the_callers_fallbacks_becomes_its_models() -> None:
    decision = decide("gpt-4o", "Fix this bug", body={"fallbacks": ["lab/auto", "other"]})

    assert [target.name for target in decision.fallbacks] == ["a/coder", "b/coder", "b/last", "other"]


def test_no_word_of_the_prompt_is_in_the_record() -> None:
    decision = decide("auto", "Refactor the zanzibar function: def quokka(): numpy")
    record = json.dumps(decision.trace.record())

    assert not [word for word in ("zanzibar", "quokka", "efactor", "function", "numpy") if word in record]
    assert "quokka" not in repr(decision.request)


def test_profiles_that_somebody_serves_are_listed_with_their_tasks() -> None:
    listed = plugin(**LAB).virtual_models(["b/coder", "openai/gpt-6-luna"])

    assert listed[0] == "auto"
    assert {"lab", "lab/code", "eco", "eco/code", "eco/reasoning"} <= set(listed)
    assert "lab/general" not in listed, "neither its model nor the fallback is served"
    assert plugin(**LAB).virtual_models(["groq/x"]) == ()


def test_wildcards_that_the_proxy_serves_count() -> None:
    assert "premium/code" in plugin().virtual_models(["anthropic/*"])


def test_check_tells_of_names_that_are_taken_and_of_tasks_that_nobody_serves() -> None:
    catalog = Catalog([{"model_name": name} for name in ("lab/code", "Auto", "a/*", "b/coder", "eco-friendly")], {})
    told = list(plugin(**LAB).warnings(catalog, lambda _: False))

    assert told[:2] == [
        f"task_routing: the proxy's own model `{name}` cannot be asked for; `{name}` is a task profile's"
        for name in ("lab/code", "Auto")
    ]
    assert told[2] == "task_routing: the proxy serves no model of lab/fast (b/last)"
    assert len(told) == len(set(told))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"active_profile": "x"}, "task_routing.active_profile: `x` is no profile; there are eco, balanced, premium"),
        ({"classifier": "x"}, "task_routing.classifier: `x` is no classifier; installed: heuristic"),
        (
            {"profiles": {"own": {"code": "eco/code"}}},
            "task_routing.profiles.own.code[0]: `eco/code` is a task profile itself; "
            "name a model to serve, as provider/model",
        ),
        ({"overrides": {"code": "Auto"}}, "task_routing.overrides.code[0]: `Auto` is a task profile itself; "),
        ({"profiles": {"own": {"code": []}}}, "task_routing.profiles.own.code: needs at least one model; "),
        ({"profiles": {"own": {"code": "a/*"}}}, "task_routing.profiles.own.code[0]: `a/*` must name one model, "),
        ({"profiles": {"openai": {}}}, "task_routing.profiles.openai: `openai` is a provider that LiteLLM serves; "),
        ({"profiles": {"auto": {}}}, "task_routing.profiles.auto: `auto` is taken: it means the active profile, "),
        ({"profiles": {"a/b": {}}}, "task_routing.profiles.a/b: `a/b` must be one plain word, "),
        ({"overrides": {"fallback": "a/b"}}, "task_routing.overrides.fallback: is no task; "),
        ({"activ_profile": "eco"}, "task_routing.activ_profile: unknown key, did you mean `active_profile`?; known: "),
        ({"profiles": {"Eco": {"code": "a/b"}, "eco": {"code": "c/d"}}}, "task_routing.profiles: `eco` stands here "),
    ],
)
def test_mistakes_are_told_with_what_would_be_right(section: dict[str, Any], message: str) -> None:
    assert any(told.startswith(message) for told in mistakes(section)), mistakes(section)


def test_presets_name_only_models_that_litellm_knows() -> None:
    prices = installed_prices()
    models = {model for chains in CURRENT.values() for chain in chains.values() for model in chain}

    assert {model for model in models if model not in prices and model.partition("/")[2] not in prices} == set()


def test_every_preset_has_a_chain_for_every_task_and_a_fallback() -> None:
    assert {name: set(chains) for name, chains in CURRENT.items()} == {
        name: {*TASKS, "fallback"} for name in ("eco", "balanced", "premium")
    }
    assert {name: {*chains, "reasoning"} for name, chains in CLASSIC.items()} == {
        name: set(chains) for name, chains in CURRENT.items()
    }


def test_no_preset_has_a_model_that_retires_within_half_a_year_of_this_version() -> None:
    catalog = Catalog(None, installed_prices())
    ends = {model: catalog.facts(model).retires_at_s for each in CURRENT.values() for c in each.values() for model in c}

    assert {model for model, at_s in ends.items() if at_s is not None and at_s < THIS_VERSION_S + 180 * 86_400} == set()


def test_eco_begins_with_what_costs_least() -> None:
    catalog = Catalog(None, installed_prices())
    for task, chain in CURRENT["eco"].items():
        prices = [catalog.facts(model).cost_usd_micros(3_000, 1_000) for model in chain]
        assert prices == sorted(prices), task
        assert prices[0] <= (catalog.facts("openai/gpt-4o-mini").cost_usd_micros(3_000, 1_000) or 0), task


def test_the_chains_of_2025_are_there_for_who_wants_them() -> None:
    section = {"preset": "classic"}

    assert names(decide("premium/code", section=section, at="2025-12-01T00:00:00Z")) == [
        "anthropic/claude-opus-4-5",
        "openai/gpt-4o",
        "openai/o3",
        "anthropic/claude-sonnet-4-5",
    ]
    assert names(decide("eco/reasoning", section=section, at="2025-12-01T00:00:00Z"))[0] == "gemini/gemini-2.0-flash"


def test_a_model_that_its_provider_has_switched_off_is_climbed_over() -> None:
    section = {"preset": "classic"}
    before = decide("balanced/code", section=section, at="2026-11-29T23:59:59Z")
    after = decide("balanced/code", section=section, at="2026-11-30T00:00:00Z")

    assert names(before)[0] == "anthropic/claude-sonnet-4-5"
    assert names(after)[0] == "openai/gpt-4o"
    assert after.trace.candidates[0][:3] == ("anthropic/claude-sonnet-4-5", False, "retired")
    assert "anthropic/claude-sonnet-4-5: retired; climbed to openai/gpt-4o" in steps(after)


def test_a_request_that_nobody_else_has_read_is_classified_as_general() -> None:
    selection = plugin(**LAB).select_targets(Request("lab", identity=Identity()), ())

    assert isinstance(selection, Selection)
    assert selection.notes["task"] == "general"


def test_a_chain_may_name_a_group_of_the_proxy_beside_models() -> None:
    section = {"profiles": {"lab": {"code": [{"group": "coders"}, "b/coder"], "fallback": {"group": "rest"}}}}
    decision = decide("lab/code", section=section, catalog={"configured": ["coders", "rest"]})

    assert names(decision) == ["group:coders", "group:rest"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"group": ""}, "must be provider/model, or {group: NAME}"),
        ({"group": "a", "model": "b"}, "must be provider/model, or {group: NAME}"),
        ("group:coders", "`group:coders` is written {group: coders}"),
    ],
)
def test_what_is_no_group_is_told(entry: Any, message: str) -> None:
    found = mistakes({"profiles": {"lab": {"code": [entry]}}})

    assert len(found) == 1
    assert message in found[0]
