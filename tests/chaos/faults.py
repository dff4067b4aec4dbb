"""What can go wrong with a ledger, each as something that is done to a world and undone again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from tests.chaos.world import World
from tests.ledger.servers import Server


class Fault(NamedTuple):
    """One fault.

    Args:
        does: goes wrong, lasts, and ends.
        forgets: Redis has lost what it had counted, so that a limit can be used once more.
        lasts_s: as far as requests can tell; 0 = they need not notice.
    """

    name: str
    does: Callable[[World], Awaitable[None]]
    lasts_s: float
    forgets: bool = False


async def _kill(world: World) -> None:
    world.redis.kill()
    await asyncio.sleep(2.5)
    await asyncio.to_thread(world.redis.restart)


async def _restart(world: World) -> None:
    world.redis.process.terminate()
    await asyncio.to_thread(world.redis.process.wait)
    await asyncio.to_thread(world.redis.restart)


async def _hang(world: World) -> None:
    await _paused(world, 2.5)


async def _pause(world: World) -> None:
    await _paused(world, 0.3)


async def _paused(world: World, seconds: float) -> None:
    world.redis.pause()
    await asyncio.sleep(seconds)
    world.redis.resume()


async def _latency(world: World) -> None:
    for wire in world.wires:
        wire.delay_s = 0.2
    await asyncio.sleep(2.5)
    for wire in world.wires:
        wire.delay_s = 0.0


async def _spikes(world: World) -> None:
    for _ in range(5):
        await _paused(world, 0.15)
        await asyncio.sleep(0.35)


async def _replies_lost(world: World) -> None:
    for wire in world.wires:
        wire.deaf = True
    await asyncio.sleep(2.5)
    for wire in world.wires:
        wire.deaf = False
        wire.cut()


async def _cut(world: World) -> None:
    for _ in range(12):
        for wire in world.wires:
            wire.cut()
        await asyncio.sleep(0.2)


async def _failover(world: World) -> None:
    other = await asyncio.to_thread(Server, appendonly="yes")
    world.redis.pause()
    await asyncio.sleep(0.5)
    for wire in world.wires:
        wire.lead_to(other.port)
    world.replace(other)


async def _flushed(world: World) -> None:
    world.redis.client().flushall()


async def _memory_full(world: World) -> None:
    world.redis.client().config_set("maxmemory", "1")
    await asyncio.sleep(2.5)
    world.redis.client().config_set("maxmemory", "0")


async def _clock(world: World) -> None:
    for offset_ms in (6_000, 0, -6_000, 0):
        world.jump(offset_ms)
        await asyncio.sleep(0.6)


async def _partition(world: World) -> None:
    world.wires[0].hold()
    await asyncio.sleep(2.5)
    world.wires[0].let_go()


FAULTS: Final = (
    Fault("killed for 2.5 s, with a log", _kill, 2.5),
    Fault("restarted", _restart, 0.3),
    Fault("hangs for 2.5 s", _hang, 2.5),
    Fault("pauses for 300 ms", _pause, 0.3),
    Fault("200 ms later, for 2.5 s", _latency, 0.0),
    Fault("five pauses of 150 ms", _spikes, 0.0),
    Fault("replies are lost for 2.5 s", _replies_lost, 2.5),
    Fault("connections are cut, 12 times", _cut, 0.0),
    Fault("fails over to an empty one", _failover, 0.5, forgets=True),
    Fault("FLUSHALL", _flushed, 0.0, forgets=True),
    Fault("memory is full for 2.5 s", _memory_full, 2.5),
    Fault("clock jumps 6 s on and back", _clock, 0.0),
    Fault("one worker is cut off for 2.5 s", _partition, 2.5),
)
SHORT: Final = ("pauses for 300 ms", "hangs for 2.5 s")
