"""When windows have room again: rolling, of the calendar, with clocks that jump. On every store."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from governance.ledger import Ledger
from governance.model import Charge, Window


async def take(ledger: Ledger, name: str, window: Window, amount: int = 1, settle: bool = True):
    reserved = await ledger.reserve([Charge(window, amount)], (), reservation_id=name, deadline_s=3_600)
    if settle:
        await ledger.settle(name, {})
    return reserved


async def read(ledger: Ledger, window: Window):
    return (await ledger.read([window]))[0]


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize("period", [1, 60, 3_600, 86_400, 30 * 86_400])
async def test_one_per_period_has_room_exactly_one_period_later(ledger: Ledger, clock, period: int) -> None:
    window = Window("l", "s", "requests", 1, period)
    clock.now += 0.3
    begun = clock.now
    await take(ledger, "1", window)
    clock.now = begun + period - 0.001
    refused = (await take(ledger, "2", window)).shared[0]

    assert not refused.fits
    assert refused.room_at_s == refused.resets_at_s == pytest.approx(begun + period, abs=0.0011)
    clock.now = begun + period
    assert (await take(ledger, "3", window)).granted


async def test_room_is_told_exactly_and_not_a_millisecond_late(ledger: Ledger, clock) -> None:
    window = Window("l", "s", "tokens", 100, 60)
    begun = clock.now
    for i in range(10):
        clock.now = begun + i
        await take(ledger, str(i), window, 10)
    reading = (await take(ledger, "x", window, 25)).shared[0]

    assert reading.room_at_s == begun + 62, "when three of ten have left"
    clock.now = begun + 61.999
    assert not (await take(ledger, "y", window, 25)).granted
    clock.now = begun + 62
    assert (await take(ledger, "z", window, 25)).granted


async def test_a_part_of_a_millisecond_never_lets_a_charge_leave_early(ledger: Ledger, clock) -> None:
    window = Window("l", "s", "requests", 1, 1)
    clock.now += 0.0009
    await take(ledger, "1", window)
    clock.now += 1 - 0.0001

    assert not (await take(ledger, "2", window)).granted


async def test_an_empty_window_resets_now(ledger: Ledger, clock) -> None:
    window = Window("l", "s", "requests", 1, 60)
    reading = await read(ledger, window)

    assert (reading.used, reading.amount, reading.fits) == (0, 0, True)
    assert reading.room_at_s == reading.resets_at_s == clock.now


async def test_a_settle_after_the_window_has_rolled_on_changes_nothing_in_the_new_one(ledger: Ledger, clock) -> None:
    window = Window("l", "s", "tokens", 100, 60)
    await take(ledger, "1", window, 50, settle=False)
    clock.now += 60
    await take(ledger, "2", window, 70)
    assert await ledger.settle("1", {"tokens": 99})

    assert (await read(ledger, window)).used == 70


@pytest.mark.parametrize(
    ("period", "zone", "now", "end"),
    [
        ("hour", "UTC", "2026-02-05T10:30:00", "2026-02-05T11:00:00"),
        ("hour", "Asia/Kolkata", "2026-02-05T10:30:00", "2026-02-05T11:00:00"),
        ("day", "UTC", "2026-02-05T10:30:00", "2026-02-06T00:00:00"),
        ("week", "UTC", "2026-02-05T10:30:00", "2026-02-09T00:00:00"),
        ("week", "Asia/Tokyo", "2026-02-09T00:00:00", "2026-02-16T00:00:00"),
        ("month", "Europe/Berlin", "2026-02-28T23:59:59", "2026-03-01T00:00:00"),
        ("quarter", "UTC", "2026-05-05T00:00:00", "2026-07-01T00:00:00"),
        ("year", "America/New_York", "2026-12-31T23:00:00", "2027-01-01T00:00:00"),
        ("day", "Europe/Berlin", "2026-03-29T01:00:00", "2026-03-30T00:00:00"),
        ("day", "Europe/Berlin", "2026-10-25T01:00:00", "2026-10-26T00:00:00"),
    ],
)
async def test_a_calendar_window_begins_anew_at_the_end_of_its_period(
    make, period: str, zone: str, now: str, end: str
) -> None:
    ledger, clock = await make(at(now, zone))
    window = Window("b", "s", "usd_micros", 100, period, timezone=zone)
    await take(ledger, "1", window, 100)
    refused = (await take(ledger, "2", window)).shared[0]

    assert not refused.fits
    assert refused.room_at_s == refused.resets_at_s == at(end, zone)
    clock.now = at(end, zone) - 0.001
    assert not (await take(ledger, "3", window)).granted
    clock.now = at(end, zone)
    assert (await take(ledger, "4", window, 100)).granted


async def test_settling_in_the_next_period_changes_nothing_in_it(make) -> None:
    ledger, clock = await make(at("2026-01-31T23:59:59.999500"))
    window = Window("b", "s", "usd_micros", 100, "month")
    await take(ledger, "1", window, 80, settle=False)
    clock.now = at("2026-02-01T00:00:00")
    await take(ledger, "2", window, 10, settle=False)
    assert await ledger.settle("1", {"usd_micros": 5})

    assert (await read(ledger, window)).used == 10
    await ledger.settle("2", {"usd_micros": 11})
    assert (await read(ledger, window)).used == 11


async def test_a_clock_that_goes_back_frees_nothing_early_and_blocks_nothing_for_good(make) -> None:
    ledger, clock = await make(at("2026-02-01T00:00:10"))
    minute, month = Window("l", "s", "requests", 2, 60), Window("b", "s", "usd_micros", 100, "month")
    await take(ledger, "1", minute)
    await take(ledger, "2", month, 60)
    clock.now -= 20
    await take(ledger, "3", minute)

    assert not (await take(ledger, "4", minute)).granted
    assert not (await take(ledger, "5", month, 60)).granted, "January's clock, February's count"
    clock.now += 20 + 60
    assert (await take(ledger, "6", minute, 2)).granted
    clock.now = at("2026-03-01T00:00:00")
    assert (await take(ledger, "7", month, 60)).granted


async def test_windows_of_removed_limits_leave_with_their_subject(ledger: Ledger, clock) -> None:
    old, new = (Window(name, "s", "requests", 5, 60) for name in ("old", "new"))
    await take(ledger, "1", old)
    clock.now += 30
    await take(ledger, "2", new)
    assert (await read(ledger, old)).used == 1, "not touched, and kept"
    clock.now += 30
    await take(ledger, "3", new)

    assert [(await read(ledger, window)).used for window in (old, new)] == [0, 2]
