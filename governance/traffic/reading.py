"""Recorded traffic, read: every decision once, in the order of their ends or of their arrivals."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import count, groupby
from typing import Final, NamedTuple

from governance.traffic.broken import DUPLICATE_ID, LINE_HOLDS, LOST_LINES, MISSING_END, OUT_OF_ORDER, Broken
from governance.traffic.files import HOUR_US, TrafficFile, raw_lines
from governance.traffic.line import TraceLine, decoded

SLACK_US: Final = 1_000_000
"""Workers of several machines, and a clock that is set."""
HOLD_US: Final = 600_000_000
"""A request that takes longer than ten minutes comes later than its arrival would have it."""


class Entry(NamedTuple):
    """One line, as it stands in its file.

    Args:
        raw: without its end.
    """

    where: str
    raw: bytes
    line: TraceLine


class Known:
    """What was read before: ids of the last two hours, and the last line of each worker: its number, when it ended.

    Args:
        before: whether an id was read in these hours by somebody else.
    """

    def __init__(self, before: Callable[[str], bool] = lambda id: False) -> None:
        self._before = before
        self._ids: set[str] = set()
        self._older: set[str] = set()
        self._hour_us = 0
        self.last: dict[str, tuple[int, int]] = {}

    def faults(self, entry: Entry) -> list[Broken]:
        """What is wrong with the next line."""
        where, _, line = entry
        end_us = ended_us(line)
        if end_us >= self._hour_us + HOUR_US:
            self._older, self._ids, self._hour_us = self._ids, set(), end_us - end_us % HOUR_US
        known = f"{line.id} late" if line.late else line.id
        if known in self._ids or known in self._older or self._before(known):
            return [Broken(DUPLICATE_ID, where, line.id)]
        self._ids.add(known)
        found = [Broken(MISSING_END, where, line.id)] if line.open else []
        number, last_us = self.last.get(line.worker, (0, 0))
        if line.number and number and line.number > number + 1:
            lost = line.number - number - 1
            found.append(Broken(LOST_LINES, where, f"{lost} of worker {line.worker} before it", lost))
        if end_us < last_us - SLACK_US:
            found.append(Broken(OUT_OF_ORDER, where, f"it ended {(last_us - end_us) / 1e6:.3f} s before the last one"))
        self.last[line.worker] = (max(number, line.number), end_us)
        return found


def entries(files: Iterable[TrafficFile]) -> Iterator[Entry | Broken]:
    """Every decision once, hour by hour, in the order in which they ended; what is wrong stands in front of its line.

    One that was answered after its end had been told comes again, as `late`. Only the ids of two hours are kept to
    know duplicates by.
    """
    known = Known()
    for _, of_hour in groupby(files, key=lambda file: file.hour_us):
        yield from entries_of_hour(of_hour, known)


def entries_of_hour(files: Iterable[TrafficFile], known: Known) -> Iterator[Entry | Broken]:
    """The same of the files of one hour.

    Args:
        known: of the hours before it.
    """
    order = count()
    readers = [_keyed(list(of_worker), order) for _, of_worker in groupby(files, key=lambda file: file.worker)]
    for _, _, entry in heapq.merge(*readers, key=lambda keyed: keyed[:2]):
        if isinstance(entry, Broken):
            yield entry
            continue
        faults = known.faults(entry)
        yield from faults
        if all(fault.fault in LINE_HOLDS for fault in faults):
            yield entry


def by_arrival(
    files: Iterable[TrafficFile], from_us: int | None = None, to_us: int | None = None, hold_us: int = HOLD_US
) -> Iterator[TraceLine | Broken]:
    """Every decision that arrived in [from_us, to_us), once and as it ended in the end, in the order of arrival.

    Args:
        hold_us: a request that takes longer comes late, and is named as out of order.
    """
    return arranged(entries(files), from_us, to_us, hold_us)


def arranged(
    found: Iterable[Entry | Broken],
    from_us: int | None = None,
    to_us: int | None = None,
    hold_us: int = HOLD_US,
    told_us: int = 0,
) -> Iterator[TraceLine | Broken]:
    """The same of entries.

    Args:
        told_us: what has arrived before that is told already.
    """
    waiting: list[tuple[int, str]] = []
    lines: dict[str, TraceLine] = {}
    for entry in found:
        if isinstance(entry, Broken):
            yield entry
            continue
        line = entry.line
        if (from_us is not None and line.at_us < from_us) or (to_us is not None and line.at_us >= to_us):
            continue
        if line.late and line.id in lines:
            lines[line.id] = line
            continue
        if line.at_us < told_us:
            yield Broken(OUT_OF_ORDER, entry.where, "it took so long that later ones were read before it")
            yield line
            continue
        heapq.heappush(waiting, (line.at_us, line.id))
        lines[line.id] = line
        until_us = ended_us(line) - hold_us
        while waiting and waiting[0][0] <= until_us:
            told_us, id = heapq.heappop(waiting)
            yield lines.pop(id)
    while waiting:
        yield lines.pop(heapq.heappop(waiting)[1])


def ended_us(line: TraceLine) -> int:
    """When it was over; when it arrived, where that is not known. Unix microseconds."""
    return line.at_us + (line.end_us or 0)


def _keyed(files: Iterable[TrafficFile], order: Iterator[int]) -> Iterator[tuple[int, int, Entry | Broken]]:
    at_us = 0
    for where, raw in (each for file in files for each in raw_lines(file)):
        if isinstance(raw, Broken):
            yield at_us, next(order), raw
            continue
        found = decoded(raw, where)
        if isinstance(found, Broken):
            yield at_us, next(order), found
            continue
        # As it stands in its file, whatever its clock says: merging needs an order that never goes back.
        at_us = max(at_us, ended_us(found))
        yield at_us, next(order), Entry(where, raw, found)
