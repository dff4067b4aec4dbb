"""The stores that every promise is tested on, all with a clock that the test sets."""

from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import fakeredis
import pytest
import redis
from fakeredis import aioredis

# For `tests.ledger.servers`: pytest itself puts no folder on the path.
sys.path.insert(0, str(Path(__file__).parents[2]))

from governance.ledger import Ledger
from governance.ledger.connection import Address
from governance.ledger.link import Wire
from governance.ledger.memory import MemoryLedger
from governance.ledger.redis import RedisLedger, prefix
from governance.ledger.scripts import Script
from governance.model.errors import LedgerUnavailable
from tests.ledger.servers import Server, running

SET_CLOCK = (Path(__file__).parent / "set_clock.lua").read_text()
STORES = ("memory", "fakeredis", "redis")


class Clock:
    """Unix seconds, standing still until the test moves them."""

    def __init__(self, now: float, tell: Callable[[int], object] = lambda us: None) -> None:
        self._tell = tell
        self.now = now

    @property
    def now(self) -> float:
        return self._now

    @now.setter
    def now(self, now: float) -> None:
        self._now = now
        self._tell(round(now * 1_000_000))

    def __call__(self) -> float:
        return self._now


class FakeLink:
    """Scripts on fakeredis."""

    kind = "fake"
    connected = 0

    def __init__(self, client: Any) -> None:
        self._client = client

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        try:
            try:
                return await self._client.evalsha(script.sha.decode(), len(keys), *keys, *args)
            except redis.exceptions.NoScriptError:
                return await self._client.eval(script.text, len(keys), *keys, *args)
        except redis.RedisError as error:
            raise LedgerUnavailable(str(error)) from error

    async def close(self) -> None:
        await self._client.aclose()


class At:
    """The directory of one server on loopback."""

    kind = "redis"

    def __init__(self, port: int) -> None:
        self._port = port

    async def find(self, key: str, timeout_s: float) -> Address:
        return Address("127.0.0.1", self._port)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


Make = Callable[[float], Awaitable[tuple[Ledger, Clock]]]


@pytest.fixture
async def make(store: str, request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    """Builds an empty ledger whose clock stands at the given time."""
    opened: list[Ledger] = []

    async def build(now: float) -> tuple[Ledger, Clock]:
        ledger: Ledger
        realm = uuid.uuid4().hex
        key = prefix(realm) + "clock"
        if store == "memory":
            clock = Clock(now)
            ledger = MemoryLedger(clock)
        elif store == "fakeredis":
            fake = fakeredis.FakeServer()
            clock = Clock(now, lambda us: fakeredis.FakeRedis(server=fake).set(key, us))
            ledger = RedisLedger(
                FakeLink(aioredis.FakeRedis(server=fake, max_connections=2_000)), realm, clock_lua=SET_CLOCK
            )
        else:
            server: Server = request.getfixturevalue("redis_server")
            client = server.client()
            clock = Clock(now, lambda us: client.set(key, us))
            # Promises, not speed: a busy machine must not fail them.
            ledger = RedisLedger(Wire(At(server.port), key, timeout_s=30), realm, clock_lua=SET_CLOCK)
        opened.append(ledger)
        return ledger, clock

    yield build
    for ledger in opened:
        await ledger.close()


@pytest.fixture
async def clocked(make: Make) -> tuple[Ledger, Clock]:
    return await make(1_767_225_600.0)  # 2026-01-01T00:00:00Z, a Thursday


@pytest.fixture
def ledger(clocked: tuple[Ledger, Clock]) -> Ledger:
    return clocked[0]


@pytest.fixture
def clock(clocked: tuple[Ledger, Clock]) -> Clock:
    return clocked[1]
