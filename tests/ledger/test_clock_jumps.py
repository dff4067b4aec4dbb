"""A clock that goes back, or on by far: what is counted late is settled where it was counted, and sums have a top."""

from __future__ import annotations

import asyncio
import os
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.ledger import Ledger, Option
from governance.ledger.link import Wire
from governance.ledger.memory import MemoryLedger
from governance.ledger.redis import RedisLedger, prefix
from governance.ledger.windows import LARGEST_CHARGE, MOST_COUNTED
from governance.model import Charge, Window
from tests.ledger.conftest import SET_CLOCK, At, Clock
from tests.ledger.jumping import Jumping
from tests.ledger.servers import Server

OPERATIONS = int(os.environ.get("LEDGER_OPERATIONS", "2400"))
MINUTE = Window("limit", "team:a", "tokens", 1_000, 60)
DAY = Window("limit", "team:a", "tokens", 1_000, "day")
WATCHED = Window("watched", "team:a", "tokens", 500, 60, mode="shadow")
REQUESTS = Window("requests", "team:a", "requests", 100, 60)
SLOTS = Window("slots", "team:a", "concurrent", 10_000, None)
MIDNIGHT_S = 1_767_225_600.0


async def reserve(ledger: Ledger, name: str, *charges: Charge, target: tuple[Charge, ...] = ()) -> bool:
    options = (Option("x", target),) if target else ()
    return (await ledger.reserve(charges, options, reservation_id=name, deadline_s=600)).granted


async def used(ledger: Ledger, window: Window) -> int:
    return (await ledger.read([window]))[0].used


@pytest.mark.parametrize("window", [MINUTE, DAY], ids=["rolling", "calendar"])
async def test_what_is_reserved_after_the_clock_went_back_is_settled_where_it_was_counted(
    ledger: Ledger, clock: Clock, window: Window
) -> None:
    clock.now = MIDNIGHT_S - 8
    await reserve(ledger, "before", Charge(window, 5))
    clock.now = MIDNIGHT_S + 1  # a bucket or a period further on
    await reserve(ledger, "first", Charge(window, 5))
    clock.now = MIDNIGHT_S - 5
    await reserve(ledger, "late", Charge(window, 400))
    await ledger.settle("late", {"tokens": 5})
    clock.now = MIDNIGHT_S + 2

    assert await used(ledger, window) == (15 if window is MINUTE else 10)


async def test_a_targets_charge_after_the_clock_went_back_is_given_back_where_it_was_counted(
    ledger: Ledger, clock: Clock
) -> None:
    clock.now = MIDNIGHT_S
    for at_s in range(0, 12, 4):
        clock.now = MIDNIGHT_S + at_s
        await reserve(ledger, f"before {at_s}", Charge(MINUTE, 50))
    clock.now = MIDNIGHT_S + 1
    both = (Charge(REQUESTS, 1), Charge(MINUTE, 300))
    await reserve(ledger, "late", Charge(WATCHED, 7), *both, target=both)
    assert await ledger.reserved([MINUTE]) == (750,)
    await ledger.move("late", 1, Option("y", (Charge(MINUTE, 200),)))
    await ledger.release("late")

    assert [await used(ledger, window) for window in (MINUTE, WATCHED)] == [150, 0]


@pytest.mark.parametrize("since", [0, 5])
async def test_what_reserved_nothing_before_the_clock_went_back_holds_no_period(
    ledger: Ledger, clock: Clock, since: int
) -> None:
    clock.now = MIDNIGHT_S + 1
    await reserve(ledger, "nothing", Charge(DAY, 0))
    clock.now = MIDNIGHT_S - 5
    await reserve(ledger, "since", Charge(DAY, since))
    await ledger.settle("nothing", {"tokens": 3})

    assert await used(ledger, DAY) == (since or 3)
    clock.now = MIDNIGHT_S + 2
    assert await used(ledger, DAY) == (0 if since else 3)


async def test_an_empty_calendar_window_is_of_the_period_that_the_clock_shows(ledger: Ledger, clock: Clock) -> None:
    clock.now = MIDNIGHT_S + 1
    assert await used(ledger, DAY) == 0
    await reserve(ledger, "given back", Charge(DAY, 10))
    await ledger.release("given back")
    clock.now = MIDNIGHT_S - 5
    await reserve(ledger, "a", Charge(DAY, 10))
    clock.now = MIDNIGHT_S + 1

    assert await used(ledger, DAY) == 0


async def test_a_window_that_only_watches_counts_to_its_top_and_is_of_use_afterwards(
    ledger: Ledger, clock: Clock
) -> None:
    for i in range(12):
        assert await reserve(ledger, str(i), Charge(WATCHED, LARGEST_CHARGE), Charge(REQUESTS, 1))
        await ledger.settle(str(i), {"tokens": 10**19} if i % 2 else {})
    assert await used(ledger, WATCHED) == MOST_COUNTED
    clock.now += 61
    await reserve(ledger, "after", Charge(WATCHED, 3))

    assert await used(ledger, WATCHED) == 3


@pytest.mark.parametrize(
    ("charge", "message"),
    [
        (Charge(WATCHED, 10**19), "cannot charge 10000000000000000000 tokens to watched: one charge is at most 10"),
        (Charge(SLOTS, 1_001), "cannot charge 1001 concurrent to slots: one charge is at most 1000"),
        (Charge(Window("huge", "team:a", "tokens", 10**19, 60), 1), "huge: nothing counts to 10000000000000000000"),
    ],
    ids=["an amount", "leases", "a limit"],
)
async def test_what_nobody_can_count_is_an_error_before_anything_is_counted(
    ledger: Ledger, charge: Charge, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        await reserve(ledger, "a", Charge(MINUTE, 1), charge)

    assert await used(ledger, MINUTE) == 0


@pytest.mark.parametrize("seed", range(2))
async def test_memory_is_never_over_while_the_clock_jumps(seed: int) -> None:
    clock = Clock(0.0)
    jumping = Jumping(MemoryLedger(clock), lambda now_s: setattr(clock, "now", now_s), seed)
    while jumping.operations < OPERATIONS:
        await jumping.step()


async def test_redis_is_never_over_while_the_clock_jumps(redis_server: Server) -> None:
    realm = uuid.uuid4().hex
    key, client = prefix(realm) + "clock", redis_server.client()
    ledger = RedisLedger(Wire(At(redis_server.port), key, timeout_s=30), realm, clock_lua=SET_CLOCK)
    jumping = Jumping(ledger, lambda now_s: client.set(key, round(now_s * 1_000_000)), 100)
    while jumping.operations < OPERATIONS // 4:
        await jumping.step()
    await ledger.close()


Step = tuple[int, str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from((-30_000, -6_000, -1, 0, 1, 700, 3_100, 6_000, 61_000)),
        st.sampled_from(("reserve", "reserve", "settle", "release")),
        st.sampled_from((0, 3, 50, 400)),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, period=st.sampled_from((1, 60, "hour", "day")))
def test_redis_says_of_a_window_what_memory_says_whatever_the_clock_does(
    redis_server: Server, steps: list[Step], period: int | str
) -> None:
    async def run() -> None:
        realm, clock = uuid.uuid4().hex, Clock(MIDNIGHT_S)
        key, client = prefix(realm) + "clock", redis_server.client()
        memory = MemoryLedger(clock)
        shared = RedisLedger(Wire(At(redis_server.port), key, timeout_s=30), realm, clock_lua=SET_CLOCK)
        # What is refused or only read changes nothing in Redis, and may let go of what has left in memory.
        window = Window("limit", "team:a", "tokens", 1_000, period, mode="shadow")
        open_ids: list[str] = []
        for i, (jump_ms, what, amount) in enumerate(steps):
            clock.now += jump_ms / 1000
            client.set(key, round(clock.now * 1_000_000))
            ends = open_ids.pop(amount % len(open_ids)) if open_ids and what != "reserve" else ""
            answers: list[object] = []
            for ledger in (memory, shared):
                if not ends:
                    charges = [Charge(window, amount)]
                    answers.append(await ledger.reserve(charges, (), reservation_id=str(i), deadline_s=3_600))
                elif what == "settle":
                    answers.append(await ledger.settle(ends, {"tokens": amount}))
                else:
                    answers.append(await ledger.release(ends))
            if not ends:
                open_ids.append(str(i))
            assert answers[0] == answers[1]
        await shared.close()

    asyncio.run(run())
