"""The random operations of tests/ledger/exact.py, as many as one likes: `python -m tests.bench.operations 10000000`.

Compares the memory ledger with the exact log, and with `--redis` a redis-server too. With `--jumps` the clock jumps,
and each ledger is held against the oracle of tests/ledger/jumping.py. Ends with the first violation.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from governance.ledger import Ledger
from governance.ledger.address import directory
from governance.ledger.link import Wire
from governance.ledger.memory import MemoryLedger
from governance.ledger.redis import RedisLedger, prefix
from tests.ledger.exact import Comparison
from tests.ledger.jumping import Jumping
from tests.ledger.servers import running

SET_CLOCK = (Path(__file__).parents[1] / "ledger" / "set_clock.lua").read_text()
AT_ONCE = 50_000  # then begin anew with the next seed


async def run(operations: int, with_redis: bool, seed: int, jumps: bool = False) -> None:
    begun, done = time.monotonic(), 0
    with ExitStack() as stack:
        server = stack.enter_context(running()) if with_redis else None
        while done < operations:
            now = [0.0]
            ledgers: list[Ledger] = [MemoryLedger(lambda now=now: now[0])]  # type: ignore[misc]
            tell: Callable[[float], object] = lambda now_s: None  # noqa: E731
            if server is not None:
                key, client = prefix(str(seed)) + "clock", server.client()
                client.flushall()
                ledgers.append(RedisLedger(Wire(directory(server.url), key, 30), str(seed), clock_lua=SET_CLOCK))
                tell = lambda now_s, key=key, client=client: client.set(key, round(now_s * 1e6))  # type: ignore[misc]  # noqa: E731

            def set_clock(now_s: float, now: list[float] = now, tell: Callable[[float], object] = tell) -> None:
                now[0] = now_s
                tell(now_s)

            most = min(AT_ONCE, operations - done)
            for each in ledgers if jumps else ():
                comparison = Jumping(each, set_clock, seed)
                while comparison.operations < most:
                    await comparison.step()
            if not jumps:
                both = Comparison(ledgers, set_clock, seed)
                while both.operations < most:
                    await both.step()
            done += most
            for ledger in ledgers:
                await ledger.close()
            print(f"seed {seed}: {done:,} operations in {time.monotonic() - begun:.0f} s, no violation", flush=True)
            seed += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("operations", type=int)
    parser.add_argument("--redis", action="store_true", help="compare with a redis-server too")
    parser.add_argument("--jumps", action="store_true", help="under a clock that jumps")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    asyncio.run(run(asked.operations, asked.redis, asked.seed, asked.jumps))


if __name__ == "__main__":
    main()
