"""What a pause of Redis costs, counted in a world whose time passes only where somebody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import hiredis
import pytest

from governance.ledger.connection import Address
from governance.ledger.link import Wire
from governance.ledger.scripts import Script
from governance.model.errors import LedgerUnavailable

SCRIPT = Script(b"0" * 40, b"return 1")
RATE = 100
REQUESTS = 600


class Redis(asyncio.Transport):
    """A connection to a server that answers at once what it is asked, and after a pause what it was asked in it."""

    def __init__(self, loop: World, protocol: Any) -> None:
        super().__init__()
        self._loop, self._protocol = loop, protocol
        self._asked = hiredis.Reader()
        self._closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._asked.feed(bytes(data))
        while command := self._asked.gets():
            answer = b"+PONG\r\n" if command == [b"PING"] else b":1\r\n"
            self._loop.call_at(max(self._loop.time() + 0.001, self._loop.paused_until), self._answer, answer)

    def abort(self) -> None:
        self._closed = True

    def _answer(self, answer: bytes) -> None:
        if not self._closed:
            self._protocol.data_received(answer)


class World(asyncio.SelectorEventLoop):
    """A loop that waits for nothing: where there is nothing to do, its clock goes on to when there is."""

    def __init__(self) -> None:
        super().__init__()
        self._now = self.paused_until = 0.0
        look: Callable[[float], Any] = self._selector.select  # type: ignore[attr-defined]

        def select(timeout: float | None) -> Any:
            self._now += timeout or 0.0
            return look(0)

        self._selector.select = select  # type: ignore[attr-defined]

    def time(self) -> float:
        return self._now

    async def create_connection(self, factory: Any, *_: Any, **__: Any) -> Any:  # type: ignore[override]
        protocol = factory()
        transport = Redis(self, protocol)
        protocol.connection_made(transport)
        return transport, protocol


class There:
    """Where it is."""

    kind = "redis"

    async def find(self, key: str, timeout_s: float) -> Address:
        return Address("127.0.0.1", 1)


async def refused(world: World, pauses_s: float) -> int:
    """Of 600 calls at 100 a second, where the server pauses after two seconds."""
    wire = Wire(There(), "key", clock=world.time)

    async def call() -> bool:
        try:
            return bool(await wire.run(SCRIPT, [], []) == 1)
        except LedgerUnavailable:
            return False

    calls = []
    for number in range(REQUESTS):
        if number == 2 * RATE:
            world.paused_until = world.time() + pauses_s
        calls.append(asyncio.ensure_future(call()))
        await asyncio.sleep(1 / RATE)
    answered = await asyncio.gather(*calls)
    await wire.close()
    return answered.count(False)


@pytest.mark.parametrize(("pauses_s", "most"), [(0.2, 0), (0.3, 45), (0.5, 60), (1.0, 110)])
def test_a_pause_costs_at_most_its_own_length_and_a_little(pauses_s: float, most: int) -> None:
    world = World()
    try:
        lost = world.run_until_complete(refused(world, pauses_s))
    finally:
        world.close()

    assert lost <= most
    assert (lost > 0) == (most > 0), "who waits longer than the time-out is refused"
