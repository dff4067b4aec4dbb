"""One worker of a proxy, without the proxy: its ledger and its requests. `python -m tests.chaos.worker`, told by stdin.

A line of JSON begins a run: `{"url", "realm", "mode", "workers", "rate", "seconds", "spool", "name"}`. It answers with
`ready` when its ledger answers, begins at `go`, and ends with a line that tells of every request what became of it.
Then it waits for `pay`, and says when it owes nothing any more.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from pathlib import Path
from typing import Any, Final

from governance.ledger import Health
from governance.ledger.address import OneServer
from governance.ledger.guard import Guarded
from governance.ledger.link import Wire
from governance.ledger.redis import RedisLedger, prefix
from governance.model import Charge, Window
from tests.patience import tries

TIGHT: Final = Window("tight", "team:tight", "requests", 200, 3_600)
WIDE: Final = Window("wide", "team:wide", "requests", 1_000_000, 3_600)
MONEY: Final = Window("money", "team:wide", "usd_micros", 10**12, "month")
CLOCK: Final = (Path(__file__).parent / "clock.lua").read_text()
RESERVED: Final = 1_000
_HOLDS_S: Final = 0.03


def opened(url: str, realm: str, mode: str, spool: Path | None = None) -> Guarded:
    """The ledger of a worker, with the defaults of a policy, and a clock that can jump."""
    link = Wire(OneServer(url), prefix(realm))
    return Guarded(RedisLedger(link, realm, clock_lua=CLOCK), mode, spool)  # type: ignore[arg-type]


async def request(ledger: Guarded, name: str, tight: bool, draw: random.Random) -> list[Any]:
    """When it began, which window, what became of it, how long that took, and how much money it used."""
    began = time.monotonic()
    charges = [Charge(TIGHT, 1)] if tight else [Charge(WIDE, 1), Charge(MONEY, RESERVED)]
    reserved = await ledger.reserve(charges, (), reservation_id=name, deadline_s=600)
    took = time.monotonic() - began
    became = "served" if reserved.granted else "full" if reserved.available else "away"
    used = 0
    if reserved.granted:
        await asyncio.sleep(_HOLDS_S)
        used = draw.randint(1, RESERVED - 1)
        await ledger.settle(name, {"usd_micros": used})
    return [began, "tight" if tight else "wide", became, took, used]


async def run(told: dict[str, Any], lines: asyncio.StreamReader) -> None:
    spool = Path(told["spool"]) if told["spool"] else None
    ledger = opened(told["url"], told["realm"], told["mode"], spool)
    draw = random.Random(told["name"])
    await ledger.reserve((), (), reservation_id=told["name"], deadline_s=5)
    for _ in tries():
        if (await ledger.health()).workers == told["workers"]:
            break
        await asyncio.sleep(0.05)
    # A first request of each kind, so that each worker has seen each window.
    first = [await request(ledger, f"{told['name']} first {tight}", tight, draw) for tight in (True, False)]
    say({"ready": True})
    await lines.readline()
    begin, calls = time.monotonic(), []
    for i in range(round(told["rate"] * told["seconds"])):
        await asyncio.sleep(max(0.0, begin + i / told["rate"] - time.monotonic()))
        calls.append(asyncio.ensure_future(request(ledger, f"{told['name']} {i}", bool(i % 2), draw)))
    say({"requests": first + await asyncio.gather(*calls)})
    await lines.readline()
    health = await _paid(ledger)
    say({"owed": health.owed, "lost": health.lost, "late": health.late, "shared": health.shared})
    await ledger.close()


async def _paid(ledger: Guarded) -> Health:
    health = await ledger.health()
    for _ in tries():
        if health.reachable and not health.owed:
            break
        await asyncio.sleep(0.05)
        health = await ledger.health()
    return health


def say(told: dict[str, Any]) -> None:
    print(json.dumps(told), flush=True)


async def main() -> None:
    lines = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        await run(json.loads(line), lines)


if __name__ == "__main__":
    asyncio.run(main())
