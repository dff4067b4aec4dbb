"""The windows of a profile's targets, and what a request is charged in them."""

from __future__ import annotations

from typing import Any

import pytest

from governance.catalog import Catalog
from governance.model import TYPICAL_OUTPUT_TOKENS, Charge, Request, Target, Window
from governance_plugins.routing_profiles import RoutingProfiles

PRICES = {"a/m": {"litellm_provider": "a", "input_cost_per_token": 2e-06, "output_cost_per_token": 1e-05}}


def target(request: Request, **given: Any) -> Target:
    profile = {"name": "Fast", "virtual_provider": "fast", "targets": [{"provider": "a", **given}]}
    selection = RoutingProfiles(RoutingProfiles.Config.model_validate([profile])).select_targets(request, ())
    assert selection is not None
    return selection.targets[0]


def window(unit: Any, amount: int, period: int | None, **more: Any) -> Window:
    return Window("Fast: *", "target:a/m", unit, amount, period, **more)


def test_every_kind_of_limit_is_a_window_of_the_target_it_serves_from() -> None:
    limits = {
        "requests": ["60/minute", "2k/day"],
        "tokens": "100k/minute",
        "input_tokens": "90k/minute",
        "output_tokens": "20k/minute",
        "cost": "5 USD/hour",
        "concurrent": 8,
    }
    request = Request("fast/m", prompt_tokens=800, max_output_tokens=100, models=Catalog(None, PRICES))

    assert target(request, limits=limits).charges == (
        Charge(window("requests", 60, 60), 1),
        Charge(window("requests", 2_000, 86_400), 1),
        Charge(window("tokens", 100_000, 60), 900),
        Charge(window("input_tokens", 90_000, 60), 800),
        Charge(window("output_tokens", 20_000, 60), 100),
        Charge(window("usd_micros", 5_000_000, 3600), 2_600),
        Charge(window("concurrent", 8, None), 1),
    )


def test_two_models_behind_one_target_are_counted_apart() -> None:
    limits = {"requests": "60/minute"}
    subjects = {target(Request(f"fast/{m}"), limits=limits).charges[0].window.subject for m in ("m", "n", "m")}

    assert subjects == {"target:a/m", "target:a/n"}


def test_very_many_base_models_are_counted_apart_too() -> None:
    profile = {
        "name": "Fast",
        "virtual_provider": "fast",
        "targets": [{"provider": "a", "limits": {"requests": "1/second"}}],
    }
    plugin = RoutingProfiles(RoutingProfiles.Config.model_validate([profile]))
    subjects = set()
    for i in range(3_000):
        selection = plugin.select_targets(Request(f"fast/{i}"), ())
        assert selection is not None
        subjects.add(selection.targets[0].charges[0].window.subject)

    assert len(subjects) == 3_000


def test_an_alias_names_its_windows() -> None:
    limited = target(Request("fast/light"), virtual_model="Light", model="m", limits={"requests": "60/minute"})

    assert limited.charges[0].window.limit == "Fast: Light"


def test_a_target_without_limits_is_charged_nothing() -> None:
    assert target(Request("fast/m")).charges == ()


def test_what_happens_when_full_or_away_travels_with_the_target() -> None:
    limited = target(Request("fast/m"), limits={"requests": "1/second", "when_full": "last", "on_unavailable": "allow"})

    assert limited.when_full == "last"
    assert limited.charges[0].window.on_unavailable == "allow"


@pytest.mark.parametrize(("grant", "expected"), [({"grant": "targets"}, "targets"), (None, None)])
def test_the_grant_of_a_profile_travels_with_its_targets(grant: dict[str, str] | None, expected: str | None) -> None:
    profile = {"name": "Fast", "virtual_provider": "fast", "targets": [{"provider": "a"}], "access": grant}
    selection = RoutingProfiles(RoutingProfiles.Config.model_validate([profile])).select_targets(Request("fast/m"), ())

    assert selection is not None
    assert selection.targets[0].grant == expected


def test_an_answer_of_unknown_length_reserves_a_typical_one() -> None:
    limits = {"tokens": "100k/minute"}

    assert target(Request("fast/m", prompt_tokens=10), limits=limits).charges[0].amount == 10 + TYPICAL_OUTPUT_TOKENS


def test_a_guess_alone_never_makes_a_request_larger_than_its_window() -> None:
    limits = {"tokens": "500/minute"}

    assert target(Request("fast/m", prompt_tokens=10), limits=limits).charges[0].amount == 500
    assert target(Request("fast/m", prompt_tokens=700), limits=limits).charges[0].amount == 700
    asked = Request("fast/m", prompt_tokens=10, max_output_tokens=900)
    assert target(asked, limits=limits).charges[0].amount == 910, "what the caller asks for is no guess"


@pytest.mark.parametrize("request_type", ["embedding", "rerank", "moderation", "image_generation"])
def test_where_no_text_is_generated_no_output_is_reserved(request_type: str) -> None:
    request = Request("fast/m", request_type=request_type, prompt_tokens=10)

    assert target(request, limits={"tokens": "100k/minute"}).charges[0].amount == 10
