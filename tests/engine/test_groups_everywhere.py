"""`{group: NAME}` wherever a policy may name a target, and groups that are not what one would think."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger import open_ledger
from governance.model import Request, Usage
from governance.model.errors import PolicyError
from governance.model.target import member_of


def entry(group: str, model: str, usd_per_token: float = 0.0) -> dict[str, Any]:
    params = {"model": model, "input_cost_per_token": usd_per_token, "output_cost_per_token": usd_per_token}
    return {"model_name": group, "litellm_params": params, "model_info": {"id": f"{group}:{model}"}}


MODELS = Catalog(
    [
        entry("pool", "openai/big", 1e-4),
        entry("pool", "groq/small", 1e-6),
        entry("openai", "cerebras/named-like-a-provider"),
        entry("fast", "gemini/named-like-a-virtual-provider"),
        entry("fast/x", "gemini/named-like-a-virtual-model"),
        entry("last", "mistral/last"),
        entry("openrouter/*", "openrouter/*"),
    ],
    {},
    {"other": "pool", "again": "other", "nowhere": "gone"},
    routing_groups={"all": ["pool", "last", "gone"], "nested": ["all"]},
)
GROUPS = ["pool", "other", "all", "openai", "fast", "fast/x"]
UNKNOWN = ["gone", "nowhere", "again", "nested", "Pool", "openrouter/x"]


class House:
    def __init__(self, **sections: Any) -> None:
        self.engine = Engine(Host.parse(json.dumps({"version": 1, **sections})), open_ledger("memory://"))

    async def admit(self, model: str) -> Any:
        return await self.engine.admit(Request(model, models=MODELS, prompt_tokens=100, max_output_tokens=100))

    async def serve(self, model: str, served: str) -> None:
        decision = await self.admit(model)
        name = decision.call_name(decision.target)
        await self.engine.attempt(decision, name)
        await self.engine.reached(decision, name, served)
        await self.engine.settle(decision, name, Usage(10, 10, 0))


def sections(group: str) -> dict[str, tuple[dict[str, Any], str]]:
    """Each place in which a group may stand, before one that serves always, and what is asked for to come there."""
    named, last = {"group": group}, {"group": "last"}
    profile = {"name": "p", "virtual_provider": "virtual"}
    return {
        "targets of a profile": ({"routing_profiles": [{**profile, "targets": [named, last]}]}, "virtual/any"),
        "an alias of a profile": (
            {
                "routing_profiles": [
                    {
                        **profile,
                        "targets": [
                            {**each, "virtual_model": "a", "priority": i} for i, each in enumerate([named, last])
                        ],
                    }
                ]
            },
            "virtual/a",
        ),
        "a weighted profile": (
            {"routing_profiles": [{**profile, "strategy": "weighted", "targets": [named, {**last, "weight": 0}]}]},
            "virtual/any",
        ),
        "targets of a rule": ({"routing_rules": [{"name": "r", "targets": [named], "fallbacks": [last]}]}, "x"),
        "a task": ({"task_routing": {"profiles": {"own": {"code": [named, last]}}}}, "own/code"),
        "an override": (
            {"task_routing": {"profiles": {"own": {"code": [last]}}, "overrides": {"code": [named]}}},
            "own/code",
        ),
        "the fallback of tasks": ({"task_routing": {"profiles": {"own": {"fallback": [named, last]}}}}, "own/code"),
    }


PLACES = list(sections(""))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("group", GROUPS)
async def test_a_group_serves_wherever_it_may_stand(group: str, place: str) -> None:
    given, asked = sections(group)[place]
    decision = await House(**given).admit(asked)

    assert decision.trace.model == f"group:{group}"
    assert decision.call_name(decision.target) == group
    assert [t.name for t in decision.fallbacks] == ["group:last"]


@pytest.mark.parametrize("place", [place for place in PLACES if place != "targets of a rule"])
@pytest.mark.parametrize("group", UNKNOWN)
async def test_a_group_that_the_proxy_does_not_have_is_passed_over(group: str, place: str) -> None:
    given, asked = sections(group)[place]
    decision = await House(**given).admit(asked)

    assert decision.trace.model == "group:last"
    reasons = {candidate.target: candidate.reason for candidate in decision.trace.candidates}
    assert reasons[f"group:{group}"] == "not_configured"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["*", "openai/*", "", "  "])
def test_a_wildcard_and_nothing_are_no_groups(name: str, place: str) -> None:
    with pytest.raises(PolicyError):
        House(**sections(name)[place][0])


@pytest.mark.parametrize("group", ["pool", "other", "all"])
async def test_limits_of_members_hold_by_whatever_name_the_group_is_asked(group: str) -> None:
    given, asked = sections(group)["targets of a profile"]
    limits = [
        {"name": "provider", "subject": {"provider": "groq"}, "requests": "1/minute"},
        {"name": "model", "subject": {"target": "openai/big"}, "requests": "1/minute"},
    ]
    house = House(**given, rate_limits=limits)
    await house.serve(asked, "groq/small")

    members = [member_of(member.name)[1] for member in (await house.admit(asked)).target.members]
    assert "groq/small" not in members
    assert "openai/big" in members
    await house.serve(asked, "openai/big")
    left = await house.admit(asked)
    assert left.trace.model == ("group:all" if group == "all" else "group:last")


@pytest.mark.parametrize("group", ["pool", "other", "all"])
async def test_a_group_costs_what_its_dearest_member_does(group: str) -> None:
    given, asked = sections(group)["a task"]
    budget = {"name": "b", "subject": "everyone", "amount": "1 USD/day", "unpriced": "allow"}
    decision = await House(**given, budgets=[budget]).admit(asked)

    assert {r.window.subject: r.amount for r, _ in decision.trace.windows} == {"everyone": 20_000}


async def test_a_group_by_another_name_counts_in_the_windows_of_those_who_serve_it_once() -> None:
    given, asked = sections("other")["targets of a profile"]
    house = House(**given, rate_limits=[{"name": "t", "subject": {"target": "*"}, "requests": "9/minute"}])
    await house.serve(asked, "groq/small")

    decision = await house.admit(asked)
    used = {r.window.subject: r.used for r, _ in decision.trace.windows}
    assert used["target:groq/small"] == 1
    assert used["target:openai/big"] == 0
