"""How long an event loop stands still while something runs, told apart from what else the machine does."""

from __future__ import annotations

import asyncio
import time


class Stalls:
    """Looks every millisecond.

    Attributes:
        most_ms: the longest wait of the loop by the clock; on a machine that is busy elsewhere mostly not ours.
        own_ms: the most CPU that this process took between two looks. A loop stands still because a thread of its own
            process does not let go of the interpreter, so this is what a wait would be on a machine of its own.
    """

    def __init__(self) -> None:
        self.most_ms = self.own_ms = 0.0

    async def __aenter__(self) -> Stalls:
        self._task = asyncio.create_task(self._look())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _look(self) -> None:
        while True:
            began, own = time.perf_counter(), time.process_time()
            await asyncio.sleep(0.001)
            self.most_ms = max(self.most_ms, (time.perf_counter() - began) * 1000 - 1)
            self.own_ms = max(self.own_ms, (time.process_time() - own) * 1000)
