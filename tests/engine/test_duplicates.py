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
        ("task_routing", CHAIN, "task_routing: `OpenAI/GPT-4o` stands in own/code twice"),
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
