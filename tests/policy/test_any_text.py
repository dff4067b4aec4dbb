"""Whatever stands in a file: it is a policy, or PolicyError says why it is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as some

from governance.engine.plugins import section_model
from governance.model.errors import PolicyError, Problem
from governance.policy import parse_policy
from governance.policy.document import Core
from governance_plugins.routing_profiles.config import Profile, ProfileTarget, TargetLimits

KEYS = sorted({*(f for m in (Core, Profile, ProfileTarget, TargetLimits) for f in m.model_fields), "routing_profiles"})
WORDS = some.sampled_from(
    ["fast", "openai", "memory://", "redis://h", "60/minute", "1 USD/day", "*", "a/b", "${A}", "$${", "${", "chat", ""]
)
PLAIN = some.none() | some.booleans() | some.integers() | some.floats() | WORDS | some.text(max_size=10)


def shaped(keys: some.SearchStrategy[str]) -> some.SearchStrategy[Any]:
    return some.recursive(
        PLAIN, lambda inner: some.lists(inner, max_size=4) | some.dictionaries(keys, inner, max_size=5), max_leaves=25
    )


ANYTHING = shaped(some.sampled_from(KEYS) | some.text(max_size=5))
PROFILE = some.fixed_dictionaries(
    {"name": PLAIN, "virtual_provider": WORDS, "targets": ANYTHING},
    optional={key: ANYTHING for key in Profile.model_fields if key not in ("name", "virtual_provider", "targets")},
)
OPTIONAL = [key for key in ProfileTarget.model_fields if key != "provider"]
TARGETS = some.lists(
    some.fixed_dictionaries({"provider": WORDS}, optional=dict.fromkeys(OPTIONAL, ANYTHING)),
    max_size=3,
)
DOCUMENT = some.dictionaries(some.sampled_from([*Core.model_fields, "routing_profiles", "name", "config"]), ANYTHING)
PROFILES = some.lists(PROFILE | some.tuples(PROFILE, TARGETS).map(lambda pair: {**pair[0], "targets": pair[1]}))


def read(text: str) -> None:
    assert all(problem.message for problem in problems(text))


def problems(text: str) -> tuple[Problem, ...]:
    try:
        parse_policy(text, "any", ["routing_profiles"], section_model, {"A": "anything"})
    except PolicyError as error:
        return error.problems or (Problem("", 0, 0, "", ""),)
    return ()


def as_json(value: Any) -> str:
    return json.dumps(value)


def as_yaml(value: Any) -> str:
    return str(yaml.safe_dump(value, allow_unicode=True))


WRITERS: some.SearchStrategy[Callable[[Any], str]] = some.sampled_from([as_json, as_yaml])


@settings(max_examples=150)
@given(some.text())
def test_any_text_loads_or_is_refused(text: str) -> None:
    read(text)


@settings(max_examples=150)
@given(some.text(alphabet="ab:-[]{},&*!<#|>?'\"%@` \n\t0129._~$", max_size=60))
def test_any_text_made_of_yaml_signs_loads_or_is_refused(text: str) -> None:
    read(text)


@settings(max_examples=150)
@given(ANYTHING | DOCUMENT, WRITERS)
def test_any_document_loads_or_is_refused(document: Any, write: Callable[[Any], str]) -> None:
    read(write(document))


@settings(max_examples=150)
@given(PROFILES, WRITERS)
def test_any_profiles_load_or_are_refused(profiles: Any, write: Callable[[Any], str]) -> None:
    read(write({"version": 1, "routing_profiles": profiles}))


@settings(max_examples=50)
@given(ANYTHING)
def test_any_ledger_loads_or_is_refused(url: Any) -> None:
    read(as_json({"ledger": {"url": url}}))
    read(as_json({"ledger": {"url": f"redis://{url}"}}))
    read(as_json({"ledger": {"url": f"rediss+sentinel://{url}"}}))
