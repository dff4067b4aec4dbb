"""Requests in blocks over several proxies, in shuffled order, so that what else the machine does hits all alike."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import platform
import random
import statistics
import struct
import time
from pathlib import Path
from typing import Any, NamedTuple

import redis

from tests.bench.proxy.proxies import MASTER, Running

PROMPT = "Say hello to the team and tell them about the weather today in two sentences."
# Work after the answer (settling, logging) belongs to it; governance lets what it tells of requests wait for 0.1 s.
SETTLED_WITHIN_S = 0.15
_FEWEST_BLOCKS = 3
_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}.get(platform.machine())


class Case(NamedTuple):
    """What is asked: of a priced model or not, streamed or not, how many requests at once."""

    priced: bool = True
    streamed: bool = False
    in_flight: int = 1

    def __str__(self) -> str:
        words = ("priced" if self.priced else "unpriced", "streamed" if self.streamed else "plain")
        return f"{', '.join(words)}, {self.in_flight} in flight"


class Block(NamedTuple):
    """What a block of requests took, per request. `instructions`: None where the machine does not count them."""

    cpu_us: float
    instructions: float | None
    redis_us: float
    redis_trips: float


class Client:
    """Keeps its connections to one proxy, and the latencies of its requests."""

    def __init__(self, proxy: Running) -> None:
        self.proxy = proxy
        self.took_s: list[float] = []
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, case: Case) -> None:
        body: dict[str, Any] = {"model": f"{self.proxy.model}/{'priced' if case.priced else 'unpriced'}"}
        body |= {"messages": [{"role": "user", "content": PROMPT}], "max_tokens": 50}
        began = time.perf_counter()
        await self.post("/v1/chat/completions", body | ({"stream": True} if case.streamed else {}))
        self.took_s.append(time.perf_counter() - began)

    async def post(self, path: str, body: Any = None) -> Any:
        """The body of the answer, from JSON; raises SystemExit where it is none of success."""
        sent = json.dumps(body or {}).encode()
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {MASTER}\r\nx-tier: gold\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(sent)}\r\n\r\n"
        pair = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self.proxy.port)
        try:
            pair[1].write(head.encode() + sent)
            status, text = await _answer(pair[0])
        except (asyncio.IncompleteReadError, ConnectionError):
            pair[1].close()  # the proxy has ended a connection that was idle for long
            return await self.post(path, body)
        self._idle.append(pair)
        if status != 200:
            raise SystemExit(f"{self.proxy.name}: {status} {text[:300]!r}")
        return json.loads(text) if text[:1] == b"{" else None

    async def block(self, case: Case, requests: int) -> None:
        queue = iter(range(requests))

        async def worker() -> None:
            for _ in queue:
                await self.ask(case)

        await asyncio.gather(*(worker() for _ in range(case.in_flight)))


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(None, 2)[1])
    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if b"content-length" in fields:
        return status, await reader.readexactly(int(fields[b"content-length"]))
    text = b""
    while size := int((await reader.readline()).strip() or b"0", 16):
        text += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return status, text


class Meter:
    """CPU of one process, by the scheduler's own count, and instructions where they are counted."""

    def __init__(self, proxy: Running) -> None:
        self._pid = proxy.pid
        self._tasks = Path(f"/proc/{proxy.pid}/task")
        self._status = Path(f"/proc/{proxy.pid}/status")
        self._redis = redis.Redis.from_url(proxy.redis) if proxy.redis else None
        self._counting: dict[str, int] = {}

    def rss_mb(self) -> float:
        return int(self._status.read_text().split("VmRSS:")[1].split()[0]) / 1024

    def read(self) -> tuple[float, float, float, float]:
        instructions = 0.0
        for task in self._tasks.iterdir():
            if task.name not in self._counting:
                self._counting[task.name] = _instruction_counter(int(task.name))
        for counter in self._counting.values():
            instructions += struct.unpack("q", os.read(counter, 8))[0] if counter >= 0 else 0
        # The clock of a process (clock_getcpuclockid), with the threads that have ended meanwhile.
        cpu_us = time.clock_gettime_ns(~self._pid << 3 | 2) / 1000
        if self._redis is None:
            return cpu_us, instructions, 0.0, 0.0
        cpu: Any = self._redis.info("cpu")
        trips: Any = self._redis.info("stats")
        used_us = (cpu["used_cpu_user"] + cpu["used_cpu_sys"]) * 1e6
        return cpu_us, instructions, used_us, trips["total_reads_processed"]


def _instruction_counter(thread: int) -> int:
    """A file that counts a thread's instructions in user mode; -1 where the machine has no such."""
    if _PERF_EVENT_OPEN is None:
        return -1
    # struct perf_event_attr: type HARDWARE, its size, config INSTRUCTIONS, …, flags exclude_kernel and exclude_hv.
    asked = struct.pack("IIQQQQQ", 0, 112, 1, 0, 0, 0, 1 << 5 | 1 << 6).ljust(112, b"\0")
    return int(ctypes.CDLL(None).syscall(_PERF_EVENT_OPEN, asked, thread, -1, -1, 0))


async def measured(
    clients: list[Client], case: Case, blocks: int, requests: int, within_s: float = float("inf")
) -> list[list[Block]]:
    """Blocks of each client, in the order of the clients: as many of each, at least three, and no more when it has
    taken `within_s`.
    """
    meters = [Meter(client.proxy) for client in clients]
    found: list[list[Block]] = [[] for _ in clients]
    for client in clients:
        await client.block(case, 3 * requests)
        client.took_s.clear()
    began_s = time.monotonic()
    for turn in range(blocks):
        if turn >= _FEWEST_BLOCKS and time.monotonic() - began_s > within_s:
            break
        for which in random.sample(range(len(clients)), len(clients)):
            await clients[which].block(case, case.in_flight)
            await asyncio.sleep(SETTLED_WITHIN_S)
            before = meters[which].read()
            await clients[which].block(case, requests)
            await asyncio.sleep(SETTLED_WITHIN_S)
            cpu, instructions, redis_us, trips = (
                (now - then) / requests for now, then in zip(meters[which].read(), before, strict=True)
            )
            found[which].append(Block(cpu, instructions or None, redis_us, trips))
    return found


def ratio(blocks: list[Block], base: list[Block]) -> tuple[float, float, float]:
    """Median and mean of what a block takes of the base's in the same turn, and the standard error of the median."""
    found = [block.cpu_us / other.cpu_us for block, other in zip(blocks, base, strict=True)]
    return statistics.median(found), statistics.mean(found), 1.2533 * statistics.stdev(found) / len(found) ** 0.5


def percentile_ms(took_s: list[float], percent: float) -> float:
    ordered = sorted(took_s)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000
