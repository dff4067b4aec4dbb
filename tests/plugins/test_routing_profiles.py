"""Which targets a virtual model has, in which order, and why others are left out."""

from __future__ import annotations

from typing import Any

import pytest

from governance.catalog import Catalog
from governance.model import Request, Selection
from governance_plugins.routing_profiles import RoutingProfiles

A, B = {"provider": "a"}, {"provider": "b"}


def plugin(*profiles: dict[str, Any]) -> RoutingProfiles:
    return RoutingProfiles(RoutingProfiles.Config.model_validate(profiles))


def fast(*targets: dict[str, Any], **more: Any) -> RoutingProfiles:
    return plugin({"name": "Fast", "virtual_provider": "fast", "targets": targets, **more})


def select(profiles: RoutingProfiles, request: Request | str) -> Selection:
    selection = profiles.select_targets(Request(request) if isinstance(request, str) else request, ())
    assert selection is not None
    return selection


def names(selection: Selection) -> list[str]:
    return [target.name for target in selection.targets if not target.rejected]


def reasons(selection: Selection) -> dict[str, str]:
    return {target.name: target.rejected.code for target in selection.targets if target.rejected}


@pytest.mark.parametrize("model", ["fast/glm-4.7", "FAST/glm-4.7", "Fast/glm-4.7", " fast /glm-4.7"])
def test_the_prefix_is_recognised_whatever_its_case(model: str) -> None:
    assert names(select(fast(A), model)) == ["a/glm-4.7"]


@pytest.mark.parametrize("model", ["fast", "faster/m", "openai/fast/m", "", "/", "m", "a/m"])
def test_other_models_are_left_alone(model: str) -> None:
    assert fast(A).select_targets(Request(model), ()) is None


@pytest.mark.parametrize("model", ["fast/", "fast/  "])
def test_a_virtual_provider_without_a_model_is_refused_and_never_passed_on(model: str) -> None:
    selection = select(fast(A), model)

    assert selection.refusal is not None
    assert (selection.refusal.status, selection.refusal.code) == (400, "no_eligible_target")
    assert selection.refusal.message == f"`{model}` names no model; ask for fast/<model>"


def test_a_base_model_keeps_its_case_and_its_slashes() -> None:
    assert names(select(fast(A), "fast/meta-llama/Llama-3")) == ["a/meta-llama/Llama-3"]


def test_a_target_with_a_model_serves_that_one() -> None:
    assert names(select(fast({**A, "model": "own"}, B), "fast/m")) == ["a/own", "b/m"]


def test_a_profile_that_is_switched_off_is_not_there() -> None:
    assert fast(A, enabled=False).select_targets(Request("fast/m"), ()) is None


def test_targets_of_an_earlier_plugin_are_left_as_they_are() -> None:
    proposed = select(fast(B), "fast/m").targets

    assert fast(A).select_targets(Request("fast/m"), proposed) is None


def test_an_alias_is_matched_whatever_its_case_and_may_have_several_targets() -> None:
    light = {"virtual_model": "Light", "model": "small"}
    heavy = {"virtual_model": "heavy", "model": "large"}
    selection = select(fast({**A, **light}, {**B, **heavy}, {"provider": "c", **light}), "fast/LIGHT")

    assert names(selection) == ["a/small", "c/small"]
    assert reasons(selection) == {"b/large": "virtual_model_mismatch"}


def test_an_unknown_alias_has_every_target_with_its_reason() -> None:
    selection = select(fast({**A, "virtual_model": "light", "model": "small"}), "fast/other")

    assert names(selection) == []
    assert reasons(selection) == {"a/small": "virtual_model_mismatch"}


@pytest.mark.parametrize("given", ["*", None])
def test_without_an_alias_any_model_is_served(given: str | None) -> None:
    assert names(select(fast({**A, "virtual_model": given}), "fast/anything")) == ["a/anything"]


@pytest.mark.parametrize(
    ("target", "reason", "detail"),
    [
        ({"enabled": False}, "target_disabled", ""),
        ({"request_types": ["embedding", "rerank"]}, "request_type_mismatch", "is chat, serves embedding, rerank"),
        ({"capabilities": ["vision"]}, "capability_mismatch", "needs tools, has text, vision"),
        ({"capabilities": []}, "capability_mismatch", "needs tools, has text"),
        ({"provider": "small"}, "context_window_exceeded", "about 812 prompt tokens, takes 100"),
        ({"provider": "absent"}, "not_configured", "the proxy serves no model `absent/m`"),
        ({"limits": {"cost": "1 USD/day"}}, "unpriced", "its price is unknown, so its cost limit cannot be kept"),
        (
            {"enabled": False, "request_types": ["embedding"], "capabilities": []},
            "target_disabled",
            "",
        ),
        (
            {"request_types": ["embedding"], "capabilities": []},
            "request_type_mismatch",
            "is chat, serves embedding",
        ),
    ],
)
def test_each_reason_against_a_target_has_its_code_and_particulars(
    target: dict[str, Any], reason: str, detail: str
) -> None:
    catalog = Catalog(
        [{"model_name": "a/*"}, {"model_name": "small/*"}],
        {"small/m": {"litellm_provider": "small", "max_input_tokens": 100, "supports_function_calling": True}},
    )
    request = Request("fast/m", capabilities=frozenset({"tools"}), prompt_tokens=812, models=catalog)
    (rejected,) = select(fast({**A, **target}), request).targets

    assert rejected.rejected is not None
    assert (rejected.rejected.code, rejected.rejected.detail) == (reason, detail)
    assert rejected.charges == ()


@pytest.mark.parametrize("word", ["chat_completion", "acompletion", "chat_stream", "CHAT"])
def test_request_types_may_be_written_as_other_gateways_do(word: str) -> None:
    assert names(select(fast({**A, "request_types": [word]}), "fast/m")) == ["a/m"]


def test_ordered_failover_is_by_priority_then_weight_then_file() -> None:
    targets = [
        {"provider": "a", "priority": 2},
        {"provider": "b", "priority": 1},
        {"provider": "c", "priority": 1, "weight": 5},
        {"provider": "d", "priority": 1},
        {"provider": "e", "priority": -1, "weight": 0},
        {"provider": "f", "priority": 1, "weight": 0},
        {"provider": "g"},
    ]

    assert names(select(fast(*targets), "fast/m")) == ["e/m", "g/m", "c/m", "b/m", "d/m", "f/m", "a/m"]


def test_what_cannot_serve_comes_behind_in_the_order_of_the_file() -> None:
    off = {"enabled": False}
    selection = select(fast({**A, **off}, B, {"provider": "c", **off}), "fast/m")

    assert [target.name for target in selection.targets] == ["b/m", "a/m", "c/m"]


def test_the_record_is_told_the_profile() -> None:
    assert select(fast(A), "FAST/m").notes == {"profile": "Fast", "virtual_provider": "fast"}


def test_a_shadow_profile_says_what_it_would_do_and_does_nothing() -> None:
    selection = select(fast({**A, "enabled": False}, B, {"provider": "c"}, mode="shadow"), "fast/m")

    assert (selection.targets, selection.notes, selection.refusal) == ((), {}, None)
    assert selection.shadow == ({"name": "Fast", "would": {"model": "b/m", "fallbacks": ["c/m"]}},)


def test_a_shadow_profile_without_an_eligible_target_would_serve_nothing() -> None:
    selection = select(fast({**A, "enabled": False}, mode="shadow"), "fast/m")

    assert selection.shadow == ({"name": "Fast", "would": {"model": None, "fallbacks": []}},)


def test_named_aliases_are_virtual_models_and_any_model_lends_those_that_are_served() -> None:
    profiles = plugin(
        {"name": "Fast", "virtual_provider": "fast", "targets": [A, B]},
        {"name": "Light", "virtual_provider": "Light", "targets": [{**A, "virtual_model": "Light", "model": "small"}]},
        {"name": "Hidden", "virtual_provider": "hidden", "targets": [A], "mode": "shadow"},
        {"name": "Off", "virtual_provider": "off", "targets": [A], "enabled": False},
        {"name": "Half", "virtual_provider": "half", "targets": [{**A, "enabled": False}]},
    )
    listed = profiles.virtual_models(["a/one", "b/two", "a/org/three", "a/*", "b/one", "ab/four", "five"])

    assert listed == ("fast/one", "fast/org/three", "fast/two", "Light/Light")
