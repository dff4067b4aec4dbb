"""Which windows exist, and what of their count open reservations hold. On every store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from governance.ledger import Ledger, Option
from governance.ledger.announced import ANNOUNCED_EVERY_S, MOST_ANNOUNCED
from governance.model import Charge, Window

MINUTE = Window("per key", "virtual_key:a", "requests", 60, 60)
TOKENS = Window("per key", "virtual_key:a", "tokens", 1_000, 60)
MONTH = Window("budget", "team:büro\n", "usd_micros", 5_000_000, "month", "Europe/Berlin", "shadow", "allow")
SLOTS = Window("slots", "target:openai/gpt-4o", "concurrent", 3, None)


async def held(ledger: Ledger, *windows: Window) -> list[tuple[int, int]]:
    used = [reading.used for reading in await ledger.read(windows)]
    return list(zip(used, await ledger.reserved(windows), strict=True))


async def reserve(ledger: Ledger, name: str, *charges: Charge, options: Sequence[Option] = ()) -> None:
    assert (await ledger.reserve(charges, options, reservation_id=name, deadline_s=120)).granted


async def test_announced_windows_are_told_whole(ledger: Ledger) -> None:
    assert await ledger.announced() == ()
    await ledger.announce([MINUTE, TOKENS, MONTH])
    await ledger.announce([SLOTS])
    await ledger.announce([])

    assert set(await ledger.announced()) == {MINUTE, TOKENS, MONTH, SLOTS}


async def test_of_a_limit_that_was_changed_only_the_newest_definition_is_told(ledger: Ledger, clock) -> None:
    changed = replace(MINUTE, amount=5, mode="shadow")
    for window in (MINUTE, changed):
        await ledger.announce([window])
        clock.now += 1
    assert await ledger.announced() == (changed,)

    moved = replace(MONTH, timezone="UTC")
    for window in (MONTH, moved, MONTH):
        await ledger.announce([window])
        clock.now += 1
    assert set(await ledger.announced()) == {changed, MONTH}


async def test_a_window_that_can_hold_nothing_any_more_is_not_told(ledger: Ledger, clock) -> None:
    await ledger.announce([MINUTE, MONTH])
    clock.now += ANNOUNCED_EVERY_S
    assert len(await ledger.announced()) == 2, "a process announces no sooner again"
    clock.now += 60 + 61
    assert await ledger.announced() == (MONTH,)
    clock.now += 32 * 86_400

    assert await ledger.announced() == ()


async def test_the_windows_that_are_empty_soonest_make_room(ledger: Ledger, clock) -> None:
    await ledger.announce([MONTH])
    for begin in range(0, MOST_ANNOUNCED, 10_000):
        await ledger.announce([replace(MINUTE, subject=f"virtual_key:{begin + i}") for i in range(10_000)])
        clock.now += 1
    told = {window.subject for window in await ledger.announced()}

    assert len(told) == MOST_ANNOUNCED
    assert MONTH.subject in told
    assert f"virtual_key:{MOST_ANNOUNCED - 1}" in told


async def test_what_is_reserved_is_told_apart_until_it_is_settled(ledger: Ledger) -> None:
    charges = [Charge(MINUTE, 1), Charge(TOKENS, 300), Charge(SLOTS, 1)]
    await reserve(ledger, "1", *charges)
    await reserve(ledger, "2", *charges)
    assert await held(ledger, MINUTE, TOKENS, SLOTS, MONTH) == [(2, 2), (600, 600), (2, 2), (0, 0)]
    await ledger.settle("1", {"tokens": 120})
    assert await held(ledger, MINUTE, TOKENS, SLOTS) == [(2, 1), (420, 300), (1, 1)]
    await ledger.release("2", attempted=True)

    assert await held(ledger, MINUTE, TOKENS, SLOTS) == [(2, 0), (120, 0), (0, 0)]


async def test_a_hop_takes_what_is_reserved_along(ledger: Ledger) -> None:
    first, second = (Window("target", f"target:{name}", "tokens", 100, 60) for name in "ab")
    await reserve(ledger, "1", Charge(TOKENS, 50), options=[Option("a", [Charge(first, 50)])])
    await ledger.move("1", 1, Option("b", [Charge(second, 40)]))

    assert await held(ledger, TOKENS, first, second) == [(50, 50), (0, 0), (40, 40)]


async def test_what_has_left_its_window_or_passed_its_deadline_is_not_reserved_any_more(make) -> None:
    ledger, clock = await make(1_769_900_340.0)  # 2026-01-31T22:59:00Z, a minute before February in Berlin
    await reserve(ledger, "1", Charge(TOKENS, 50), Charge(MONTH, 700), Charge(SLOTS, 1))
    clock.now += 59
    assert await ledger.reserved([TOKENS, MONTH, SLOTS]) == (50, 700, 1)
    clock.now += 2
    assert await ledger.reserved([TOKENS, MONTH, SLOTS]) == (0, 0, 1)
    clock.now += 60

    assert await ledger.reserved([TOKENS, MONTH, SLOTS]) == (0, 0, 0)


async def test_many_open_reservations_are_added_up(ledger: Ledger) -> None:
    wide = replace(TOKENS, amount=10**9)
    for i in range(450):
        await reserve(ledger, str(i), Charge(wide, i))

    assert await ledger.reserved([wide]) == (sum(range(450)),)
