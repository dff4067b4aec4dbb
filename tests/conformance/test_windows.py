"""Behaviour cases of the gateway world for windows, how full limits are, and what is counted of an answer.

The ledger's own side of windows and capacity is tested on every store in tests/ledger/test_conformance.py. Here they go
through levels, usage rows and a ledger with a given clock. Where a case and the policy reference differ, the reference
wins, and the test says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from governance.engine.levels import LastSeen
from governance.ledger.memory import MemoryLedger
from governance.limits.usage import row
from governance.model import Charge, Request, Unit, Usage, Window
from governance.model.amounts import parse_period_s

FILE = Path(__file__).parent / "gateway-cases.yaml"
CASES = {
    case["id"]: case
    for case in yaml.safe_load(FILE.read_text("utf-8"))["cases"]
    if case["area"] in ("window", "capacity", "usage")
}
UNITS: dict[str, Unit] = {"requests": "requests", "tokens": "tokens", "budget": "usd_micros"}
TOKENS = Window("tokens", "team:research", "tokens", 1_000, 60)
REQUESTS = Window("requests", "team:research", "requests", 10, 60)


class Clock:
    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def given(name: str) -> dict[str, Any]:
    return CASES[name]["given"]


def expected(name: str) -> Any:
    return CASES[name].get("ours") or CASES[name]["expect"]


def at(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


async def use(ledger: MemoryLedger, name: str, charges: Iterable[Charge], **actual: int) -> bool:
    reserved = await ledger.reserve(list(charges), (), reservation_id=name, deadline_s=600)
    await ledger.settle(name, actual)
    return reserved.granted


@pytest.mark.parametrize("name", ["BF-CAP-003", "BF-CAP-005"])
async def test_a_level_is_that_of_the_fullest_limit_and_may_be_above_100(name: str) -> None:
    ledger, levels = MemoryLedger(lambda: 1_000.0), LastSeen(clock=lambda: 1_000.0)
    subjects = {"model": "model:gpt-4o", "provider": "provider:openai"}
    windows = []
    for kind, limits in given(name)["limits"].items():
        for unit, of in limits.items():
            windows.append(Window(f"{kind} {unit}", subjects[kind], UNITS[unit], of["max"], 3_600))
            # What was used is counted above the limit too.
            await use(ledger, kind, [Charge(windows[-1], 0)], **{UNITS[unit]: of["used"]})
    readings = await ledger.read(windows)
    levels.note((reading, False) for reading in readings)
    percent = levels.percent(Request("openai/gpt-4o"))
    (which, wanted), *_ = expected(name).items()

    assert getattr(percent, which) == wanted
    assert max(row(reading, 0, 1_000.0)["percent"] for reading in readings) == wanted


async def test_nodes_that_look_at_different_times_agree_when_a_window_is_empty() -> None:
    """BF-WIN-002. The case aligns windows to an anchor, so that 00:03:00 begins the fourth. The reference knows no
    boundaries for rolling windows: what was counted leaves one period later, by the ledger's clock, whoever looks."""
    case = given("BF-WIN-002")
    anchor = at(case["anchor"])
    clock = Clock(anchor + 120)
    ledger, window = MemoryLedger(clock), Window("l", "s", "requests", 1, parse_period_s(case["window"]))
    await use(ledger, "1", [Charge(window, 1)])
    for sweep_s in case["sweeps_s"]:
        clock.now_s = max(clock.now_s, anchor + sweep_s)
        (reading,) = await ledger.read([window])
        if clock.now_s < at(expected("BF-WIN-002")["boundary"]):
            assert reading.resets_at_s == at(expected("BF-WIN-002")["boundary"])
        else:
            assert reading.used == 0


async def test_a_long_outage_is_one_reset() -> None:
    case = given("BF-WIN-003")
    clock = Clock(at(case["anchor"]))
    ledger, window = MemoryLedger(clock), Window("l", "s", "requests", 1, parse_period_s(case["window"]))
    await use(ledger, "1", [Charge(window, 1)])
    clock.now_s += case["idle_windows"] * 60 + case["extra_s"]
    looks = [row((await ledger.read([window]))[0], 0, clock.now_s) for _ in range(2)]

    assert looks[0] == looks[1]
    assert (looks[0]["used"], looks[0]["resets_at"]) == (expected("BF-WIN-003")["usage"], None)


async def test_a_calendar_day_begins_at_midnight() -> None:
    case = given("BF-WIN-004")
    clock = Clock(at(expected("BF-WIN-004")["period_start"]) - 1)
    ledger, window = MemoryLedger(clock), Window("b", "s", "usd_micros", 100, "day")
    await use(ledger, "yesterday", [Charge(window, 100)])
    clock.now_s += 1
    assert (await ledger.read([window]))[0].used == 0
    await use(ledger, "today", [Charge(window, 60)])
    clock.now_s = at(case["now"])

    assert (await ledger.read([window]))[0].used == 60


@pytest.mark.parametrize("text", given("BF-WIN-014")["parse_duration_invalid"])
def test_a_period_that_is_none_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match=r"period|at least"):
        parse_period_s(str(text))


async def test_a_stream_counts_its_tokens_and_one_request() -> None:
    """BF-USE-003. The case adds up what the chunks of a stream report and counts the request with its last one. By the
    reference the request is counted when it is let through, and the tokens once, when the answer is complete."""
    ledger = MemoryLedger(lambda: 1_000.0)
    charges = [Charge(TOKENS, 400), Charge(REQUESTS, 1)]
    await ledger.reserve(charges, (), reservation_id="stream", deadline_s=60)
    assert [reading.used for reading in await ledger.read([TOKENS, REQUESTS])] == [400, 1]
    assert await ledger.reserved([TOKENS, REQUESTS]) == (400, 1)
    reported = sum(chunk["usage_tokens"] for chunk in given("BF-USE-003")["stream"])
    await ledger.settle("stream", Usage(reported, 0, None).amounts)
    used = {reading.window.unit: reading.used for reading in await ledger.read([TOKENS, REQUESTS])}

    assert used == expected("BF-USE-003")["charged"]


async def test_replicas_together_spend_one_budget_and_what_is_in_flight() -> None:
    """BF-USE-005: `max_spend_possible: 10 plus in-flight requests`. Replicas share the ledger; what is in flight was
    reserved by estimate, so only estimates that were too low can exceed the budget."""
    case = given("BF-USE-005")
    ledger = MemoryLedger(lambda: 1_000.0)
    budget = Window("b", "everyone", "usd_micros", case["budget_max"] * 1_000_000, "day")
    names = [f"replica {replica}: {i}" for replica in range(case["replicas"]) for i in range(100)]
    admitted = [
        name
        for name, reserved in zip(
            names,
            await asyncio.gather(
                *(ledger.reserve([Charge(budget, 250_000)], (), reservation_id=name, deadline_s=60) for name in names)
            ),
            strict=True,
        )
        if reserved.granted
    ]
    assert len(admitted) * 250_000 == budget.amount
    for name in admitted:
        await ledger.settle(name, {"usd_micros": 260_000})

    in_flight = len(admitted) * 10_000
    assert (await ledger.read([budget]))[0].used == budget.amount + in_flight
    assert not await use(ledger, "one more", [Charge(budget, 1)])


def test_no_case_of_these_areas_is_left_out() -> None:
    text = Path(__file__).read_text("utf-8")

    assert [name for name in CASES if name not in text] == []
