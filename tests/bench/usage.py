"""What it costs to look at windows when 50,000 exist: one page, one subject, and the survey behind them.

    python -m tests.bench.usage

Redis real, over loopback. `stall`: the longest that the event loop of who asks stood still; `held`: the longest
call on Redis.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from governance.engine.host import Host
from governance.ledger.link import Wire
from governance.ledger.listing import Listing
from governance.ledger.redis import RedisLedger, prefix
from governance.model import Charge, Window
from governance.usecases.survey import survey
from governance.usecases.usage import Usage, usage
from tests.ledger.conftest import At
from tests.ledger.servers import running

WINDOWS = 50_000
_TIMES = 9


class Worker:
    """What use cases ask of an engine."""

    def __init__(self, ledger: RedisLedger) -> None:
        self.ledger = ledger
        self.host = Host.parse("version: 1")


class Stalls:
    """How long the loop stands still at most, while something runs."""

    def __init__(self) -> None:
        self.most_ms = 0.0

    async def __aenter__(self) -> Stalls:
        self._task = asyncio.create_task(self._look())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _look(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            self.most_ms = max(self.most_ms, (time.perf_counter() - began) * 1000 - 1)


def windows() -> list[Window]:
    """One of each user by the month, in one limit; of each hundredth three more."""
    found = [Window("every user", f"user:u{i}", "usd_micros", 1_000, "month") for i in range(WINDOWS - 1_500)]
    for i in range(500):
        subject = f"user:u{i * 97}"
        found += [Window("a minute", subject, unit, 100, 60) for unit in ("requests", "tokens")]  # type: ignore[arg-type]
        found.append(Window("slots", subject, "concurrent", 10, None))
    return found


async def fill(ledger: RedisLedger, made: list[Window]) -> None:
    """Something counted in each."""
    await ledger.announce(made)
    for begin in range(0, len(made), 100):
        some = [each for each in made[begin : begin + 100] if each.period is not None]
        charges = [Charge(each, (begin + i) % each.amount) for i, each in enumerate(some)]
        await ledger.reserve(charges, (), reservation_id=f"fill {begin}", deadline_s=120)
        await ledger.settle(f"fill {begin}", {})


async def timed(name: str, client: Any, ask: Callable[[], Awaitable[Usage | int]], times: int = _TIMES) -> None:
    """Print the median, the worst stall and the longest call."""
    took: list[float] = []
    client.slowlog_reset()
    async with Stalls() as stalls:
        for _ in range(times):
            began = time.perf_counter()
            await ask()
            took.append((time.perf_counter() - began) * 1000)
    held = max((each["duration"] for each in client.slowlog_get(10_000)), default=0) / 1000
    print(f"{name:<34} {sorted(took)[len(took) // 2]:9.1f} ms   stall {stalls.most_ms:6.1f} ms   held {held:5.1f} ms")


async def main() -> None:
    """All of it."""
    with running() as server:
        client = server.client()
        client.config_set("slowlog-log-slower-than", 200)
        client.config_set("slowlog-max-len", 10_000)
        ledger = RedisLedger(Wire(At(server.port), prefix("bench"), timeout_s=30), "bench")
        worker: Any = Worker(ledger)
        made = windows()
        before = client.info("memory")["used_memory"]
        began = time.perf_counter()
        await fill(ledger, made)
        print(f"{len(made):,} windows counted and announced in {time.perf_counter() - began:.0f} s")
        await timed("survey, without its pauses", client, lambda: survey(worker, pause_s=0), 2)

        async def page(of: Listing, cursor: str | None = None) -> Usage:
            return await usage(worker, time.time, of, cursor, 50)

        first = await page(Listing())
        middle = f"{1e12 + 500}~{'a' * 28}"
        await timed("first page", client, lambda: page(Listing()))
        await timed("a page in the middle", client, lambda: page(Listing(), middle))
        await timed("first page of one limit", client, lambda: page(Listing(limit="every user")))
        await timed("one subject", client, lambda: page(Listing(subject="user:u97")))
        await timed("one subject of one limit", client, lambda: page(Listing("every user", "user:u97")))
        assert first.total == len(made)
        await ledger.close()
        print(f"{(client.info('memory')['used_memory'] - before) / len(made):.0f} bytes for each, with its count")


if __name__ == "__main__":
    asyncio.run(main())
