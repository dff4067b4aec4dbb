"""What it costs to look at windows when 50,000 exist: one page, one subject, and the survey behind them.

    python -m tests.bench.usage

Redis real, over loopback. `stall`: the longest that the event loop of who asks stood still; `held`: what Redis did for
the longest question, all calls of it together, and for the survey on average for each of its calls. Both in time of the
CPU; by the clock, where waits of a busy machine are in them, behind it, there the longest single call.
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
from tests.bench.stalls import Stalls
from tests.ledger.conftest import At
from tests.ledger.servers import running

WINDOWS = 50_000
_TIMES = 9


class Worker:
    """What use cases ask of an engine."""

    def __init__(self, ledger: RedisLedger) -> None:
        self.ledger = ledger
        self.host = Host.parse("version: 1")


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


async def timed(
    name: str, client: Any, ask: Callable[[], Awaitable[Usage | int]], times: int = _TIMES, calls: int = 1
) -> None:
    """Print the median, the worst stall and the most that Redis was held.

    Args:
        calls: to divide by what Redis did, for what is no single question.
    """
    took: list[float] = []
    held_ms = 0.0
    client.slowlog_reset()
    async with Stalls() as stalls:
        for _ in range(times):
            began, before_ms = time.perf_counter(), _used_ms(client)
            await ask()
            took.append((time.perf_counter() - began) * 1000)
            held_ms = max(held_ms, (_used_ms(client) - before_ms) / calls)
    longest_ms = max((each["duration"] for each in client.slowlog_get(10_000)), default=0) / 1000
    median = sorted(took)[len(took) // 2]
    stalled = f"stall {stalls.own_ms:5.1f} ms ({stalls.most_ms:5.1f})"
    print(f"{name:<28} {median:8.1f} ms   {stalled}   held {held_ms:5.2f} ms ({longest_ms:4.1f})", flush=True)


def _used_ms(client: Any) -> float:
    """CPU of the thread of Redis that answers."""
    told = client.info("cpu")
    return 1000 * float(told["used_cpu_user_main_thread"] + told["used_cpu_sys_main_thread"])


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
        print(f"{len(made):,} windows counted and announced in {time.perf_counter() - began:.0f} s", flush=True)
        await timed("survey, without its pauses", client, lambda: survey(worker, pause_s=0), 2, WINDOWS // 12)

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
