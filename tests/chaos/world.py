"""Two proxies of two workers each, a wire for each worker, and one Redis that they share."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from governance.ledger.redis import prefix
from tests.chaos.wire import Wire
from tests.ledger.servers import Server

ROOT: Final = Path(__file__).resolve().parents[2]
PROXIES: Final = 2
WORKERS: Final = 2
_LONGEST_LINE: Final = 1 << 24


class Worker:
    """A process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> Worker:
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.chaos.worker"), stdin=pipe, stdout=pipe, cwd=ROOT, limit=_LONGEST_LINE
            )
        )

    def tell(self, told: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told).encode() + b"\n")

    async def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker has ended with {await self._process.wait()}")
        return json.loads(line)  # type: ignore[no-any-return]

    async def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


class World:
    """Everything that a fault can be done to."""

    def __init__(self) -> None:
        self.redis = Server(appendonly="yes")
        self.wires = [Wire(self.redis.port) for _ in range(PROXIES * WORKERS)]
        self.workers: list[Worker] = []
        self.realm = ""
        self._gone: list[Server] = []

    async def begin(self) -> None:
        for wire in self.wires:
            await wire.open()
        self.workers = list(await asyncio.gather(*(Worker.start() for _ in self.wires)))

    async def end(self) -> None:
        for worker in self.workers:
            await worker.end()
        for wire in self.wires:
            await wire.close()
        for server in (self.redis, *self._gone):
            server.remove()

    def replace(self, other: Server) -> None:
        """Another Redis from now on."""
        self._gone.append(self.redis)
        self.redis = other

    def jump(self, offset_ms: int) -> None:
        """The clock of the ledger in use shows so much more from now on."""
        self.redis.client().set(prefix(self.realm) + "offset", offset_ms)


@contextlib.asynccontextmanager
async def a_world() -> AsyncIterator[World]:
    world = World()
    try:
        await world.begin()
        yield world
    finally:
        await world.end()
