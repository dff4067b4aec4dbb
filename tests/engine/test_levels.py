"""How full limits are, as last seen: noted from reservations, read in the background, never on a request's way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.levels import LastSeen
from governance.ledger import Reading
from governance.ledger.memory import MemoryLedger
from governance.limits import names_of
from governance.model import Charge, Identity, Percent, Request, Unit, Window

ASKED = Request("openai/gpt-4o", identity=Identity(team_id="t1", team_name="Research"), tags=("batch",))


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Watched(MemoryLedger):
    """Counts how often it is read."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock=clock)
        self.reads: list[tuple[Window, ...]] = []

    async def read(self, windows: Sequence[Window]) -> tuple[Reading, ...]:
        self.reads.append(tuple(windows))
        return await super().read(windows)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def levels(clock: Clock) -> LastSeen:
    return LastSeen(clock=clock)


def seen(subject: str, unit: Unit, used: int, of: int = 100, **window: str) -> tuple[Reading, bool]:
    return Reading(Window(f"{subject} {unit} {of}", subject, unit, of, 60, **window), used, 1, True, 0, 1_060.0), False  # type: ignore[arg-type]


def test_the_fullest_limit_of_each_kind_counts(levels: LastSeen) -> None:
    levels.note(
        [
            seen("team:t1", "usd_micros", 30),
            seen("model:gpt-4o", "usd_micros", 95),
            seen("provider:openai", "usd_micros", 60),
            seen("everyone", "tokens", 10),
            seen("tag:batch", "output_tokens", 150),
            seen("target:openai/gpt-4o", "requests", 7),
            seen("team:Research", "requests", 8),
        ]
    )

    assert levels.percent(ASKED) == Percent(budget_used=95.0, tokens_used=150.0, request=8.0)


def test_limits_of_others_in_shadow_mode_or_of_what_is_in_flight_do_not_count(levels: LastSeen) -> None:
    levels.note(
        [
            seen("team:t2", "usd_micros", 99),
            seen("model:gpt-4o-mini", "tokens", 99),
            seen("team:t1", "requests", 99, mode="shadow"),
            seen("team:t1", "concurrent", 99),
        ]
    )

    assert levels.percent(ASKED) == Percent()


def test_a_window_that_has_ended_is_empty(levels: LastSeen, clock: Clock) -> None:
    levels.note([seen("team:t1", "usd_micros", 95)])

    clock.now_s = 1_059.9
    assert levels.percent(ASKED).budget_used == 95
    clock.now_s = 1_060.0
    assert levels.percent(ASKED).budget_used == 0


def test_of_a_limit_whose_amount_was_changed_the_new_one_counts(levels: LastSeen) -> None:
    window = Window("monthly", "team:t1", "usd_micros", 100, 60)
    levels.note([(Reading(window, 90, 0, True, 0, 1_060.0), False)])
    levels.note([(Reading(replace(window, amount=900), 90, 0, True, 0, 1_060.0), False)])

    assert levels.percent(ASKED).budget_used == 10


def test_a_subject_of_several_parts_is_looked_for_under_the_rarest(levels: LastSeen) -> None:
    levels.note(seen(f"team:t1 && tag:{i}", "requests", i) for i in range(50))
    levels.note([seen("team:t1 && tag:batch", "requests", 70)])

    assert levels.percent(ASKED).request == 70
    assert len(levels._subjects["team:t1"].levels) == 1


def test_what_a_reservation_counted_is_part_of_what_was_seen(levels: LastSeen) -> None:
    reading, _ = seen("team:t1", "requests", 5, of=10)

    levels.note([(reading, True)])

    assert levels.percent(ASKED).request == 60


async def test_what_other_proxies_count_is_read_for_subjects_of_the_last_minute_only(
    levels: LastSeen, clock: Clock
) -> None:
    ledger = Watched(clock)
    window = Window("research", "team:t1", "requests", 10, 3_600)
    levels.note([(Reading(window, 0, 1, True, 0, None), False)])
    levels.percent(ASKED)
    await ledger.reserve([Charge(window, 4)], [], reservation_id="elsewhere", deadline_s=60)

    await levels.refresh(ledger)

    assert levels.percent(ASKED).request == 40
    clock.now_s += 61
    await levels.refresh(ledger)
    assert len(ledger.reads) == 1, "nobody asked for a minute"


def test_a_request_is_judged_by_id_and_by_name_and_by_what_it_asks_for() -> None:
    assert set(names_of(ASKED)) == {
        "everyone",
        "team:t1",
        "team:Research",
        "tag:batch",
        "provider:openai",
        "model:gpt-4o",
        "model:openai/gpt-4o",
        "target:openai/gpt-4o",
    }


RULE = {"name": "busy", "cel_expression": "request >= 50", "targets": [{"provider": "azure"}]}
LIMITED = {
    "name": "Fast",
    "virtual_provider": "fast",
    "targets": [{"provider": "groq", "limits": {"requests": "4/minute"}}],
}


def engine(rule: dict[str, object], ledger: MemoryLedger, clock: Clock) -> Engine:
    policy = {"version": 1, "routing_rules": [rule], "routing_profiles": [LIMITED]}
    return Engine(Host.parse(json.dumps(policy)), ledger, clock=clock)


async def test_the_engine_learns_from_reservations_and_asks_the_ledger_nothing_more(clock: Clock) -> None:
    ledger = Watched(clock)
    governed = engine(RULE, ledger, clock)
    for _ in range(2):
        assert (await governed.admit(Request("fast/llama"))).trace.model == "groq/llama"

    decision = await governed.admit(Request("groq/llama"))

    assert decision.trace.model == "azure/llama", "2 of 4 requests of target groq/llama are used"
    assert ledger.reads == []
    await governed.close()


async def test_where_no_rule_asks_how_full_limits_are_nothing_is_noted_or_refreshed(clock: Clock) -> None:
    governed = engine({**RULE, "cel_expression": 'model == "x"'}, MemoryLedger(clock=clock), clock)
    before = asyncio.all_tasks()

    await governed.admit(Request("fast/llama"))

    assert governed.levels.percent(Request("groq/llama")) == Percent()
    assert asyncio.all_tasks() == before


async def test_refreshing_stops_with_the_engine(clock: Clock) -> None:
    governed = engine(RULE, MemoryLedger(clock=clock), clock)
    before = asyncio.all_tasks()
    await governed.admit(Request("fast/llama"))
    started = asyncio.all_tasks() - before

    await governed.close()
    await asyncio.gather(*started, return_exceptions=True)

    assert len(started) == 1
    assert asyncio.all_tasks() == before
