"""Reserving: everything that applies is charged, or nothing is. On every store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from governance.ledger import Ledger, Option
from governance.model import Charge, Window

MINUTE = Window("requests", "team:research", "requests", 2, 60)
DAY = Window("requests", "team:research", "requests", 10, 86_400)
TOKENS = Window("tokens", "virtual_key:k1", "tokens", 1_000, 60)


async def reserve(ledger: Ledger, name: str, *charges: Charge, options: tuple[Option, ...] = (), **more: bool):
    return await ledger.reserve(charges, options, reservation_id=name, deadline_s=60, **more)


async def used(ledger: Ledger, *windows: Window) -> list[int]:
    return [reading.used for reading in await ledger.read(windows)]


async def test_charges_that_fit_are_counted_in_every_window(ledger: Ledger) -> None:
    reserved = await reserve(ledger, "1", Charge(MINUTE, 1), Charge(DAY, 1), Charge(TOKENS, 300))

    assert reserved.granted
    assert [reading.used for reading in reserved.shared] == [0, 0, 0], "told as it was before"
    assert await used(ledger, MINUTE, DAY, TOKENS) == [1, 1, 300]


async def test_a_charge_that_does_not_fit_counts_nothing_anywhere(ledger: Ledger) -> None:
    await reserve(ledger, "1", Charge(MINUTE, 2))
    reserved = await reserve(ledger, "2", Charge(DAY, 1), Charge(TOKENS, 5), Charge(MINUTE, 1))

    assert not reserved.granted
    assert [reading.fits for reading in reserved.shared] == [True, True, False]
    assert await used(ledger, MINUTE, DAY, TOKENS) == [2, 0, 0]


async def test_the_first_option_that_fits_is_charged_and_the_others_are_told(ledger: Ledger) -> None:
    full, roomy, spare = (Window("limits", f"target:{name}", "requests", 1, 60) for name in "abc")
    await reserve(ledger, "1", Charge(full, 1))
    options = tuple(Option(name, [Charge(of, 1)]) for name, of in zip("abc", (full, roomy, spare), strict=True))
    reserved = await reserve(ledger, "2", Charge(MINUTE, 1), options=options)

    assert reserved.chosen == 1
    assert [option.fits for option in reserved.options] == [False, True, True]
    assert await used(ledger, full, roomy, spare, MINUTE) == [1, 1, 0, 1]


async def test_no_option_with_room_is_a_refusal_that_counts_nothing(ledger: Ledger) -> None:
    full = Window("limits", "target:a", "requests", 1, 60)
    await reserve(ledger, "1", Charge(full, 1))
    reserved = await reserve(ledger, "2", Charge(MINUTE, 1), options=(Option("a", [Charge(full, 1)]),))

    assert (reserved.granted, reserved.chosen) == (False, None)
    assert await used(ledger, full, MINUTE) == [1, 0]


async def test_an_option_without_charges_has_always_room(ledger: Ledger) -> None:
    reserved = await reserve(ledger, "1", options=(Option("a"), Option("b")))

    assert (reserved.granted, reserved.chosen) == (True, 0)


async def test_a_request_that_nothing_limits_is_granted(ledger: Ledger) -> None:
    reserved = await reserve(ledger, "1")

    assert (reserved.granted, reserved.chosen, reserved.shared, reserved.options) == (True, None, (), ())


async def test_a_window_that_is_charged_twice_in_one_call_must_hold_both(ledger: Ledger) -> None:
    shared, option = Charge(MINUTE, 1), Option("a", [Charge(MINUTE, 1)])

    assert not (await reserve(ledger, "1", shared, shared, options=(option,))).granted
    assert (await reserve(ledger, "2", shared, options=(option, option))).granted
    assert await used(ledger, MINUTE) == [2]


async def test_a_dry_run_answers_the_same_and_counts_nothing(ledger: Ledger) -> None:
    options = (Option("a", [Charge(TOKENS, 5)]),)
    dry = await reserve(ledger, "1", Charge(MINUTE, 1), options=options, dry_run=True)
    wet = await reserve(ledger, "1", Charge(MINUTE, 1), options=options)

    assert dry == wet
    assert await used(ledger, MINUTE, TOKENS) == [1, 5]


async def test_the_same_reservation_asked_for_twice_is_counted_once(ledger: Ledger) -> None:
    options = (Option("a"), Option("b", [Charge(TOKENS, 5)]))
    await ledger.cool_down("a", 30)
    first = await reserve(ledger, "1", Charge(MINUTE, 1), options=options)
    again = await reserve(ledger, "1", Charge(MINUTE, 1), options=options)

    assert (first.granted, first.chosen) == (again.granted, again.chosen) == (True, 1)
    assert await used(ledger, MINUTE, TOKENS) == [1, 5]


async def test_a_shadow_window_counts_and_tells_and_never_refuses(ledger: Ledger) -> None:
    shadow = Window("trial", "team:research", "requests", 1, 60, mode="shadow")
    await reserve(ledger, "1", Charge(shadow, 1))
    reserved = await reserve(ledger, "2", Charge(shadow, 1), options=(Option("a", [Charge(shadow, 1)]),))

    assert reserved.granted
    assert reserved.options[0].fits
    assert [reading.fits for reading in (*reserved.shared, *reserved.options[0].windows)] == [False, False]
    assert await used(ledger, shadow) == [3]


async def test_an_amount_over_the_limit_never_has_room(ledger: Ledger) -> None:
    (reading,) = (await reserve(ledger, "1", Charge(MINUTE, 3))).shared

    assert (reading.fits, reading.room_at_s) == (False, None)


async def test_changing_a_limit_keeps_what_is_counted(ledger: Ledger) -> None:
    await reserve(ledger, "1", Charge(MINUTE, 2))
    wider = Window("requests", "team:research", "requests", 5, 60)
    (reading,) = (await reserve(ledger, "2", Charge(wider, 3))).shared

    assert (reading.used, reading.fits) == (2, True)
    assert not (await reserve(ledger, "3", Charge(MINUTE, 1))).granted, "and it is over the old limit now"


@pytest.mark.parametrize(
    "other",
    [
        Window("other", "team:research", "requests", 2, 60),
        Window("requests", "team:other", "requests", 2, 60),
        Window("requests", "team:research", "tokens", 2, 60),
        Window("requests", "team:research", "requests", 2, 61),
        Window("requests", "team:research", "requests", 2, "week"),
    ],
)
async def test_limit_subject_unit_and_period_make_a_window_its_own(ledger: Ledger, other: Window) -> None:
    day = Window("requests", "team:research", "requests", 9, "day")
    await reserve(ledger, "1", Charge(MINUTE, 2), Charge(day, 2))

    assert await used(ledger, other) == [0]
    assert await used(ledger, replace(day, amount=5, mode="shadow", timezone="Asia/Tokyo")) == [2], "the same window"


@pytest.mark.parametrize("name", ["}x{", "a:b", "gov:{}:w:*", "team\n", "ü" * 5000, "", "k'\"\\ ~/,;|"])
async def test_no_name_breaks_out_of_its_place(ledger: Ledger, name: str) -> None:
    odd = Window(name, f"end_user:{name}", "requests", 1, 60)
    reserved = await reserve(ledger, name, Charge(odd, 1), options=(Option(name, [Charge(odd, 0)]),))

    assert reserved.granted
    assert await used(ledger, odd, MINUTE) == [1, 0]
    assert await ledger.release(name)
    assert await used(ledger, odd) == [0]


@pytest.mark.parametrize(
    ("window", "amount"),
    [
        (Window("l", "s", "requests", 1, 60), -1),
        (Window("l", "s", "requests", 1, 0), 1),
        (Window("l", "s", "requests", 1, -60), 1),
        (Window("l", "s", "usd_micros", 1, "fortnight"), 1),
        (Window("l", "s", "usd_micros", 1, "day", timezone="Mars/Olympus"), 1),
        (Window("l", "s", "usd_micros", 1, "day", timezone="../../etc/passwd"), 1),
        (Window("l", "s", "requests", 1, None), 1),
        (Window("l", "s", "concurrent", 1, 60), 1),
    ],
)
async def test_a_charge_that_cannot_be_counted_is_an_error_and_counts_nothing(
    ledger: Ledger, window: Window, amount: int
) -> None:
    with pytest.raises(ValueError, match=r"."):
        await reserve(ledger, "1", Charge(MINUTE, 1), Charge(window, amount))

    assert await used(ledger, MINUTE) == [0]


async def test_amounts_up_to_a_thousand_million_dollars_are_exact(ledger: Ledger) -> None:
    most = 10**15
    rolling = Window("l", "s", "usd_micros", most, 86_400)
    monthly = Window("l", "s", "usd_micros", most, "month")
    await reserve(ledger, "1", Charge(rolling, most - 1), Charge(monthly, most - 1))

    assert not (await reserve(ledger, "2", Charge(rolling, 2))).granted
    assert (await reserve(ledger, "3", Charge(rolling, 1), Charge(monthly, 1))).granted
    assert await used(ledger, rolling, monthly) == [most, most]


async def test_a_cooling_option_is_passed_over_until_it_has_cooled(ledger: Ledger, clock) -> None:
    options = (Option("a"), Option("b"))
    await ledger.cool_down("a", 30)
    await ledger.cool_down("a", 10)
    reserved = await reserve(ledger, "1", options=options)

    assert reserved.chosen == 1
    assert [option.cooling_until_s for option in reserved.options] == [clock.now + 30, None], "the longer one stays"
    clock.now += 30
    assert (await reserve(ledger, "2", options=options)).chosen == 0


async def test_only_cooling_options_are_a_refusal(ledger: Ledger) -> None:
    await ledger.cool_down("a", 30)
    reserved = await reserve(ledger, "1", Charge(MINUTE, 1), options=(Option("a"),))

    assert not reserved.granted
    assert reserved.options[0].fits, "it has room; it only rests"
    assert await used(ledger, MINUTE) == [0]


async def test_after_a_cool_down_one_request_at_a_time_probes(ledger: Ledger, clock) -> None:
    options = (Option("a"), Option("b"))
    await ledger.cool_down("a", 30)
    clock.now += 30
    asked = await reserve(ledger, "explained", options=options, dry_run=True)
    chosen = [(await reserve(ledger, str(i), options=options)) for i in range(3)]

    assert (asked.chosen, asked.options[0].recovering, asked.options[0].cooling_until_s) == (0, True, None)
    assert [reserved.chosen for reserved in chosen] == [0, 1, 1], "the others wait for its result elsewhere"
    assert (chosen[1].options[0].recovering, chosen[1].options[0].cooling_until_s) == (True, clock.now + 60)
    assert (await ledger.move("1", 1, Option("a"))).cooling_until_s is not None
    alone = await reserve(ledger, "alone", options=options[:1])
    assert alone.chosen == 0, "where there is nobody else, they do not wait"


@pytest.mark.parametrize(("well", "later"), [(True, [0, 0]), (False, [0, 1])])
async def test_a_probe_ends_by_its_result(ledger: Ledger, clock, well: bool, later: list[int]) -> None:
    options = (Option("a"), Option("b"))
    await ledger.cool_down("a", 30)
    clock.now += 30
    await reserve(ledger, "probe", options=options)
    await ledger.recovered("a", well)

    assert [(await reserve(ledger, str(i), options=options)).chosen for i in range(2)] == later


async def test_a_probe_that_fails_begins_a_cool_down_and_one_that_is_lost_gives_way(ledger: Ledger, clock) -> None:
    options = (Option("a"), Option("b"))
    await ledger.cool_down("a", 30)
    clock.now += 30
    await reserve(ledger, "probe", options=options)
    await ledger.cool_down("a", 10)
    assert (await reserve(ledger, "1", options=options)).options[0].cooling_until_s == clock.now + 10
    clock.now += 10
    assert (await ledger.move("1", 1, Option("a"))).recovering, "a hop probes too"
    assert (await reserve(ledger, "2", options=options)).chosen == 1
    clock.now += 60
    assert (await reserve(ledger, "3", options=options)).chosen == 0
    clock.now += 61
    await ledger.recovered("b")
    clock.now += 3_600
    after = await reserve(ledger, "4", options=options)
    assert (after.chosen, after.options[0].recovering) == (0, False), "nobody has asked for an hour"


@pytest.mark.parametrize("deadline_s", [0, -1, 8 * 86_400])
async def test_a_deadline_that_no_request_can_need_is_an_error(ledger: Ledger, deadline_s: float) -> None:
    with pytest.raises(ValueError, match="deadline"):
        await ledger.reserve([Charge(MINUTE, 1)], [], reservation_id="1", deadline_s=deadline_s)
