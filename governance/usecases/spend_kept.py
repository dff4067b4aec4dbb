"""What was spent is kept in the store, exactly once: by each worker for itself, and for those that were killed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from governance.store import Store
from governance.store.spend import DAY_S, Batch
from governance.traffic import Broken, TraceLine
from governance.traffic.alive import forget, is_alive
from governance.traffic.files import IMPORTED, TrafficFile, files_in, raw_lines
from governance.traffic.line import decoded, loaded
from governance.traffic.spent import Tally

log = logging.getLogger("governance.usecases")

HOURS_FOR_DAYS: Final = 35
"""For so many days, hours are kept; of what is older, days."""
# While another thread serves requests: a line takes some 100 us.
_AT_ONCE: Final = 50
_REST_S: Final = 0.002


class Kept:
    """What one worker adds; a batch of which nobody knows whether it was added is offered again as it was."""

    def __init__(self, tally: Tally, worker: Callable[[], str]) -> None:
        self._tally, self._worker = tally, worker
        self._waiting: Batch | None = None
        self._batch = self._number = 0

    def next(self, *, closing: bool = False) -> Batch | None:
        """What is to be added now; None where there is nothing. Call `added` when it was."""
        if self._waiting is None and (self._tally.cells or (closing and self._batch)):
            cells, names, last = self._tally.taken()
            self._waiting = Batch(self._worker(), self._batch + 1, self._number, last, cells, names, closing)
        return self._waiting

    def added(self) -> None:
        """The store has the last one."""
        if self._waiting is not None:
            self._batch, self._number, self._waiting = self._waiting.batch, self._waiting.number, None


def add_up(tally: Tally, lines: Iterable[Mapping[str, Any]]) -> None:
    """Add lines to the sums, with pauses: another thread serves requests."""
    for count, line in enumerate(lines, 1):
        tally.add(line)
        if count % _AT_ONCE == 0:
            time.sleep(_REST_S)


def add(store: Store, batch: Batch, now: datetime) -> None:
    """Add a batch once. Raises StoreUnavailable; nobody knows then whether it was added."""
    with store.write() as work:
        outcome = work.spend.add(batch, now)
    if outcome == "elsewhere":
        log.error(
            "spend of worker %s was counted by another one, up to its end; %d cells are left out, which it has",
            batch.worker,
            len(batch.cells),
        )


def take_over(store: Store, folder: Path, own: str, done: set[str], now: datetime) -> int:
    """Count what workers had written that are gone, and had not counted. Returns how many lines.

    Args:
        own: this worker. done: those of which nothing is left; added to.

    Raises:
        StoreUnavailable, OSError.
    """
    by_worker: dict[str, list[TrafficFile]] = {}
    for file in files_in(folder):
        if file.worker != own and file.worker not in done and not file.worker.startswith(IMPORTED):
            by_worker.setdefault(file.worker, []).append(file)
    if not by_worker:
        return 0
    with store.read() as work:
        positions = work.spend.positions()
    lines = 0
    for worker, files in by_worker.items():
        position = positions.get(worker)
        if position is None or not position.closed:
            if is_alive(folder, worker):
                continue
            number, batch = (position.number, position.batch) if position else (0, 0)
            tally, found = _left(files, number)
            with store.write() as work:
                work.spend.add(
                    Batch(worker, batch + 1, number, max(number, tally.last), tally.cells, tally.names, True), now
                )
            lines += found
            if found:
                log.info("%d decisions of worker %s, which is gone, were counted", found, worker)
        forget(folder, worker)
        done.add(worker)
    return lines


def tidy(store: Store, keep_s: int, now: datetime) -> None:
    """Fold hours of old days together, and forget what is older than it is kept. Raises StoreUnavailable."""
    now_s = int(now.timestamp())
    with store.write() as work:
        work.spend.fold(now_s - HOURS_FOR_DAYS * DAY_S)
        work.spend.forget(now_s - keep_s, now - timedelta(seconds=keep_s))


def utc(at_s: float) -> datetime:
    """A moment of Unix seconds."""
    return datetime.fromtimestamp(at_s, timezone.utc)


def _left(files: Iterable[TrafficFile], after: int) -> tuple[Tally, int]:
    """The sums of lines that come after this number, and how many they are."""
    tally, found, read = Tally(), 0, 0
    for file in files:
        for where, raw in raw_lines(file):
            read += 1
            if read % _AT_ONCE == 0:
                time.sleep(_REST_S)
            line = raw if isinstance(raw, Broken) else decoded(raw, where)
            if isinstance(raw, bytes) and isinstance(line, TraceLine) and line.number > after:
                tally.add(loaded(raw))
                found += 1
    return tally, found


def others(folder: Path, own: str, done: set[str]) -> bool:
    """Whether there are files of workers of which it is not known that nothing is left. Raises OSError."""
    return any(f.worker != own and f.worker not in done and not f.worker.startswith(IMPORTED) for f in files_in(folder))
