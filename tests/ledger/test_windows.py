"""The arithmetic alone: how much of what an exact log admits is admitted, and how long calendar periods are."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from governance.ledger.calendar import CALENDAR, period_ms
from governance.ledger.windows import MOST_BUCKETS, Rolling

SECOND, MINUTE, HOUR, DAY, MONTH = 1_000, 60_000, 3_600_000, 86_400_000, 30 * 86_400_000


def exactly_admitted(period: int, limit: int, asked: list[tuple[int, int]]) -> int:
    log: deque[tuple[int, int]] = deque()
    used = total = 0
    for now, amount in asked:
        while log and log[0][0] + period <= now:
            used -= log.popleft()[1]
        if used + amount <= limit:
            log.append((now, amount))
            used += amount
            total += amount
    return total


def admitted(period: int, limit: int, asked: list[tuple[int, int]]) -> int:
    window = Rolling(period)
    total = 0
    for now, amount in asked:
        window.roll(now)
        if window.used + amount <= limit:
            window.charge(now, amount, limit)
            total += amount
        assert len(window.closed) <= MOST_BUCKETS
    return total


def traffic(period: int, limit: int) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Twelve periods of requests in every shape that was thought of."""
    draw = random.Random(1)
    spans = range(12)
    yield "twice the limit, evenly", [(i * period // (2 * limit), 1) for i in range(24 * limit)]
    yield "ten times the limit, evenly", [(i * period // (10 * limit), 1) for i in range(120 * limit)]
    yield "just the limit, evenly", [(i * period // limit, 1) for i in range(12 * limit)]
    yield "a tenth over the limit", [(int(i * period / limit / 1.1), 1) for i in range(12 * limit)]
    yield (
        "all at the start of each period",
        sorted((k * period + draw.randrange(period // 50), 1) for k in spans for _ in range(limit)),
    )
    yield (
        "the same burst, once a period",
        [(k * period + i * period // 20 // limit, 1) for k in spans for i in range(limit)],
    )
    yield (
        "at the edges between periods",
        sorted(
            (k * period + (period - period // 10) * (k % 2) + draw.randrange(period // 10), 1)
            for k in spans
            for _ in range(limit)
        ),
    )
    yield "at random", sorted((draw.randrange(12 * period), 1) for _ in range(13 * limit))
    yield "at random, three times too many", sorted((draw.randrange(12 * period), 1) for _ in range(36 * limit))
    yield "of all sizes", sorted((draw.randrange(12 * period), draw.randint(1, max(1, limit // 5))) for _ in range(300))


@pytest.mark.parametrize("period", [SECOND, MINUTE, HOUR, DAY, MONTH])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 19, 21, 60, 1_000])
def test_at_least_95_percent_of_what_an_exact_log_admits_is_admitted(period: int, limit: int) -> None:
    for name, asked in traffic(period, limit):
        share = admitted(period, limit, asked) / exactly_admitted(period, limit, asked)

        assert share >= 0.95, f"{name}: {share:.1%}"


@pytest.mark.parametrize("limit", [1, 7, 20])
def test_up_to_twenty_charges_a_period_are_an_exact_log(limit: int) -> None:
    for _, asked in traffic(MINUTE, limit):
        if all(amount == 1 for _, amount in asked):
            assert admitted(MINUTE, limit, asked) == exactly_admitted(MINUTE, limit, asked)


def test_what_shrinks_when_it_is_settled_does_not_make_a_window_grow() -> None:
    window, limit = Rolling(MINUTE), 10_000
    for now in range(0, 10 * MINUTE, 100):
        window.roll(now)
        window.charge(now, 400, limit)
        window.adjust(now, -395, limit, now)

        assert len(window.closed) <= MOST_BUCKETS
    window.roll(10 * MINUTE)
    assert 5 * 599 <= window.used <= 5 * 700


def test_a_window_that_has_emptied_begins_without_history() -> None:
    window = Rolling(MINUTE)
    window.charge(1_000, 5, 10)
    window.adjust(1_000, -5, 10, 1_000)
    window.charge(2_000, 5, 10)

    assert (window.used, window.ends_ms) == (5, 62_000)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("UTC", "2026-03-29", 24),
        ("America/Sao_Paulo", "2018-11-04", 23),  # midnight itself is missing
        ("America/Sao_Paulo", "2018-02-17", 25),  # the clocks fall back at midnight
        ("America/Havana", "2018-11-04", 25),  # midnight comes twice
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Pacific/Apia", "2011-12-29", 24),  # the 30th does not exist
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(zone: str, day: str, hours: float) -> None:
    noon = round(datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)
    start, end = period_ms("day", zone, noon)

    assert end - start == hours * HOUR
    assert datetime.fromtimestamp(start / 1000, ZoneInfo(zone)).date().isoformat() == day


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu"])
@pytest.mark.parametrize("period", CALENDAR)
def test_periods_follow_each_other_without_a_gap(zone: str, period: str) -> None:
    now = round(datetime(2016, 1, 1, tzinfo=ZoneInfo(zone)).timestamp() * 1000)
    for _ in range(900):
        start, end = period_ms(period, zone, now)

        assert start <= now < end
        assert period_ms(period, zone, end - 1)[1] == end
        now = end


def test_weeks_begin_on_monday_and_an_hour_that_is_repeated_is_two() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    monday = datetime.fromtimestamp(period_ms("week", "Europe/Berlin", 1_770_000_000_000)[0] / 1000, berlin)
    assert (monday.weekday(), monday.hour) == (0, 0)

    first = round(datetime(2026, 10, 25, 2, 30, tzinfo=berlin).timestamp() * 1000)
    assert period_ms("hour", "Europe/Berlin", first)[1] == period_ms("hour", "Europe/Berlin", first + HOUR)[0]
