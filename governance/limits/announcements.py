"""Tells the ledger which windows exist, so that somebody can look at all of them.

Limits for `"*"` subjects make windows that no policy lists. This process tells each one it meets, once in a while, and
never while a request waits.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

from governance.ledger import Ledger
from governance.ledger.announced import ANNOUNCED_EVERY_S, MOST_ANNOUNCED
from governance.model import Window
from governance.model.errors import LedgerUnavailable

log = logging.getLogger("governance.limits")

GATHER_S: Final = 1.0
_PER_CALL: Final = 200
# To look for a window costs ten times as much as for the object that it is, and policies keep theirs.
_SAME_OBJECTS_S: Final = 30.0
_MOST_OBJECTS: Final = 4096


class Announcements:
    """What this process has told of, and what it has yet to tell.

    Args:
        clock: seconds that only go forward.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # By its hash: tens of thousands of windows of callers who may never come back are not worth keeping.
        self._met: dict[int, float] = {}
        self._waiting: dict[Window, None] = {}
        self._lately: dict[int, Window] = {}
        self._lately_since_s = clock()
        self._task: asyncio.Task[None] | None = None

    def note(self, windows: Iterable[Window]) -> None:
        """These windows exist. Cheap for those that were told of lately."""
        now_s, lately = self._clock(), self._lately
        if now_s - self._lately_since_s >= _SAME_OBJECTS_S or len(lately) > _MOST_OBJECTS:
            lately.clear()
            self._lately_since_s = now_s
        for each in windows:
            if id(each) in lately:
                continue
            # What is in force beside the policy ends by itself, and nobody would announce that.
            window = each.as_stated
            which = hash(window)
            met_s = self._met.get(which)
            if met_s is None or now_s - met_s < ANNOUNCED_EVERY_S - _SAME_OBJECTS_S:
                # Held, so that no other window can take its place in memory, and pass for it.
                lately[id(each)] = each
            if met_s is not None and now_s - met_s < ANNOUNCED_EVERY_S:
                continue
            self._met.pop(which, None)
            self._met[which] = now_s
            self._waiting[window] = None
        while len(self._met) > MOST_ANNOUNCED:
            del self._met[next(iter(self._met))]
        while len(self._waiting) > MOST_ANNOUNCED:
            del self._waiting[next(iter(self._waiting))]

    def keep_told(self, ledger: Ledger) -> None:
        """Tell what waits, soon and in the background. Needs a running event loop."""
        if self._waiting and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run(ledger))

    async def tell(self, ledger: Ledger) -> None:
        """Tell what waits. Raises LedgerUnavailable; what was not told then waits on."""
        while self._waiting:
            some = tuple(islice(self._waiting, _PER_CALL))
            await ledger.announce(some)
            for window in some:
                self._waiting.pop(window, None)

    def close(self) -> None:
        """Stop telling."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self, ledger: Ledger) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_S)
            try:
                await self.tell(ledger)
            except LedgerUnavailable as error:
                log.debug("windows are not announced, the ledger does not answer: %s", error)
