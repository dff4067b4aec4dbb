"""`key: null` is no key: for every key of every part of a policy that may be left out, found by walking its models."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from governance.engine.plugins import section_model
from governance.policy import Policy, parse_policy
from governance.policy.document import Core

PLUGINS = ("routing_rules", "routing_profiles", "task_routing", "rate_limits", "budgets", "failover")
# Has every part that a policy may have, each with little but what it needs.
POLICY = f"""
version: 1
policy: {{}}
store: {{}}
ledger: {{breaker: {{}}}}
access: {{body: {{}}}}
keys:
  - {{name: k, sha256: {"ab" * 32}}}
  - {{name: rotated, sha256: [{{sha256: {"cd" * 32}}}]}}
teams: [{{name: t}}]
telemetry:
  {{decision_log: {{sample: {{}}}}, decisions: {{}}, metrics: {{}}, alerts: {{}},
    trace: {{hash: {{fields: [user], key: of sixteen letters}}}}, spend: {{}}}}
catalog: {{overrides: {{openai/gpt-4o: {{}}}}, discovery: {{providers: {{groq: {{}}}}}}}}
routing_rules:
  - name: to
    targets: [{{provider: openai, model: gpt-4o}}]
    fallbacks: [{{provider: groq, model: m}}]
    access: {{grant: targets}}
    affinity: {{}}
  - {{name: not, refuse: {{message: not here}}}}
routing_profiles:
  - name: p
    virtual_provider: v
    max_price: {{input: 5 USD/1M}}
    mirror: {{target: {{provider: openai}}, share: 5%, budget: 5 USD/day}}
    access: {{grant: targets}}
    affinity: {{}}
    targets: [{{provider: openai, limits: {{requests: 5/minute}}}}]
task_routing: {{profiles: {{own: {{code: [openai/gpt-4o]}}}}}}
rate_limits: [{{name: l, subject: everyone, requests: 5/minute, match: "true"}}]
budgets: [{{name: b, subject: everyone, amount: 5 USD/month}}]
change_guard: {{}}
failover: {{max_attempts: 2, retry_budget: {{percent: 20}}}}
"""
DOCUMENT = yaml.safe_load(POLICY)
Where = tuple[str | int, ...]


def policy_of(document: Any) -> Policy:
    return parse_policy(yaml.safe_dump(document), "policy.yaml", PLUGINS, section_model, {})


def parts(value: Any, given: Any, at: Where = ()) -> Iterator[tuple[Where, BaseModel]]:
    """Every model of a validated policy that stands in the document as a mapping, and where."""
    if isinstance(value, BaseModel) and "root" in type(value).model_fields:
        yield from parts(getattr(value, "root"), given, at)  # noqa: B009 - only some models have it
    elif isinstance(value, BaseModel) and isinstance(given, dict):
        yield at, value
        for name, field in type(value).model_fields.items():
            key = field.alias or name
            if key in given:
                yield from parts(getattr(value, name), given[key], (*at, key))
    elif isinstance(value, dict) and isinstance(given, dict):
        for key in value.keys() & given.keys():
            yield from parts(value[key], given[key], (*at, key))
    elif isinstance(value, (list, tuple)) and isinstance(given, list) and len(value) == len(given):
        for i, entry in enumerate(value):
            yield from parts(entry, given[i], (*at, i))


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_in(field.annotation)
    for inner in get_args(annotation):
        yield from models_in(inner)


def every_part() -> list[tuple[Where, BaseModel]]:
    policy = policy_of(DOCUMENT)
    core = list(parts(policy.core, DOCUMENT))
    return core + [part for name in PLUGINS for part in parts(policy.sections[name], DOCUMENT[name], (name,))]


PARTS = every_part()


def test_the_policy_has_every_part_that_there_is() -> None:
    there_are = {model for root in (Core, *map(section_model, PLUGINS)) for model in models_in(root)}
    tried = {type(part) for _, part in PARTS}

    optional = {model for model in there_are if any(not f.is_required() for f in model.model_fields.values())}
    assert optional <= tried


@pytest.mark.parametrize(("at", "part"), PARTS, ids=[".".join(map(str, at)) or "policy" for at, _ in PARTS])
def test_every_key_that_may_be_left_out_may_be_null(at: Where, part: BaseModel) -> None:
    document = deepcopy(DOCUMENT)
    mapping = document
    for step in at:
        mapping = mapping[step]
    fields = type(part).model_fields.items()
    optional = {field.alias or name for name, field in fields if not field.is_required()}
    missing = dict.fromkeys(optional - mapping.keys())
    mapping |= missing

    with_nulls, without = policy_of(document), policy_of(DOCUMENT)
    assert with_nulls.core == without.core, missing
    assert with_nulls.sections == without.sections, missing
