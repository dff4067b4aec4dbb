"""More clients at once than this machine can serve, before a Redis that is well: `python -m tests.chaos.crowd`.

Eight processes of 200 clients ask for a limit of 10,000, each with the defaults of a policy. Whoever is refused because
Redis "did not answer" was refused because of a queue in its own process: none may be.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from typing import Any, Final, NamedTuple

from governance.ledger.address import OneServer
from governance.ledger.guard import Guarded
from governance.ledger.link import Wire
from governance.ledger.redis import RedisLedger, prefix
from governance.model import Charge, Window
from tests.chaos.world import ROOT
from tests.ledger.servers import running

PROCESSES: Final = 8
CLIENTS: Final = 200
TRIES: Final = 8  # of each client: 12,800 in all, and 10,000 have room
LIMIT: Final = Window("crowd", "team:crowd", "requests", 10_000, 3_600)
_REALM: Final = "crowd"


class Crowd(NamedTuple):
    """What became of all requests: those served, refused because it was full, and because Redis seemed away.

    Args:
        longest_s: that one of them waited.
        counted: what the ledger has.
    """

    served: int
    full: int
    away: int
    longest_s: float
    counted: int

    @property
    def well(self) -> bool:
        return self.away == 0 and self.served == self.counted == LIMIT.amount


async def crowd(processes: int = PROCESSES) -> Crowd:
    """All of them at once."""
    with running() as server:
        started = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.chaos.crowd", "--process", server.url),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                cwd=ROOT,
            )
            for _ in range(processes)
        ]
        for process in started:
            assert process.stdout is not None
            await process.stdout.readline()
        told = [json.loads(out) for out, _ in await asyncio.gather(*(each.communicate(b"go\n") for each in started))]
        ledger = _opened(server.url)
        counted = (await ledger.read([LIMIT]))[0].used
        await ledger.close()
    served, full, away = (sum(each.get(name, 0) for each in told) for name in ("served", "full", "away"))
    return Crowd(served, full, away, max(each["longest_s"] for each in told), counted)


def _opened(url: str) -> Guarded:
    return Guarded(RedisLedger(Wire(OneServer(url), prefix(_REALM)), _REALM), "refuse")


async def _process(url: str) -> None:
    ledger = _opened(url)
    became: Counter[str] = Counter()
    longest_s = 0.0

    async def client(number: int) -> None:
        nonlocal longest_s
        for again in range(TRIES):
            name = f"{os.getpid()}-{number}-{again}"
            began = time.monotonic()
            answer = await ledger.reserve([Charge(LIMIT, 1)], (), reservation_id=name, deadline_s=600)
            longest_s = max(longest_s, time.monotonic() - began)
            became["served" if answer.granted else "full" if answer.available else "away"] += 1

    await ledger.health()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    told: dict[str, Any] = {**became, "longest_s": longest_s}
    print(json.dumps(told), flush=True)
    await ledger.close()


def table(of: Crowd) -> str:
    names = "served", "full", "away", "longest wait, ms", "counted"
    figures = f"{of.served:,}", f"{of.full:,}", f"{of.away:,}", f"{of.longest_s * 1000:,.0f}", f"{of.counted:,}"
    return "\n".join(f"| {' | '.join(line)} |" for line in (names, ["---"] * len(names), figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--process", metavar="URL", help="be one of the processes")
    asked = parser.parse_args()
    if asked.process:
        asyncio.run(_process(asked.process))
        return
    found = asyncio.run(crowd())
    print(table(found))
    sys.exit(not found.well)


if __name__ == "__main__":
    main()
