"""Budgets over the odd days of the calendar, and limits whose definition changes while they count. On every store."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from governance.ledger import Ledger
from governance.model import Charge, Window

DAY = 86_400


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def budget(period: int | str, zone: str = "UTC") -> Window:
    return Window("budget", "team:research", "usd_micros", 100, period, timezone=zone)


async def spend(ledger: Ledger, window: Window, amount: int, name: str = "") -> bool:
    name = name or f"{window} {amount}"
    reserved = await ledger.reserve([Charge(window, amount)], (), reservation_id=name, deadline_s=3_600)
    await ledger.settle(name, {})
    return reserved.granted


async def state(ledger: Ledger, window: Window) -> tuple[int, float | None]:
    (reading,) = await ledger.read([window])
    return reading.used, reading.resets_at_s


@pytest.mark.parametrize(
    ("period", "zone", "last", "next_"),
    [
        ("month", "UTC", "2028-02-29T23:59:59", "2028-03-01T00:00:00"),
        ("day", "UTC", "2028-02-29T12:00:00", "2028-03-01T00:00:00"),
        ("month", "UTC", "2027-02-28T23:59:59", "2027-03-01T00:00:00"),
        ("month", "America/New_York", "2026-04-30T23:59:59", "2026-05-01T00:00:00"),
        ("year", "Asia/Tokyo", "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
        ("week", "UTC", "2027-01-03T23:59:59", "2027-01-04T00:00:00"),
        ("quarter", "Europe/Berlin", "2026-03-31T23:59:59", "2026-04-01T00:00:00"),
        ("quarter", "UTC", "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
        ("month", "Europe/Berlin", "2026-03-29T01:59:59", "2026-04-01T00:00:00"),
        ("day", "America/New_York", "2026-03-08T01:59:59", "2026-03-09T00:00:00"),
        ("day", "America/New_York", "2026-11-01T00:30:00", "2026-11-02T00:00:00"),
        ("hour", "Europe/Berlin", "2026-03-29T01:59:59", "2026-03-29T03:00:00"),
    ],
)
async def test_a_budget_lasts_to_the_last_millisecond_of_its_period(
    make, period: str, zone: str, last: str, next_: str
) -> None:
    ledger, clock = await make(at(last, zone))
    window = budget(period, zone)
    assert await spend(ledger, window, 100)
    assert await state(ledger, window) == (100, at(next_, zone))
    clock.now = at(next_, zone) - 0.001
    assert not await spend(ledger, window, 1, "too early")
    clock.now = at(next_, zone)

    assert await spend(ledger, window, 1, "in time")
    assert (await state(ledger, window))[0] == 1


@pytest.mark.parametrize("days", [30, 365])
async def test_a_rolling_budget_holds_for_all_of_its_days(ledger: Ledger, clock, days: int) -> None:
    window, begun = budget(days * DAY), clock.now
    for day in range(days):
        clock.now = begun + day * DAY
        assert await spend(ledger, window, 100 if day == 0 else 0, str(day)), "a request a day keeps everything alive"
        assert (await state(ledger, window))[0] == 100
    clock.now = begun + days * DAY - 0.001
    assert not await spend(ledger, window, 1, "too early")
    clock.now = begun + days * DAY

    assert await spend(ledger, window, 100, "in time")
    assert await state(ledger, window) == (100, clock.now + days * DAY)


@pytest.mark.parametrize("days", [30, 365])
async def test_a_rolling_budget_that_nobody_asks_for_keeps_its_count_too(ledger: Ledger, clock, days: int) -> None:
    window, begun = budget(days * DAY), clock.now
    await spend(ledger, window, 60, "1")
    clock.now = begun + days * DAY / 2
    await spend(ledger, window, 40, "2")
    clock.now = begun + days * DAY - 1
    assert (await state(ledger, window))[0] == 100
    clock.now = begun + days * DAY + 1

    assert (await state(ledger, window))[0] == 40


@pytest.mark.parametrize(
    ("now", "before", "after", "used", "resets"),
    [
        # In the middle of a period it is that of the new zone.
        ("2026-01-15T12:00", ("month", "Europe/Berlin"), "UTC", 70, "2026-02-01T00:00"),
        ("2026-01-15T12:00", ("month", "UTC"), "America/New_York", 70, "2026-02-01T05:00"),
        ("2026-01-15T12:00", ("year", "Pacific/Kiritimati"), "Pacific/Honolulu", 70, "2027-01-01T10:00"),
        ("2026-03-29T12:00", ("day", "UTC"), "Europe/Berlin", 70, "2026-03-29T22:00"),
        ("2026-01-15T12:10", ("hour", "Asia/Kolkata"), "UTC", 70, "2026-01-15T13:00"),
        # The new zone is still in the period before: what was counted belongs to its next one, and holds until then.
        ("2026-01-31T23:30", ("month", "Europe/Berlin"), "UTC", 70, "2026-03-01T00:00"),
        # The new zone is in the next period already, for which nothing was counted.
        ("2026-02-01T03:00", ("month", "America/New_York"), "UTC", 0, "2026-03-01T00:00"),
    ],
)
async def test_a_changed_time_zone_keeps_what_the_period_has_counted(
    make, now: str, before: tuple[str, str], after: str, used: int, resets: str
) -> None:
    ledger, clock = await make(at(now))
    old = budget(*before)
    await spend(ledger, old, 70)
    new = replace(old, timezone=after)

    assert await state(ledger, new) == (used, at(resets))
    assert await spend(ledger, new, 30, "30"), "it is charged in the new zone"
    assert await state(ledger, new) == (used + 30, at(resets))
    clock.now = at(resets) - 0.001
    assert await state(ledger, new) == (used + 30, at(resets))
    clock.now = at(resets)
    assert (await state(ledger, new))[0] == 0


async def test_what_is_settled_after_the_zone_was_changed_is_settled_in_its_period(make) -> None:
    ledger, clock = await make(at("2026-01-15T12:00"))
    old = budget("month", "Europe/Berlin")
    new = replace(old, timezone="UTC")
    await ledger.reserve([Charge(old, 50)], (), reservation_id="1", deadline_s=3_600)
    await spend(ledger, new, 10)
    await ledger.settle("1", {"usd_micros": 7})

    assert await state(ledger, new) == (17, at("2026-02-01T00:00"))
    clock.now = at("2026-01-31T22:59")
    await ledger.reserve([Charge(old, 50)], (), reservation_id="2", deadline_s=86_400)
    await spend(ledger, new, 1)
    assert (await state(ledger, new))[0] == 68
    clock.now = at("2026-01-31T23:30")
    await ledger.settle("2", {"usd_micros": 3})
    assert await state(ledger, new) == (21, at("2026-02-01T00:00")), "over in Berlin, but not where it counts now"


async def test_two_proxies_with_different_time_zones_count_in_one_window(make) -> None:
    ledger, clock = await make(at("2026-01-15T12:00"))
    ours, theirs = budget("month", "Europe/Berlin"), budget("month", "America/New_York")
    for i in range(5):
        clock.now += 1
        assert await spend(ledger, (ours, theirs)[i % 2], 20, str(i))

    assert not await spend(ledger, ours, 1, "more")
    assert not await spend(ledger, theirs, 1, "of it")


async def test_a_changed_amount_keeps_what_a_budget_has_counted(ledger: Ledger) -> None:
    window = budget("month")
    await spend(ledger, window, 70)
    smaller = replace(window, amount=60)

    assert not await spend(ledger, smaller, 1, "over it already")
    assert (await state(ledger, replace(window, amount=500)))[0] == 70
