"""A mirrored request is decided on its own budget and on nobody else's; on memory."""

from __future__ import annotations

from typing import Any

from governance.catalog import Catalog
from governance.engine.decision import Decision
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.mirroring import admit_mirror
from governance.ledger.memory import MemoryLedger
from governance.model import Identity, Request

POLICY = """
version: 1
routing_profiles:
- name: Copied
  virtual_provider: copied
  targets: [{provider: openai, model: first}]
  mirror: {target: {provider: openai, model: second}, share: 50%, budget: 0.001 USD/day, concurrent: 1}
rate_limits:
- {name: team, subject: {team: "*"}, requests: 1/minute}
- {name: provider, subject: {provider: openai}, requests: 100/minute}
budgets:
- {name: teams, subject: {team: "*"}, amount: 1 USD/day}
"""
CATALOG = Catalog(
    [
        {
            "model_name": name,
            "litellm_params": {"model": f"openai/{name}"},
            "model_info": {"input_cost_per_token": 0.000001, "output_cost_per_token": 0.000001},
        }
        for name in ("first", "second")
    ],
    {},
)


async def answered(engine: Engine, draw: float, **asked: object) -> Decision:
    request = Request("copied/x", identity=Identity(team_id="blue"), models=CATALOG, draw=lambda: draw, **asked)  # type: ignore[arg-type]
    return await engine.admit(request, mode="simulated")


async def test_a_mirror_is_charged_to_itself_and_to_what_serves_and_to_nobody_who_asked() -> None:
    engine = Engine(Host.parse(POLICY), MemoryLedger())
    of = await answered(engine, 0.4, prompt_tokens=100, max_output_tokens=100)
    first = await admit_mirror(engine, of)

    assert of.trace.record()["mirror"] == {"target": "openai/second", "share": 0.5, "drawn": True, "reason": None}
    assert isinstance(first, Decision)
    assert {(r.window.limit, r.window.unit, r.amount) for r, counted in first.trace.windows if counted} == {
        ("Copied: mirror", "usd_micros", 200),
        ("Copied: mirror", "concurrent", 1),
        ("provider", "requests", 1),
    }
    assert first.fallbacks == ()
    record = first.trace.record()
    assert (record["mirror_of"], record["identity"]["team_id"]) == (of.id, "blue")
    assert await admit_mirror(engine, of) == "concurrency_exhausted"
    await engine.release(first)
    assert isinstance(await admit_mirror(engine, of), Decision)


async def test_a_mirror_without_money_room_or_ability_is_not_sent_and_says_why() -> None:
    engine = Engine(Host.parse(POLICY), MemoryLedger())
    dear = await answered(engine, 0.4, prompt_tokens=100, max_output_tokens=1_000)
    not_drawn = await answered(engine, 0.6, prompt_tokens=100, max_output_tokens=100)

    assert await admit_mirror(engine, dear) == "cost_exhausted"
    assert not_drawn.trace.mirror is not None
    assert not not_drawn.trace.mirror.drawn
    assert not_drawn.trace.draws == [0.6]


ABLE = """
version: 1
routing_profiles:
- name: Copied
  virtual_provider: copied
  targets: [{provider: openai, model: first, labels: {region: eu}, capabilities: [text, tools]}]
  mirror: {target: {provider: openai, model: second}, share: 100%, budget: 1 USD/day}
"""


async def test_a_mirror_is_judged_by_its_labels_and_abilities_as_any_target() -> None:
    entries = [
        {
            "model_name": name,
            "litellm_params": {"model": f"openai/{name}"},
            "model_info": {
                "input_cost_per_token": 0.000001,
                "output_cost_per_token": 0.000001,
                "supports_function_calling": name == "first",
                "labels": {"region": "eu" if name == "first" else "us"},
            },
        }
        for name in ("first", "second")
    ]
    catalog = Catalog(entries, {})

    async def mirrored(**asked: Any) -> Decision | str:
        engine = Engine(Host.parse(ABLE), MemoryLedger())
        request = Request("copied/x", models=catalog, draw=lambda: 0.0, prompt_tokens=1, max_output_tokens=1, **asked)
        of = await engine.admit(request, mode="simulated")
        assert of.target, of.refusal
        return await admit_mirror(engine, of)

    assert isinstance(await mirrored(), Decision)
    assert await mirrored(headers={"x-governance-require": "region=eu"}) == "label_mismatch"
    assert await mirrored(capabilities=frozenset({"tools"})) == "capability_mismatch"
