"""Mistakes in rules are told with their line and what would be right; what can never work is warned about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from governance.catalog import Catalog
from governance.engine.host import Host
from governance.model.errors import PolicyError

BAD = Path(__file__).parent / "bad_rules"
EXAMPLE = Path(__file__).parents[2] / "config" / "rules.yaml"


@pytest.mark.parametrize("file", sorted(BAD.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_mistake_is_told_with_its_line_and_what_would_be_right(file: Path) -> None:
    with pytest.raises(PolicyError) as refused:
        Host.load(file)

    assert str(refused.value) + "\n" == file.with_suffix(".txt").read_text("utf-8")


def warned(*rules: dict[str, Any], served: list[str] | None = None, **sections: Any) -> list[str]:
    named = [{"name": f"r{i}", "targets": [{}], **rule} for i, rule in enumerate(rules)]
    for rule in named:
        if {"model", "refuse"} & rule.keys():
            del rule["targets"]
    policy = {"version": 1, "routing_rules": named, **sections}
    catalog = Catalog(None if served is None else [{"model_name": name} for name in served], {})
    return list(Host.parse(json.dumps(policy)).warnings(catalog))


@pytest.mark.parametrize("condition", ["", "true", True, "1 < 2", '"a" in ["a"] || false'])
def test_what_comes_after_a_rule_that_takes_everything_is_never_reached(condition: str | bool) -> None:
    rules = [{"cel_expression": condition}, {"cel_expression": 'model == "m"'}]

    assert warned(*rules) == ["rule r1: never reached, rule r0 before it takes every request of scope global"]


@pytest.mark.parametrize(
    "rules",
    [
        [{"scope": "team", "scope_id": "a"}, {}],
        [{}, {"scope": "team", "scope_id": "a"}],
        [{"chain_rule": True}, {}],
        [{"mode": "shadow"}, {}],
        [{"enabled": False}, {}],
        [{"priority": 1}, {"cel_expression": 'model == "m"'}],
        [{"cel_expression": "budget_used >= 0"}, {}],
    ],
    ids=lambda rules: json.dumps(rules)[:50],
)
def test_a_rule_that_others_leave_something_to_is_not_warned_about(rules: list[dict[str, Any]]) -> None:
    assert warned(*rules) == []


def test_a_rule_with_the_condition_of_one_before_it_is_never_reached() -> None:
    rules = [{"cel_expression": 'model == "m"', "scope": "team", "scope_id": "a"}] * 2

    assert warned(*rules) == ["rule r1: never reached, rule r0 before it takes every request of team a"]


@pytest.mark.parametrize("condition", ["false", "2 < 1", 'model == "a" && model == "b"', "timestamp(0) > timestamp(1)"])
def test_a_condition_that_is_never_true_is_warned_about(condition: str) -> None:
    assert warned({"cel_expression": condition}) == ["rule r0: its condition is never true"]


def test_a_model_that_is_compared_with_its_providers_name_is_warned_about() -> None:
    (warning,) = warned({"cel_expression": 'model == "openai/gpt-4o"'})

    assert warning.endswith('so it is never openai/gpt-4o; write provider == "openai" && model == "gpt-4o"')


def test_a_scope_id_without_a_scope_is_warned_about() -> None:
    assert warned({"scope_id": "a"}) == ["rule r0: scope_id a has no meaning in scope global; name a scope"]


def test_what_the_proxy_does_not_serve_is_warned_about() -> None:
    targets = [
        {"provider": "openai", "model": "gpt-4o", "weight": 0.5},
        {"provider": "azure", "model": "gpt-4o", "weight": 0.2},
        {"provider": "xai", "weight": 0.1},
        {"provider": "groq", "weight": 0.1},
        {"model": "depends-on-the-caller", "weight": 0.1},
    ]

    assert warned(
        {"targets": targets, "fallbacks": ["groq/", "nope/", "plain"]}, served=["openai/*", "groq/llama"]
    ) == [
        "rule r0: the proxy serves no `azure/gpt-4o`; this target will never be chosen",
        "rule r0: the proxy serves no model of xai; this target will never be chosen",
        "rule r0: the proxy serves no model of nope; this fallback will never be chosen",
        "rule r0: the proxy serves no `plain`; this fallback will never be chosen",
    ]


def test_handing_over_to_a_name_that_nobody_knows_is_warned_about() -> None:
    fast = {"name": "Fast", "virtual_provider": "fast", "targets": [{"provider": "groq"}]}
    rules = [{"model": "fast/x", "cel_expression": "true"}]

    assert warned(*rules, served=["groq/*"], routing_profiles=[fast]) == []
    assert warned({"model": "groq/x"}, served=["groq/*"]) == []
    assert warned(*rules, served=["groq/*"]) == ["rule r0: no profile has `fast/x` and the proxy serves no such model"]


def test_the_example_policy_gives_no_warnings() -> None:
    assert Host.load(EXAMPLE).warnings(Catalog(None, {})) == ()
