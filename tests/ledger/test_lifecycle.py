"""What becomes of a reservation: moved, settled, released, renewed, found past its deadline. On every store."""

from __future__ import annotations

from governance.ledger import Ledger, Option
from governance.model import Charge, Window

REQUESTS = Window("limit", "team:research", "requests", 100, 60)
TOKENS = Window("limit", "team:research", "tokens", 1_000, 60)
MONEY = Window("budget", "team:research", "usd_micros", 10**9, "month")
BUSY = Window("limit", "team:research", "concurrent", 5, None)
A_REQUESTS, A_TOKENS, A_BUSY = (
    Window("a", "target:a", unit, 1_000, period)
    for unit, period in (("requests", 60), ("tokens", 60), ("concurrent", None))
)
B_REQUESTS, B_TOKENS, B_BUSY = (
    Window("b", "target:b", unit, 1_000, period)
    for unit, period in (("requests", 60), ("tokens", 60), ("concurrent", None))
)
SHARED = (Charge(REQUESTS, 1), Charge(TOKENS, 400), Charge(MONEY, 9_000), Charge(BUSY, 1))
A = Option("a", (Charge(A_REQUESTS, 1), Charge(A_TOKENS, 400), Charge(A_BUSY, 1)))
B = Option("b", (Charge(B_REQUESTS, 1), Charge(B_TOKENS, 400), Charge(B_BUSY, 1)))
OURS, OF_A, OF_B = (REQUESTS, TOKENS, MONEY, BUSY), (A_REQUESTS, A_TOKENS, A_BUSY), (B_REQUESTS, B_TOKENS, B_BUSY)


async def begin(ledger: Ledger, deadline_s: float = 60) -> None:
    assert (await ledger.reserve(SHARED, (A, B), reservation_id="r", deadline_s=deadline_s)).chosen == 0


async def used(ledger: Ledger, *windows: Window) -> list[int]:
    return [reading.used for reading in await ledger.read(windows)]


async def test_settling_replaces_what_was_reserved_by_what_was_used(ledger: Ledger) -> None:
    await begin(ledger)

    assert await ledger.settle("r", {"tokens": 150, "usd_micros": 12_000})
    assert await used(ledger, *OURS, *OF_A, *OF_B) == [1, 150, 12_000, 0, 1, 150, 0, 0, 0, 0]


async def test_what_was_used_counts_even_above_the_limit(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.settle("r", {"tokens": 5_000})

    assert await used(ledger, TOKENS) == [5_000]
    assert not (await ledger.reserve([Charge(TOKENS, 1)], (), reservation_id="s", deadline_s=60)).granted


async def test_the_second_settle_changes_nothing(ledger: Ledger) -> None:
    await begin(ledger)

    assert await ledger.settle("r", {"tokens": 150})
    assert not await ledger.settle("r", {"tokens": 990})
    assert await used(ledger, TOKENS, A_TOKENS) == [150, 150]


async def test_units_that_are_not_named_stay_as_they_were_reserved(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.settle("r", {})

    assert await used(ledger, *OURS, *OF_A) == [1, 400, 9_000, 0, 1, 400, 0]


async def test_a_release_without_an_attempt_gives_everything_back(ledger: Ledger) -> None:
    await begin(ledger)

    assert await ledger.release("r")
    assert not await ledger.release("r"), "once"
    assert await used(ledger, *OURS, *OF_A) == [0] * 7


async def test_a_release_after_an_attempt_keeps_the_requests(ledger: Ledger) -> None:
    await begin(ledger)

    assert await ledger.release("r", attempted=True)
    assert await used(ledger, *OURS, *OF_A) == [1, 0, 0, 0, 1, 0, 0]


async def test_settle_wins_over_release_in_either_order(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.release("r")

    assert await ledger.settle("r", {"tokens": 150, "usd_micros": 7})
    assert await used(ledger, *OURS, *OF_A) == [1, 150, 7, 0, 1, 150, 0], "the request was made after all"
    assert not await ledger.release("r")
    assert await used(ledger, *OURS, *OF_A) == [1, 150, 7, 0, 1, 150, 0]


async def test_nothing_is_known_of_a_reservation_that_was_never_made(ledger: Ledger) -> None:
    assert not await ledger.settle("r", {"tokens": 1})
    assert not await ledger.release("r")
    assert not await ledger.renew("r", 60)


async def test_a_move_keeps_the_requests_of_the_failed_attempt_and_gives_back_the_rest(ledger: Ledger) -> None:
    await begin(ledger)
    reading = await ledger.move("r", 1, B, [Charge(REQUESTS, 1)])

    assert reading.fits
    assert [told.window for told in reading.windows] == [*OF_B, REQUESTS]
    assert await used(ledger, *OURS) == [2, 400, 9_000, 1]
    assert await used(ledger, *OF_A, *OF_B) == [1, 0, 0, 1, 400, 1]
    await ledger.settle("r", {"tokens": 150})
    assert await used(ledger, *OURS) == [2, 150, 9_000, 0]
    assert await used(ledger, *OF_A, *OF_B) == [1, 0, 0, 1, 150, 0]


async def test_a_move_from_a_target_that_was_asked_nothing_gives_back_all_of_it(ledger: Ledger) -> None:
    both = Option("", (*A.charges, *B.charges))
    await ledger.reserve(SHARED, (both,), reservation_id="r", deadline_s=60)

    assert (await ledger.move("r", 1, B, force=True, unasked=True)).fits
    assert await used(ledger, *OURS, *OF_A, *OF_B) == [1, 400, 9_000, 1, 0, 0, 0, 1, 400, 1]
    assert await ledger.settle("r", {"tokens": 150, "usd_micros": 12_000})
    assert await used(ledger, *OURS, *OF_A, *OF_B) == [1, 150, 12_000, 0, 0, 0, 0, 1, 150, 0]


async def test_a_move_that_is_repeated_charges_once(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.move("r", 1, B)

    assert (await ledger.move("r", 1, B)).fits
    assert await used(ledger, *OF_A, *OF_B) == [1, 0, 0, 1, 400, 1]


async def test_a_move_that_does_not_fit_charges_nothing_and_holds_no_target(ledger: Ledger) -> None:
    await begin(ledger)
    big = Option("b", (Charge(B_REQUESTS, 1), Charge(B_TOKENS, 1_001)))

    assert not (await ledger.move("r", 1, big, [Charge(REQUESTS, 1)])).fits
    assert not (await ledger.move("r", 1, big, [Charge(REQUESTS, 1)])).fits, "nor repeated"
    assert await used(ledger, REQUESTS, TOKENS, *OF_A, *OF_B) == [1, 400, 1, 0, 0, 0, 0, 0]
    assert (await ledger.move("r", 2, B)).fits, "the next may"
    assert await used(ledger, *OF_B) == [1, 400, 1]


async def test_a_forced_move_is_charged_in_any_case(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.cool_down("b", 30)
    big = Option("b", (Charge(B_TOKENS, 1_001),))
    reading = await ledger.move("r", 1, big, force=True)

    assert not reading.fits
    assert reading.cooling_until_s is not None
    assert await used(ledger, B_TOKENS) == [1_001]


async def test_a_move_to_a_cooling_option_charges_nothing(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.cool_down("b", 30)

    assert (await ledger.move("r", 1, B)).cooling_until_s is not None
    assert await used(ledger, *OF_B) == [0, 0, 0]


async def test_a_target_gets_back_its_own_room_before_the_next_attempt_on_it(ledger: Ledger) -> None:
    whole = Option("a", (Charge(A_TOKENS, 1_000),))
    await ledger.reserve([], [whole], reservation_id="r", deadline_s=60)

    assert (await ledger.move("r", 1, whole)).fits
    assert await used(ledger, A_TOKENS) == [1_000]


async def test_a_move_of_a_reservation_that_the_ledger_forgot_still_counts_the_attempt(ledger: Ledger) -> None:
    assert (await ledger.move("r", 1, B)).fits
    assert await used(ledger, *OF_B) == [1, 400, 1]
    assert await ledger.settle("r", {"tokens": 9})
    assert await used(ledger, *OF_B) == [1, 9, 0]


async def test_a_move_after_the_end_charges_nothing(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.settle("r", {"tokens": 5})

    assert not (await ledger.move("r", 1, B)).fits
    assert await used(ledger, *OF_A, *OF_B) == [1, 5, 0, 0, 0, 0]


async def test_releasing_after_a_move_leaves_the_request_of_the_failed_attempt(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.move("r", 1, B, [Charge(REQUESTS, 1)])
    await ledger.release("r")

    assert await used(ledger, *OURS) == [1, 0, 0, 0]
    assert await used(ledger, *OF_A, *OF_B) == [1, 0, 0, 0, 0, 0]


async def test_the_deadline_of_a_dead_process_gives_everything_back(ledger: Ledger, clock) -> None:
    month = Window("limit", "team:research", "requests", 100, 30 * 86_400)
    await ledger.reserve([*SHARED, Charge(month, 1)], [A], reservation_id="r", deadline_s=10)
    clock.now += 9.999
    assert await used(ledger, *OURS, *OF_A, month) == [1, 400, 9_000, 1, 1, 400, 1, 1]
    clock.now += 0.001

    assert await used(ledger, *OURS, *OF_A, month) == [0] * 8
    health = await ledger.health()
    assert (health.open_reservations, health.expired) == (0, 1)


async def test_a_late_settle_still_applies_its_difference(ledger: Ledger, clock) -> None:
    await begin(ledger, deadline_s=10)
    clock.now += 10
    assert await used(ledger, *OURS) == [0, 0, 0, 0]

    assert await ledger.settle("r", {"tokens": 150, "usd_micros": 7})
    assert await used(ledger, *OURS, *OF_A) == [1, 150, 7, 0, 1, 150, 0]
    clock.now += 50
    assert await used(ledger, TOKENS) == [0], "at the time when it was reserved"


async def test_a_reservation_is_remembered_for_ten_minutes_after_its_end(ledger: Ledger, clock) -> None:
    await begin(ledger, deadline_s=10)
    clock.now += 10
    await ledger.read([MONEY])
    clock.now += 600

    assert await ledger.settle("r", {"usd_micros": 7})
    assert await used(ledger, MONEY) == [7]


async def test_a_move_after_the_deadline_opens_the_reservation_again(ledger: Ledger, clock) -> None:
    await begin(ledger, deadline_s=10)
    clock.now += 10
    await ledger.read([MONEY])

    assert (await ledger.move("r", 1, B)).fits
    assert (await ledger.health()).open_reservations == 1
    assert await ledger.settle("r", {"tokens": 9})
    assert await used(ledger, *OURS, *OF_B) == [1, 9, 9_000, 0, 1, 9, 0]


async def test_a_renewed_reservation_lasts_longer_and_so_do_its_leases(ledger: Ledger, clock) -> None:
    await begin(ledger, deadline_s=10)
    clock.now += 9
    assert await ledger.renew("r", 10)
    clock.now += 9

    assert await used(ledger, BUSY, A_BUSY) == [1, 1]
    clock.now += 1
    assert await used(ledger, *OURS) == [0, 0, 0, 0]
    assert not await ledger.renew("r", 10), "too late"


async def test_a_request_that_is_with_a_provider_stays_counted_when_its_process_dies(ledger: Ledger, clock) -> None:
    await begin(ledger, deadline_s=10)
    assert await ledger.renew("r", 10, attempted=True)
    clock.now += 11

    assert await used(ledger, *OURS) == [1, 0, 0, 0]
    assert await ledger.settle("r", {"tokens": 9}), "it did not die after all"
    assert (await used(ledger, *OURS))[:2] == [1, 9]


async def test_a_release_after_the_deadline_counts_the_request_that_was_made_after_all(ledger: Ledger, clock) -> None:
    await begin(ledger, deadline_s=10)
    clock.now += 11
    assert await used(ledger, *OURS) == [0, 0, 0, 0]

    assert not await ledger.release("r", attempted=True)
    assert await used(ledger, *OURS) == [1, 0, 0, 0]


async def test_a_hop_that_was_not_attempted_is_given_back_when_its_process_dies(ledger: Ledger, clock) -> None:
    await begin(ledger, deadline_s=10)
    await ledger.renew("r", 10, attempted=True)
    await ledger.move("r", 1, B)
    clock.now += 11

    assert (await used(ledger, *OF_B))[0] == 0
    assert (await used(ledger, *OURS))[0] == 1


async def test_reaping_is_bounded_and_keeps_pace_with_what_comes_in(ledger: Ledger, clock) -> None:
    forever = Window("limit", "team:research", "requests", 10_000, 86_400)
    for i in range(40):
        await ledger.reserve([Charge(forever, 1)], [], reservation_id=f"dead-{i}", deadline_s=10)
    clock.now += 10
    for i in range(20):
        reserved = await ledger.reserve([Charge(forever, 1)], [], reservation_id=f"live-{i}", deadline_s=10)

    assert reserved.granted
    assert await used(ledger, forever) == [20]
    assert (await ledger.health()).expired == 40


async def test_health_tells_what_is_open_and_since_when_the_ledger_counts(ledger: Ledger, clock) -> None:
    epoch_s = (await ledger.health()).epoch_s
    await begin(ledger)
    clock.now += 5
    health = await ledger.health()

    assert health.reachable
    assert (health.open_reservations, health.expired, health.now_s) == (1, 0, clock.now)
    assert health.epoch_s == epoch_s == clock.now - 5


async def test_concurrent_charges_end_with_the_request(ledger: Ledger) -> None:
    for i in range(5):
        assert (await ledger.reserve([Charge(BUSY, 1)], [], reservation_id=str(i), deadline_s=60)).granted
    (refused,) = (await ledger.reserve([Charge(BUSY, 1)], [], reservation_id="5", deadline_s=60)).shared

    assert (refused.used, refused.fits, refused.room_at_s, refused.resets_at_s) == (5, False, None, None)
    await ledger.release("0", attempted=True)
    await ledger.settle("1", {})
    assert await used(ledger, BUSY) == [3]


async def test_a_concurrent_charge_of_several_holds_several(ledger: Ledger) -> None:
    await ledger.reserve([Charge(BUSY, 2), Charge(BUSY, 3)], [], reservation_id="r", deadline_s=60)

    assert await used(ledger, BUSY) == [5]
    await ledger.settle("r", {"tokens": 5})
    assert await used(ledger, BUSY) == [0]


async def test_a_lease_ends_at_the_deadline_even_when_nobody_reaps(ledger: Ledger, clock) -> None:
    for i in range(5):
        await ledger.reserve([Charge(BUSY, 1)], [], reservation_id=str(i), deadline_s=10)
    clock.now += 10

    assert await used(ledger, BUSY) == [0]


async def test_a_window_that_is_named_twice_is_settled_to_what_was_used_once(ledger: Ledger) -> None:
    await ledger.reserve([Charge(TOKENS, 400), Charge(TOKENS, 100)], [], reservation_id="r", deadline_s=60)
    await ledger.settle("r", {"tokens": 30})

    assert await used(ledger, TOKENS) == [30]
