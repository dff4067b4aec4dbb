"""A decision log is read as traffic, and what it does not tell is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance.backtest.decision_log import either, from_record
from governance.backtest.run import backtest
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger
from governance.model import Identity, Request, Usage
from governance.policy.telemetry import DecisionLogSettings
from governance.telemetry.redaction import Redaction
from governance.traffic import Broken, TraceLine
from tests.backtest.workload import CATALOG, policy

LIMITS = """
rate_limits:
- {name: each team, subject: {team: "*"}, requests: 5/minute}
"""


async def logged(count: int = 12, settings: DecisionLogSettings | None = None) -> list[dict[str, Any]]:
    """Records of requests that were decided under `LIMITS`, a second after each other."""
    now = [1_796_212_800.0]
    engine = Engine(Host.start(policy(LIMITS)), MemoryLedger(lambda: now[0]), clock=lambda: now[0])
    redaction = Redaction(settings or DecisionLogSettings())
    records = []
    for number in range(count):
        now[0] += 1.0
        who = Identity(virtual_key_id="k", team_id=f"t{number % 2}")
        decision = await engine.admit(Request("fast/x", identity=who, models=CATALOG, prompt_tokens=20))
        if decision.target:
            name = decision.call_name(decision.target)
            await engine.attempt(decision, name)
            await engine.reached(decision, name)
            now[0] += 0.25
            await engine.settle(decision, name, Usage(20, 30, 21))
        records.append(json.loads(json.dumps(redaction.record(decision.trace))))
    return records


async def test_what_was_logged_is_decided_once_more_as_it_was() -> None:
    lines = [json.dumps(record) for record in await logged()]
    found = backtest(policy(LIMITS), policy(), either(lines), catalog=CATALOG)

    assert found.coverage.replayed == 12
    assert found.fidelity.ppm == 1_000_000
    assert found.totals.refused.active.value == 2
    assert found.totals.newly_admitted.value == 2


async def test_a_team_that_was_withheld_cannot_be_counted() -> None:
    lines = [json.dumps(r) for r in await logged(3, DecisionLogSettings(redact=("identity.team_id",)))]
    found = backtest(policy(LIMITS), policy(), either(lines), catalog=CATALOG)

    assert [(r.code, r.detail, r.lines) for r in found.coverage.reasons] == [("not_recorded", "team_id", 3)]


@pytest.mark.parametrize("spoilt", ["request", "identity", "id", "at", "outcome", "policy_revision"])
async def test_a_record_without_what_it_needs_is_named(spoilt: str) -> None:
    (record,) = await logged(1)
    del record[spoilt]
    found = from_record(record, "log:1")

    assert isinstance(found, Broken)
    assert spoilt in found.detail


async def test_a_trace_and_a_log_may_be_mixed_and_a_decision_counts_once() -> None:
    (record,) = await logged(1)
    found = list(either([json.dumps(record), json.dumps(record), '{"v": 9}', "nonsense", ""], "mixed"))

    assert isinstance(found[0], TraceLine)
    faults = [each.fault for each in found[1:] if isinstance(each, Broken)]
    assert faults == ["duplicate_id", "other_version", "no_json"]
