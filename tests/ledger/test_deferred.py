"""What is reserved for an answer that comes much later, and settled by whoever hears of it, on every store."""

from __future__ import annotations

import pytest

from governance.engine.decision import Decision
from governance.engine.deferred import NOTHING, defer, deferred_id
from governance.ledger import Ledger, Option
from governance.model import Charge, Request, Target, Window
from governance.trace import Trace

TEAM = Window("team", "team:research", "tokens", 100_000, "month")
REQUESTS = Window("team", "team:research", "requests", 100, "month")
MONEY = Window("money", "team:research", "usd_micros", 10_000_000, "month")
SLOTS = Window("slots", "target:a/m", "concurrent", 4, None)
WINDOWS = (TEAM, REQUESTS, MONEY, SLOTS)
LATER = deferred_id("deployment", "resp_1")


@pytest.fixture
async def deferred(ledger: Ledger) -> Decision:
    """A request that was accepted, answered with a promise, and settled to nothing."""
    request = Request("a/m")
    target = Target("a/m", charges=(Charge(MONEY, 640_000), Charge(SLOTS, 1)))
    shared = (Charge(TEAM, 32_000), Charge(REQUESTS, 1))
    decision = Decision("route", request, Trace(request, "r", 0.0, "live"), target, shared=shared)
    await ledger.reserve(shared, [Option(target.name, target.charges)], reservation_id=decision.id, deadline_s=60)

    assert await defer(ledger, decision, target, LATER)
    assert await ledger.settle(decision.id, NOTHING)
    return decision


async def used(ledger: Ledger) -> list[int]:
    return [reading.used for reading in await ledger.read(WINDOWS)]


async def test_what_was_reserved_stays_counted_and_is_in_flight_no_more(ledger: Ledger, deferred: Decision) -> None:
    assert await used(ledger) == [32_000, 1, 640_000, 0]


async def test_whoever_hears_of_the_end_settles_it_once(ledger: Ledger, deferred: Decision) -> None:
    told = {"tokens": 11_000, "usd_micros": 82_000}

    assert await ledger.settle(LATER, told)
    assert not await ledger.settle(LATER, {"tokens": 99, "usd_micros": 99})
    assert await used(ledger) == [11_000, 1, 82_000, 0]


async def test_what_nobody_can_tell_stays_as_it_was_reserved(ledger: Ledger, deferred: Decision) -> None:
    assert await ledger.settle(LATER, {})
    assert await used(ledger) == [32_000, 1, 640_000, 0]


def test_each_response_of_each_deployment_has_an_id_of_its_own() -> None:
    ids = {deferred_id(*of) for of in (("a", "b"), ("a", "c"), ("b", "b"), ("ab", ""), ("", "ab"))}

    assert len(ids) == 5
