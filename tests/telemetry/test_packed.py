"""What is kept of a decision: little, and all that a record tells."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import fields, replace

from governance.ledger import Reading
from governance.ledger.pins import Pin
from governance.model import Refusal, Window
from governance.model.conversation import Stick
from governance.model.ids import uuid7
from governance.model.labels import Requirement
from governance.policy.telemetry import DecisionLogSettings
from governance.telemetry.packed import PACKED, UNTOLD, Packed
from governance.telemetry.recent import RecentHere
from governance.telemetry.redaction import Redaction, encoded
from governance.trace import Step, Trace
from tests.kept import kept

REDACTION = Redaction(DecisionLogSettings())
WINDOWS = [Window(f"limit {i}", "team:research", "tokens", 10**6, 60, name_of_subject="Research") for i in range(14)]


def ordinary(trace: Trace) -> Trace:
    """As one of a profile of three targets with fourteen windows."""
    trace.id = uuid7()
    amounts = [(random.randrange(10**5), random.randrange(10**3), 1.8e9 + random.random()) for _ in WINDOWS]
    trace.windows = [
        (Reading(window, used, amount, True, resets_s - 60, resets_s), True)
        for window, (used, amount, resets_s) in zip(WINDOWS, amounts, strict=True)
    ]
    for plugin in ("rate_limits", "routing_profiles", "budgets", "ledger", "failover"):
        trace.step(plugin, "pre_request", f"{len(trace.windows)} charges of {trace.id[-4:]}")
    return trace


def rare(trace: Trace) -> Trace:
    """With everything that few have."""
    trace.request = replace(trace.request, headers={"x-tier": "gold", "x-other": "secret"}, capabilities=frozenset("v"))
    trace.refusal = Refusal(429, "tokens_exhausted", "tokens of team research are used up", "research team", 9)
    trace.shadow.append({"plugin": "rate_limits", "name": "watched", "would": {"refuse": 429}})
    trace.arm, trace.would, trace.draws = "candidate", {"difference": "none"}, [0.25]
    trace.drained_by["e1"] = None
    trace.stick, trace.pin = Stick("digest", "session", 300.0), Pin("b/m", at_s=trace.at_s - 4)
    trace.require, trace.task_by = (Requirement("region", ("eu",), "team research"),), "caller"
    trace.facts_read = frozenset({"headers.x-tier", "team_id"})
    trace.attempts[0].labels = {"region": "eu"}
    trace.steps.append(Step("ledger", "reserve", "granted", 7))
    return trace


def test_the_record_of_what_is_kept_is_that_of_the_trace(trace: Callable[..., Trace]) -> None:
    redaction = Redaction(DecisionLogSettings(headers=("x-tier",), redact=("identity.team_id",)))
    unanswered = trace()
    unanswered.usage = None
    for one in (trace(), ordinary(trace()), rare(trace()), rare(ordinary(trace())), unanswered, trace("fast/\ud800")):
        assert Packed(one, redaction)() == encoded(redaction.record(one))


def test_every_part_of_a_trace_is_kept_or_in_no_record() -> None:
    assert {field.name for field in fields(Trace)} == PACKED | UNTOLD
    assert not PACKED & UNTOLD


async def test_a_decision_takes_no_more_than_a_kilobyte_and_a_half(trace: Callable[..., Trace]) -> None:
    recent, decisions = RecentHere(500), 500
    with kept() as found:
        for _ in range(decisions):
            one = ordinary(trace())
            recent.put(one.id, Packed(one, REDACTION))
        del one

    assert found.bytes / decisions <= 1_536

    with kept() as found:
        assert len(await recent.before(None, decisions)) == decisions

    assert found.bytes / decisions <= 1_664, "nor is one that was read much larger, of which that is all"


async def test_what_is_told_once_more_keeps_its_place(trace: Callable[..., Trace]) -> None:
    recent, early, late = RecentHere(10), trace(), trace()
    early.usage = None
    for one in (early, late):
        recent.put(one.id, Packed(one, REDACTION))
    early.usage = late.usage
    recent.put(early.id, Packed(early, REDACTION))

    assert [kept.record for kept in await recent.before(None, 5)] == [
        encoded(REDACTION.record(late)),
        encoded(REDACTION.record(early)),
    ]
