"""Which windows exist, and what of their count open reservations hold. On every store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from governance.ledger import Ledger, Option
from governance.ledger.announced import ANNOUNCED_EVERY_S, MOST_ANNOUNCED
from governance.ledger.listing import HAS_ROOM, Known, Listing, Ranked, id_of, slices
from governance.model import Charge, Window

MINUTE = Window("per key", "virtual_key:a", "requests", 60, 60)
TOKENS = Window("per key", "virtual_key:a", "tokens", 1_000, 60)
MONTH = Window("budget", "team:büro\n", "usd_micros", 5_000_000, "month", "Europe/Berlin", "shadow", "allow")
BOTH = Window(
    "per key and model",
    "virtual_key:a && model:gpt-4o",
    "tokens",
    9,
    60,
    name_of_subject="ci && model:gpt-4o",
)
EVERY = Listing()
OURS = Window("ours", "team:t && virtual_key:a", "tokens", 9, 60)
SLOTS = Window("slots", "target:openai/gpt-4o", "concurrent", 3, None)


async def held(ledger: Ledger, *windows: Window) -> list[tuple[int, int]]:
    used = [reading.used for reading in await ledger.read(windows)]
    return list(zip(used, await ledger.reserved(windows), strict=True))


async def reserve(ledger: Ledger, name: str, *charges: Charge, options: Sequence[Option] = ()) -> None:
    assert (await ledger.reserve(charges, options, reservation_id=name, deadline_s=120)).granted


async def told(ledger: Ledger, of: Listing = EVERY, most: int = 500) -> list[Window]:
    """All of a list, page by page."""
    found: list[Known] = []
    page = await ledger.listed(of, None, most)
    while page.next is not None:
        assert len(page.windows) <= most
        found += page.windows
        page = await ledger.listed(of, page.next, most)
    return [each.window for each in (*found, *page.windows)]


async def test_announced_windows_are_told_whole(ledger: Ledger) -> None:
    assert await told(ledger) == []
    await ledger.announce([MINUTE, TOKENS, MONTH])
    await ledger.announce([SLOTS])
    await ledger.announce([])

    assert set(await told(ledger)) == {MINUTE, TOKENS, MONTH, SLOTS}
    assert (await ledger.listed(EVERY)).total == 4


async def test_of_a_limit_that_was_changed_only_the_newest_definition_is_told(ledger: Ledger, clock) -> None:
    changed = replace(MINUTE, amount=5, mode="shadow")
    for window in (MINUTE, changed):
        await ledger.announce([window])
        clock.now += 1
    assert await told(ledger) == [changed]

    moved = replace(MONTH, timezone="UTC")
    for window in (MONTH, moved, MONTH):
        await ledger.announce([window])
        clock.now += 1
    assert set(await told(ledger)) == {changed, MONTH}


async def test_a_window_that_can_hold_nothing_any_more_is_not_told(ledger: Ledger, clock) -> None:
    await ledger.announce([MINUTE, MONTH])
    clock.now += ANNOUNCED_EVERY_S
    assert len(await told(ledger)) == 2, "a process announces no sooner again"
    clock.now += 60 + 61
    assert await told(ledger) == [MONTH]
    assert [each.window for each in (await ledger.known())[1]] == [MONTH]
    assert (await ledger.listed(EVERY)).total == 1, "the walk has forgotten the other"
    clock.now += 32 * 86_400

    assert await told(ledger) == []


@pytest.mark.parametrize("store", ["memory", "redis"], indirect=True)
async def test_the_windows_that_are_emptiest_make_room(ledger: Ledger) -> None:
    await ledger.announce([MONTH])
    await ledger.rank([Ranked(id_of(MONTH), HAS_ROOM + 20, 80)], 1, last=True)
    for begin in range(0, MOST_ANNOUNCED, 10_000):
        await ledger.announce([replace(MINUTE, subject=f"virtual_key:{begin + i}") for i in range(10_000)])
    page = await ledger.listed(EVERY, None, 10)

    assert page.total == MOST_ANNOUNCED
    assert page.windows[0].window == MONTH
    assert len(page.windows) == 10

    await ledger.rank([Ranked(id_of(MONTH), HAS_ROOM + 1_000, 0)], 2, last=True)
    await ledger.announce([replace(MINUTE, subject=f"virtual_key:new {i}") for i in range(3)])
    assert (await ledger.listed(EVERY, None, 10)).total == MOST_ANNOUNCED
    assert await told(ledger, Listing(subject=MONTH.subject)) == [], "now it is the emptiest"


@pytest.mark.parametrize("store", ["memory", "redis"], indirect=True)
async def test_the_unused_windows_of_one_caller_do_not_keep_new_ones_of_others_out(ledger: Ledger) -> None:
    unused = [replace(MONTH, subject=f"team:a && end_user:{i}") for i in range(MOST_ANNOUNCED)]
    await ledger.announce(unused)
    for some in slices(MOST_ANNOUNCED, 1_000):
        await ledger.rank([Ranked(id_of(window), HAS_ROOM + 999, 1) for window in unused[some]], 1, last=True)
    new = [replace(MINUTE, subject=f"team:{i}") for i in range(5)]
    for window in new:
        await ledger.announce([window])
    assert (await ledger.listed(EVERY, None, 10)).total == MOST_ANNOUNCED
    for window in new:
        assert await told(ledger, Listing(subject=window.subject)) == [window]


@pytest.mark.parametrize(
    ("of", "windows"),
    [
        (Listing(limit="PER KEY"), {MINUTE, TOKENS}),
        (Listing(subject="Virtual_Key:A"), {MINUTE, TOKENS, BOTH, OURS}),
        (Listing(subject="virtual_key:ci"), {BOTH}),
        (Listing(subject="virtual_key:a && model:gpt-4o"), {BOTH}),
        (Listing(limit="per key", subject="virtual_key:a"), {MINUTE, TOKENS}),
        (Listing(limit="budget", subject="virtual_key:a"), set()),
        (Listing(subject="virtual_key:a", callers=frozenset({"virtual_key:a"})), {MINUTE, TOKENS, BOTH}),
        (Listing(subject="team:t", callers=frozenset({"virtual_key:a", "team:t"})), {OURS}),
        (Listing(subject="team:t", callers=frozenset({"virtual_key:b", "team:t"})), set()),
        (Listing(limit="none"), set()),
    ],
)
async def test_a_limit_a_subject_and_whom_it_counts_choose(ledger: Ledger, of: Listing, windows: set[Window]) -> None:
    await ledger.announce([MINUTE, TOKENS, MONTH, SLOTS, BOTH, OURS])

    assert set(await told(ledger, of)) == windows
    assert set(await told(ledger, of, 1)) == windows


async def test_who_was_renamed_is_found_by_the_new_name_only(ledger: Ledger) -> None:
    for name in ("ci", "build"):
        await ledger.announce([replace(MINUTE, name_of_subject=name)])

    assert await told(ledger, Listing(subject="virtual_key:ci")) == []
    assert len(await told(ledger, Listing(subject="virtual_key:build"))) == 1


async def test_a_list_is_read_in_the_order_of_the_last_survey(ledger: Ledger, clock) -> None:
    windows = [replace(MINUTE, subject=f"virtual_key:{i}") for i in range(60)]
    await ledger.announce(windows)
    ranks = [-1.5, -1.0, clock.now + 60, clock.now + 61, *[HAS_ROOM + 1_000 - i // 10 for i in range(56)]]
    assert (await ledger.listed(EVERY)).surveyed_s is None
    for some in (slice(0, 40), slice(40, 60)):
        found = [Ranked(id_of(each), rank, 50) for each, rank in zip(windows[some], ranks[some], strict=True)]
        await ledger.rank(found, 7, last=some.start > 0)
    page = await ledger.listed(Listing(limit="per key"), None, 7)
    order = await told(ledger, EVERY, 7)

    assert (page.total, page.empty, page.running_out, page.surveyed_s) == (60, 2, 2, clock.now)
    assert [each.window for each in page.windows][:4] == windows[:4]
    assert [ranks[windows.index(each)] for each in order] == sorted(ranks)
    assert len(set(order)) == 60

    await ledger.announce(windows)
    assert await told(ledger, EVERY, 7) == order, "a window that is announced again stays where it is"


async def test_a_list_goes_on_behind_a_window_that_has_moved_or_is_gone(ledger: Ledger) -> None:
    windows = [replace(MINUTE, subject=f"virtual_key:{i}") for i in range(6)]
    await ledger.announce(windows)
    await ledger.rank([Ranked(id_of(each), float(i), 0) for i, each in enumerate(windows)], 1)
    page = await ledger.listed(EVERY, None, 3)
    await ledger.rank([Ranked(id_of(windows[2]), 99.0, 0)], 2)

    further = await ledger.listed(EVERY, page.next, 3)
    assert [each.window for each in further.windows] == [windows[3], windows[4], windows[5]]


async def test_every_window_is_met_on_the_walk(ledger: Ledger) -> None:
    windows = [replace(MINUTE, subject=f"virtual_key:{i}") for i in range(700)]
    await ledger.announce(windows)
    cursor, found = await ledger.known(0, 100)
    met = {each.window for each in found}
    while cursor:
        cursor, found = await ledger.known(cursor, 100)
        met |= {each.window for each in found}

    assert met == set(windows)


async def test_one_survey_at_a_time_and_again_when_it_is_due(store: str, ledger: Ledger, clock) -> None:
    every_s = 0.05 if store != "memory" else 60
    assert await ledger.survey(every_s)
    if store == "memory":
        assert not await ledger.survey(every_s)
        clock.now += 60
    while not await ledger.survey(every_s):
        pass


async def test_how_full_a_window_was_is_kept_minute_by_minute(ledger: Ledger) -> None:
    await ledger.announce([MINUTE])
    id = id_of(MINUTE)
    for minute, percent in ((100, 10.0), (100, 50.0), (101, 100.0), (104, 250.0), (103, 1.0)):
        await ledger.rank([Ranked(id, HAS_ROOM, percent)], minute)
    known = (await ledger.listed(EVERY)).windows[0]

    assert known.sampled_minute == 104
    assert known.samples == (pytest.approx(50, abs=1), 100.0, None, None, 100.0)
    for minute in range(105, 205):
        await ledger.rank([Ranked(id, HAS_ROOM, 20)], minute)
    assert len((await ledger.known())[1][0].samples) == 60


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
