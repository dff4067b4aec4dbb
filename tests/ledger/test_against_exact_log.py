"""Random operations, clocks, crashes and retries: memory, fakeredis and Redis against an exact log and each other.

`LEDGER_OPERATIONS=1000000 pytest tests/ledger/test_against_exact_log.py` runs longer, as does
`python -m tests.bench.operations`.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable

import fakeredis
import pytest
from fakeredis import aioredis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from governance.ledger import Ledger
from governance.ledger.link import Wire
from governance.ledger.memory import MemoryLedger
from governance.ledger.redis import RedisLedger, prefix
from governance.ledger.windows import Rolling
from tests.ledger.conftest import SET_CLOCK, At, FakeLink
from tests.ledger.exact import Comparison
from tests.ledger.servers import Server

OPERATIONS = int(os.environ.get("LEDGER_OPERATIONS", "20000"))


def memory(set_now: list[float]) -> Ledger:
    return MemoryLedger(lambda: set_now[0])


async def compare(
    others: Callable[[str], tuple[list[Ledger], Callable[[float], object]]], seed: int, operations: int
) -> None:
    now = [0.0]
    ledgers, tell = others(uuid.uuid4().hex)

    def set_clock(now_s: float) -> None:
        now[0] = now_s
        tell(now_s)

    comparison = Comparison([memory(now), *ledgers], set_clock, seed)
    while comparison.operations < operations:
        await comparison.step()
    for ledger in ledgers:
        await ledger.close()


@pytest.mark.parametrize("seed", range(8))
async def test_memory_keeps_its_promises_over_random_operations(seed: int) -> None:
    await compare(lambda realm: ([], lambda now_s: None), seed, OPERATIONS)


@pytest.mark.parametrize("seed", range(2))
async def test_redis_answers_like_memory_over_random_operations(redis_server: Server, seed: int) -> None:
    client = redis_server.client()

    def shared(realm: str) -> tuple[list[Ledger], Callable[[float], object]]:
        key = prefix(realm) + "clock"
        ledger = RedisLedger(Wire(At(redis_server.port), key, timeout_s=30), realm, clock_lua=SET_CLOCK)
        return [ledger], lambda now_s: client.set(key, round(now_s * 1_000_000))

    await compare(shared, 100 + seed, OPERATIONS // 2)


async def test_fakeredis_answers_like_memory_over_random_operations() -> None:
    server = fakeredis.FakeServer()
    client = fakeredis.FakeRedis(server=server)

    def fake(realm: str) -> tuple[list[Ledger], Callable[[float], object]]:
        ledger = RedisLedger(FakeLink(aioredis.FakeRedis(server=server)), realm, clock_lua=SET_CLOCK)
        return [ledger], lambda now_s: client.set(prefix(realm) + "clock", round(now_s * 1_000_000))

    await compare(fake, 200, OPERATIONS // 10)


class Operations(RuleBasedStateMachine):
    """The same operations in an order that hypothesis chooses, and shortens when one fails."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        now = [0.0]
        self.ledger = MemoryLedger(lambda: now[0])
        self.comparison = Comparison([self.ledger], lambda now_s: now.__setitem__(0, now_s), 0)

    def do(self, what: str, seed: int) -> None:
        self.comparison.random.seed(seed)
        self.loop.run_until_complete(getattr(self.comparison, what)())

    @rule(
        what=st.sampled_from(("reserve", "reserve", "settle", "release", "move", "renew", "advance")),
        seed=st.integers(0, 2**16),
    )
    def operate(self, what: str, seed: int) -> None:
        self.do(what, seed)

    @invariant()
    def nothing_open_is_forgotten(self) -> None:
        still = sum(book.state == "open" for book in self.comparison.log.books.values())
        assert self.loop.run_until_complete(self.ledger.health()).open_reservations == still

    def teardown(self) -> None:
        self.loop.close()


Operations.TestCase.settings = settings(
    max_examples=60, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
TestOperations = Operations.TestCase


@settings(max_examples=150, deadline=None)
@given(
    period=st.sampled_from((1_000, 60_000, 86_400_000)),
    limit=st.integers(1, 2_000),
    asked=st.lists(st.tuples(st.integers(0, 30_000_000), st.integers(1, 300)), min_size=1, max_size=150),
)
def test_no_interval_of_a_periods_length_ever_holds_more_than_the_limit(
    period: int, limit: int, asked: list[tuple[int, int]]
) -> None:
    window, now, admitted = Rolling(period), 0, []
    for wait, amount in asked:
        now += wait % (period // 3)
        window.roll(now)
        if window.used + amount <= limit:
            window.charge(now, amount, limit)
            admitted.append((now, amount))

    for begun, _ in admitted:
        assert sum(amount for at, amount in admitted if begun <= at < begun + period) <= limit
