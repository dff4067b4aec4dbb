"""Somebody is told when a limit is nearly used up: once per threshold and window, whatever the number of proxies.

Which proxy tells is settled by the ledger itself: each threshold has a window of its own, as long as that of the limit,
in which one request fits. So a fleet needs nothing else to agree on, and a threshold is told anew in the next window.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final, NamedTuple

from governance.ledger import Ledger, Reading
from governance.model import Charge, Unit, Window
from governance.model.errors import LedgerUnavailable
from governance.model.ids import uuid7

log = logging.getLogger("governance.alerts")

# What was used is known only after the answer; windows are then read together.
LOOK_AGAIN_S: Final = 1.0
# While the ledger is away; later the next reading shows it again.
_TRIES: Final = 10
_MOST_REMEMBERED: Final = 10_000
_MOST_READ: Final = 1_000


class Alert(NamedTuple):
    """A limit has reached a threshold.

    Args:
        subject: as `kind:id`. used, limit_amount: in `unit`; money in micro-dollars.
        window: seconds of a rolling window, or a period of the calendar.
        resets_at_s, at_s: Unix seconds; the first is None when nothing is counted.
        name_of_subject: what people call it, where it is counted by an id.
    """

    limit: str
    subject: str
    unit: Unit
    threshold_percent: int
    used: int
    limit_amount: int
    window: int | str | None
    resets_at_s: float | None
    at_s: float
    policy_revision: str
    name_of_subject: str | None = None


class Alerts:
    """Watches what was read of windows that have thresholds."""

    def __init__(
        self,
        ledger: Ledger,
        revision: str,
        tell: Callable[[Alert], None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._revision = revision
        self._tell = tell
        self._clock = clock
        self._told: dict[tuple[Window, int], float] = {}
        self._again: set[Window] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None

    def look(self, readings: Iterable[Reading]) -> None:
        """Tell of every threshold that these readings show as reached, in the background."""
        now_s = self._clock()
        for reading in readings:
            if not reading.window.alert_at:
                continue
            due = list(self._due(reading, now_s))
            if due:
                self._background(self._raise(reading, due))

    def look_again(self, windows: Iterable[Window]) -> None:
        """Read these soon: what they count has changed."""
        if len(self._again) < _MOST_REMEMBERED:
            self._again.update(window for window in windows if window.alert_at)
        if self._again and (self._looking is None or self._looking.done()):
            self._looking = self._background(self._read_again())

    def close(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()

    def _due(self, reading: Reading, now_s: float) -> Iterator[int]:
        window = reading.window
        for percent in window.alert_at:
            if reading.used * 100 >= percent * window.amount and self._told.get((window, percent), 0.0) <= now_s:
                # Asked once in this window; after it, and in other proxies, the ledger knows.
                until_s = reading.resets_at_s if isinstance(window.period, str) else None
                self._told.pop((window, percent), None)
                self._told[window, percent] = until_s or now_s + float(window.period or 0)
                yield percent
        while len(self._told) > _MOST_REMEMBERED:
            del self._told[next(iter(self._told))]

    async def _raise(self, reading: Reading, due: list[int]) -> None:
        window = reading.window
        new = await self._new(window, due)
        if new:
            # Of several thresholds passed at once the highest says it all.
            self._tell(
                Alert(
                    window.limit,
                    window.subject,
                    window.unit,
                    max(new),
                    reading.used,
                    window.amount,
                    window.period,
                    reading.resets_at_s,
                    self._clock(),
                    self._revision,
                    window.name_of_subject,
                )
            )

    async def _new(self, window: Window, due: list[int]) -> list[int]:
        new: list[int] = []
        for percent in due:
            for _ in range(_TRIES):
                try:
                    if await self._is_new(window, percent):
                        new.append(percent)
                    break
                except LedgerUnavailable as error:
                    log.debug("thresholds of %s wait, the ledger does not answer: %s", window, error)
                    await asyncio.sleep(LOOK_AGAIN_S)
            else:
                self._told.pop((window, percent), None)
        return new

    async def _is_new(self, window: Window, percent: int) -> bool:
        # It is no limit on anybody: while the ledger is away nothing is told, rather than everything at once.
        name = f"{percent}% of {window.limit} {window.unit}"
        once = replace(window, limit=name, unit="requests", amount=1, mode="enforce", on_unavailable="refuse")
        once = replace(once, alert_at=(), route_to=None)
        told_id = uuid7()
        reserved = await self._ledger.reserve([Charge(once, 1)], [], reservation_id=told_id, deadline_s=60)
        if not reserved.available:
            raise LedgerUnavailable("it does not answer")
        if reserved.granted:
            await self._ledger.settle(told_id, {})
        return reserved.granted

    async def _read_again(self) -> None:
        while self._again:
            await asyncio.sleep(LOOK_AGAIN_S)
            windows = [self._again.pop() for _ in range(min(len(self._again), _MOST_READ))]
            try:
                self.look(await self._ledger.read(windows))
            except LedgerUnavailable as error:
                self._again.update(windows)
                log.debug("thresholds are looked at later, the ledger does not answer: %s", error)

    def _background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
