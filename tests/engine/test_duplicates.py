"""A target that stands somewhere twice, in whatever case, is tried once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger
from governance.model import Request

RULE = {
    "name": "r",
    "targets": [{"provider": "openai", "model": "gpt-4o"}],
    "fallbacks": ["groq/m", "OpenAI/GPT-4o", "Groq/M"],
}
PROFILE = {
    "name": "p",
    "virtual_provider": "v",
    "targets": [{"provider": "openai"}, {"provider": "OpenAI"}, {"provider": "groq"}],
}
CHAIN = {"profiles": {"own": {"code": ["openai/gpt-4o", "OpenAI/GPT-4o", "groq/m"], "fallback": "GROQ/m"}}}
EACH = {
    "routing_rules": ([RULE], "openai/o3"),
    "routing_profiles": ([PROFILE], "v/gpt-4o"),
    "task_routing": (CHAIN, "own/code"),
}


@pytest.mark.parametrize("section", EACH)
async def test_a_target_is_tried_once_whatever_its_case(section: str) -> None:
    given, model = EACH[section]
    governed = Engine(Host.parse(json.dumps({"version": 1, section: given})), MemoryLedger(lambda: 1.0))
    record = (await governed.admit(Request(model))).trace.record()

    assert record["model"] == "openai/gpt-4o"
    assert record["fallbacks"] == (["groq/gpt-4o"] if section == "routing_profiles" else ["groq/m"])


async def test_a_callers_own_fallbacks_are_tried_once() -> None:
    profile = {**PROFILE, "targets": [{"provider": "openai"}]}
    governed = Engine(Host.parse(json.dumps({"version": 1, "routing_profiles": [profile]})), MemoryLedger(lambda: 1.0))
    asked = Request("v/gpt-4o", fallbacks=("OpenAI/GPT-4o", "groq/m", "GROQ/m"))

    assert (await governed.admit(asked)).trace.record()["fallbacks"] == ["groq/m"]


@pytest.mark.parametrize(
    ("section", "given", "words"),
    [
        ("routing_rules", [RULE], "rule r: fallbacks: `Groq/M` stands there twice"),
        (
            "routing_rules",
            [
                {
                    "name": "r",
                    "targets": [
                        {"provider": "openai", "model": "gpt-4o", "weight": 0.5},
                        {"model": "OpenAI/GPT-4o", "weight": 0.5},
                    ],
                }
            ],
            "rule r: targets: `OpenAI/GPT-4o` stands there twice",
        ),
        ("routing_profiles", [PROFILE], "profile p: `OpenAI/*` stands there twice"),
        ("task_routing", CHAIN, "task_routing: own/code: `OpenAI/GPT-4o` stands there twice"),
    ],
)
def test_what_stands_there_twice_is_warned_of(section: str, given: Any, words: str) -> None:
    warnings = list(Host.parse(json.dumps({"version": 1, section: given})).warnings(Catalog(None, {})))

    assert [warning.startswith(words) for warning in warnings].count(True) == 1, warnings


def test_the_same_target_for_two_aliases_or_types_of_requests_is_no_duplicate() -> None:
    target = {"provider": "openai", "model": "m"}
    aliases = {**PROFILE, "targets": [{**target, "virtual_model": "a"}, {**target, "virtual_model": "b"}]}
    types = {**PROFILE, "targets": [{**target, "request_types": ["chat"]}, {**target, "request_types": ["embedding"]}]}

    for profile in (aliases, types):
        host = Host.parse(json.dumps({"version": 1, "routing_profiles": [profile]}))
        assert list(host.warnings(Catalog(None, {}))) == []


SERVED = Catalog(
    [
        {"model_name": "smart", "litellm_params": {"model": "openai/gpt-4o"}, "model_info": {"id": "smart"}},
        {"model_name": "deep", "litellm_params": {"model": "openai/responses/o1"}, "model_info": {"id": "deep"}},
        {"model_name": "last", "litellm_params": {"model": "groq/m"}, "model_info": {"id": "last"}},
        {
            "model_name": "also",
            "litellm_params": {"model": "openai/gpt-4o", "max_tokens": 5},
            "model_info": {"id": "x"},
        },
    ],
    {"gpt-4o": {"litellm_provider": "openai"}},
    {"clever": "smart"},
)
SAME = ["openai/gpt-4o", "gpt-4o", "OPENAI/responses/GPT-4o", {"group": "smart"}, {"group": "clever"}, "openai/o1"]
MEANT_TWICE = {
    "routing_rules": ([{"name": "r", "targets": [{"group": "deep"}], "fallbacks": [*SAME, "groq/m"]}], "openai/o3"),
    "task_routing": ({"profiles": {"own": {"code": [{"group": "deep"}, *SAME, "groq/m"]}}}, "own/code"),
}


@pytest.mark.parametrize("section", MEANT_TWICE)
async def test_a_target_that_is_written_in_several_ways_is_tried_once(section: str) -> None:
    given, model = MEANT_TWICE[section]
    governed = Engine(Host.parse(json.dumps({"version": 1, section: given})), MemoryLedger(lambda: 1.0))
    record = (await governed.admit(Request(model, models=SERVED))).trace.record()

    assert [record["model"], *record["fallbacks"]] == ["group:deep", "openai/gpt-4o", "groq/m"]


@pytest.mark.parametrize("section", MEANT_TWICE)
def test_what_is_written_in_several_ways_is_told_by_what_stands_before_it(section: str) -> None:
    given, _ = MEANT_TWICE[section]
    warnings = "\n".join(Host.parse(json.dumps({"version": 1, section: given})).warnings(SERVED))

    assert "`gpt-4o` is the same as `openai/gpt-4o` before it; it is tried once" in warnings
    assert "model group `clever` is the same as `openai/gpt-4o` before it" in warnings


def test_two_groups_of_one_model_with_other_parameters_are_two_targets() -> None:
    groups = [{"group": "smart"}, {"group": "also"}, {"group": "deep"}]
    rule = {"name": "r", "targets": [{"group": "last"}], "fallbacks": groups}
    host = Host.parse(json.dumps({"version": 1, "routing_rules": [rule]}))

    assert list(host.warnings(SERVED)) == []


async def test_a_target_names_its_provider_in_any_case() -> None:
    rule = {"name": "r", "targets": [{"model": "OpenAI/GPT-4o"}]}
    governed = Engine(Host.parse(json.dumps({"version": 1, "routing_rules": [rule]})), MemoryLedger(lambda: 1.0))

    assert (await governed.admit(Request("groq/m"))).trace.record()["model"] == "OpenAI/GPT-4o"
