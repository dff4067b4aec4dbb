"""One fault in one mode: load, the fault, load, and what is counted when everything is well again."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

from tests.chaos.faults import Fault
from tests.chaos.oracle import Outcome, outcome
from tests.chaos.worker import MONEY, WIDE, opened
from tests.chaos.world import World
from tests.patience import tries

MODES: Final = ("refuse", "allow", "share")
_RATE: Final = 40.0  # requests a second of each worker, half of them of each window
_BEFORE_S: Final = 1.2
_AFTER_S: Final = 2.5
_LONGEST_FAULT_S: Final = 3.0


async def run(world: World, fault: Fault, mode: str, spool: Path | None) -> Outcome:
    """What came of it."""
    world.realm = f"{fault.name}-{mode}-{time.monotonic_ns()}".replace(" ", "_").replace(",", "")[-60:]
    for i, (worker, wire) in enumerate(zip(world.workers, world.wires, strict=True)):
        worker.tell(
            {
                "url": f"redis://127.0.0.1:{wire.port}/0",
                "realm": world.realm,
                "mode": mode,
                "name": f"worker {i}",
                "workers": len(world.workers),
                "rate": _RATE,
                "seconds": _BEFORE_S + _LONGEST_FAULT_S + _AFTER_S,
                "spool": str(spool) if spool else "",
            }
        )
    await asyncio.gather(*(worker.hear() for worker in world.workers))
    for worker in world.workers:
        worker.tell("go")
    await asyncio.sleep(_BEFORE_S)
    began = time.monotonic()
    await fault.does(world)
    ended = time.monotonic()
    requests = [each for told in await _heard(world) for each in told["requests"]]
    for worker in world.workers:
        worker.tell("pay")
    paid = await _heard(world)
    return outcome(fault, mode, requests, began, ended, await _counted(world), paid)


async def _heard(world: World) -> list[dict]:  # type: ignore[type-arg]
    return list(await asyncio.gather(*(worker.hear() for worker in world.workers)))


async def _counted(world: World) -> tuple[int, int]:
    """Money and requests that the ledger has, seen by somebody who was not there."""
    ledger = opened(world.redis.url, world.realm, "refuse")
    for _ in tries():
        if (await ledger.health()).reachable:
            break
        await asyncio.sleep(0.05)
    money, requests = await ledger.read([MONEY, WIDE])
    await ledger.close()
    return money.used, requests.used
