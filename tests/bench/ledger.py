"""What the ledger costs, as ratios of runs side by side: `python -m tests.bench.ledger` (needs redis-server).

Compares our scripts and client with a fixed-window script and with bare redis-py in turns, because two runs at
different times differ more than what is compared. CPU is of the process (client) and of redis-server (INFO cpu).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any

import redis
import redis.asyncio

from governance.ledger import Option, open_ledger
from governance.ledger.address import directory
from governance.ledger.link import Wire
from governance.ledger.memory import MemoryLedger
from governance.ledger.redis import RedisLedger, prefix
from governance.ledger.scripts import Script, script
from governance.model import Charge, Window
from tests.ledger.servers import Server, running

PERIODS = (("requests", 60), ("requests", 86_400), ("tokens", 60), ("tokens", 86_400), ("usd_micros", "month"))
AMOUNTS = {"requests": 1, "tokens": 1_500, "usd_micros": 900}
FIXED = (Path(__file__).parent / "fixed.lua").read_bytes()
ROUNDS = 7


def charges(subject: str) -> list[Charge]:
    """Five windows of one subject: requests and tokens a minute and a day, money a month."""
    return [Charge(Window("limit", subject, unit, 10**12, period), AMOUNTS[unit]) for unit, period in PERIODS]  # type: ignore[arg-type]


def case(targets: int, subjects: int) -> tuple[list[Charge], list[Option]]:
    shared = [charge for i in range(subjects) for charge in charges(f"virtual_key:{i}")]
    return shared, [Option(f"provider/model-{i}", charges(f"target:provider/model-{i}")) for i in range(targets)]


class Captured:
    """A link that notes what one call sends, so that others can send the same."""

    kind = "redis"
    connected = 0

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.calls: list[tuple[Script, list[str], list[Any]]] = []

    async def run(self, called: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        self.calls.append((called, list(keys), list(args)))
        return await self._wire.run(called, keys, args)

    async def close(self) -> None:
        await self._wire.close()


async def many(call: Callable[[int], Awaitable[Any]], n: int, in_flight: int) -> tuple[float, float]:
    """Wall and client CPU in microseconds per call."""
    numbers = iter(range(n))

    async def worker() -> None:
        for i in numbers:
            await call(i)

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return (time.perf_counter() - wall) / n * 1e6, (time.process_time() - cpu) / n * 1e6


def server_cpu_us(admin: redis.Redis) -> float:
    told = admin.info("cpu")
    return float(told["used_cpu_user"] + told["used_cpu_sys"]) * 1e6


async def captured_call(server: Server, shared: list[Charge], options: list[Option]) -> tuple[list[str], list[Any]]:
    link = Captured(Wire(directory(server.url), prefix("bench"), 10))
    await RedisLedger(link, "bench").reserve(shared, options, reservation_id="captured", deadline_s=60)
    await link.close()
    _, keys, args = link.calls[0]
    return keys, args


async def server_side(server: Server, targets: int, subjects: int, n: int) -> dict[str, float]:
    """Server CPU per reserve: ours, and the fixed-window script with the same arguments and keys of its own."""
    admin = server.client()
    wire = Wire(directory(server.url), prefix("bench"), 10)
    shared, options = case(targets, subjects)
    keys, args = await captured_call(server, shared, options)
    ours, fixed = script("reserve"), Script(sha1(FIXED).hexdigest().encode(), FIXED)
    due = keys[1]
    ids = iter(range(time.time_ns() % 10**9 * 1000, 10**12))  # never one that the server remembers
    cost: dict[str, list[float]] = {"ours": [], "fixed": []}
    for _ in range(ROUNDS):
        for name, what in (("ours", ours), ("fixed", fixed)):
            own = [key.replace("bench", "bench-" + name) for key in keys]

            async def call(i: int, what: Script = what, own: list[str] = own) -> None:
                record = f"{own[0][:-12]}{next(ids):012d}"
                await wire.run(what, [record, *own[1:]], [record[-22:], *args[1:]])

            before = server_cpu_us(admin)
            await many(call, n, 16)
            cost[name].append((server_cpu_us(admin) - before) / n)
            admin.delete(due.replace("bench", "bench-" + name))
    await wire.close()
    return {name: statistics.median(costs) for name, costs in cost.items()}


async def client_side(server: Server, in_flight: int, n: int) -> dict[str, dict[str, float]]:
    """Wall and client CPU of a reserve, against redis-py's EVALSHA of the same script with the same arguments."""
    shared, options = case(3, 3)
    keys, args = await captured_call(server, shared, options)
    sha = script("reserve").sha.decode()
    bare = redis.asyncio.Redis.from_url(server.url, max_connections=256)
    ledger = open_ledger(server.url, realm="bench", timeout_s=10)
    ids = iter(range(10**9))

    async def ours(_: int) -> None:
        await ledger.reserve(shared, options, reservation_id=f"{in_flight}-{next(ids)}", deadline_s=60)

    async def theirs(_: int) -> None:
        name = f"{in_flight:04d}{next(ids):018d}"
        await bare.evalsha(sha, len(keys), keys[0][:-22] + name, *keys[1:], name, *args[1:])

    taken: dict[str, list[tuple[float, float]]] = {"ours": [], "redis-py": []}
    for _ in range(ROUNDS):
        taken["ours"].append(await many(ours, n, in_flight))
        taken["redis-py"].append(await many(theirs, n, in_flight))
    await bare.aclose()
    await ledger.close()
    return {
        name: {"wall_us": statistics.median(t[0] for t in times), "cpu_us": statistics.median(t[1] for t in times)}
        for name, times in taken.items()
    }


async def in_memory(n: int) -> float:
    """CPU microseconds per reserve of the memory ledger; each is settled, which is not counted."""
    ledger = MemoryLedger()
    shared, options = case(3, 3)
    costs = []
    for turn in range(ROUNDS * 10):
        names = [f"{turn}-{i}" for i in range(n // 10)]
        begun = time.process_time()
        for name in names:
            await ledger.reserve(shared, options, reservation_id=name, deadline_s=60)
        costs.append((time.process_time() - begun) / len(names) * 1e6)
        for name in names:
            await ledger.settle(name, {"tokens": 800})
    return statistics.median(costs)


async def bytes_per_subject(server: Server) -> dict[str, int]:
    """MEMORY USAGE of one subject's five windows: just begun, and busy for a whole period (by a clock that is set)."""
    clock_lua = (Path(__file__).parents[1] / "ledger" / "set_clock.lua").read_text()
    admin = server.client()
    found = {}
    for name, minutes in (("begun", 0), ("busy", 26 * 60)):
        realm = f"bytes-{name}"
        ledger = RedisLedger(Wire(directory(server.url), prefix(realm), 10), realm, clock_lua=clock_lua)
        limits = {60: 60, 86_400: 60 * 60 * 24, "month": 10**9}
        wanted = [
            Charge(Window("limit", "team:x", unit, limits[period] * AMOUNTS[unit], period), AMOUNTS[unit])  # type: ignore[index, arg-type]
            for unit, period in PERIODS
        ]
        now_us = 1_767_225_600_000_000
        largest = 0
        for minute in range(minutes + 1):
            # The last minutes second by second, so that the minute windows are full too.
            step = 60 if minutes and minute >= minutes - 2 else 1
            for i in range(step):
                admin.set(prefix(realm) + "clock", now_us + minute * 60_000_000 + i * 60_000_000 // step)
                id_ = f"{minute}-{i}"
                await ledger.reserve(wanted, (), reservation_id=id_, deadline_s=600)
                await ledger.settle(id_, {"tokens": 1_391, "usd_micros": 845})
        for key in admin.scan_iter(prefix(realm) + "w:*"):
            largest = max(largest, int(admin.memory_usage(key) or 0))
        found[name] = largest
        await ledger.close()
    return found


async def measure(n: int) -> dict[str, Any]:
    with running() as server:
        result: dict[str, Any] = {"memory_us": await in_memory(n), "bytes": await bytes_per_subject(server)}
        result["server_us"] = await server_side(server, 3, 3, n)
        result["client"] = {flight: await client_side(server, flight, n) for flight in (1, 16, 128)}
        result["table"] = {
            (targets, subjects): (await server_side(server, targets, subjects, max(200, n // 5)))["ours"]
            for targets in (1, 2, 3, 5, 8)
            for subjects in (1, 2, 3, 6)
        }
    return result


def report(result: dict[str, Any]) -> None:
    server, sixteen = result["server_us"], result["client"][16]
    print(f"memory ledger, 3 targets + 3 subjects x 5 windows: {result['memory_us']:.1f} us CPU (to reach: 40)")
    print(f"bytes per subject with 5 windows: {result['bytes']} (to reach: under 1,024)")
    print(
        f"server CPU per reserve: ours {server['ours']:.0f} us, fixed windows {server['fixed']:.0f} us, "
        f"ratio {server['ours'] / server['fixed']:.2f} (to reach: 1.5); "
        f"{1e6 / server['ours']:,.0f} reservations per second on one core"
    )
    ratio = sixteen["ours"]["cpu_us"] / sixteen["redis-py"]["cpu_us"]
    print(f"client CPU at 16 in flight: ratio {ratio:.2f} (to reach: 1.3)")
    for flight, sides in result["client"].items():
        for name, cost in sides.items():
            wall_us, cpu_us = cost["wall_us"], cost["cpu_us"]
            print(f"  {flight:>3} in flight, {name:>8}: {wall_us:6.0f} us wall, {cpu_us:6.1f} us client CPU")
    print("server CPU in us by targets (down) and shared subjects (across), 5 windows each")
    subjects = sorted({pair[1] for pair in result["table"]})
    print("     " + "".join(f"{count:>7}" for count in subjects))
    for targets in sorted({pair[0] for pair in result["table"]}):
        print(f"{targets:>5}" + "".join(f"{result['table'][targets, count]:7.0f}" for count in subjects))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000, help="calls of each kind in each round")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    asked = parser.parse_args()
    result = asyncio.run(measure(asked.calls))
    if asked.json:
        result["table"] = [{"targets": t, "subjects": s, "server_us": us} for (t, s), us in result["table"].items()]
        print(json.dumps(result))
    else:
        report(result)


if __name__ == "__main__":
    main()
