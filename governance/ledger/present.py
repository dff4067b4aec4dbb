"""How many workers count in a ledger: each announces itself again and again, and hears how many have."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from governance.ledger import Health

EVERY_S: Final = 3.0
_FORGOTTEN_S: Final = 15.0


class Announces(Protocol):
    """A ledger whose `health` announces who asks."""

    def work_as(self, worker: str) -> None: ...

    async def health(self) -> Health: ...


class Present:
    """One worker's announcing, from its first request on.

    Args:
        found: called each time that the ledger has answered.
        clock: seconds, monotonic.
    """

    def __init__(
        self, ledger: Announces, found: Callable[[], Awaitable[None]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger, self._found, self._clock = ledger, found, clock
        self._task: asyncio.Task[None] | None = None
        self._told: list[tuple[float, int]] = []

    @property
    def known(self) -> int | None:
        """The most workers that were there lately; None where nobody has said it."""
        return max((workers for _, workers in self._told), default=None)

    @property
    def workers(self) -> int:
        return self.known or 1

    def begin(self) -> None:
        """Does nothing when it is under way."""
        if self._task is None:
            self._ledger.work_as(uuid.uuid4().hex)
            self._task = asyncio.get_running_loop().create_task(self._again_and_again())

    def end(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def heard(self, workers: int | None) -> None:
        """So many are there now. A ledger that has begun empty does not know all of them yet."""
        if workers is None:
            return
        now = self._clock()
        self._told = [each for each in self._told if now - each[0] < _FORGOTTEN_S][-16:]
        self._told.append((now, workers))

    async def _again_and_again(self) -> None:
        while True:
            health = await self._ledger.health()
            if health.reachable:
                self.heard(health.workers)
                await self._found()
            await asyncio.sleep(EVERY_S)
