"""Files of traffic as columns, hour by hour: an ordinary hour is cut into columns, any other one read line by line."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby, islice
from typing import Any, Final, NamedTuple

import numpy as np

from governance.backtest.beside import scanned_once
from governance.backtest.columns import ID_BYTES, Columns, id_bytes, mixed_ids
from governance.backtest.cut import Key
from governance.backtest.files import Traffic
from governance.backtest.parallel import in_order
from governance.backtest.read import Reader
from governance.backtest.scan import Numbers, Scan
from governance.traffic import Broken, TraceLine, decoded
from governance.traffic.files import TrafficFile
from governance.traffic.reading import HOLD_US, SLACK_US, Known, arranged, ended_us, entries_of_hour

_HASHED_AT_ONCE: Final = 100_000
# A little less than would be told to be out of order.
_LONGEST_US: Final = HOLD_US - 2 * SLACK_US


def gathered(lines: Iterable[TraceLine | Broken], reader: Reader, processes: int) -> Columns:
    """Everything that can be replayed, in the order of its arrival.

    Args:
        reader: is told of all that is read.
    """
    columns = Columns()
    if isinstance(lines, Traffic):
        _Files(lines, reader, columns).take(processes)
    else:
        for line in lines:
            if reader.takes(line):
                columns.add(line)  # type: ignore[arg-type]  # what is broken is not taken
    if len(columns):
        columns.arrange(reader.twice)
        _hash(columns, reader)
    return columns


class _Other(NamedTuple):
    """A line that is not plain, behind so many that are."""

    place: int
    line: TraceLine


class _Files:
    def __init__(self, traffic: Traffic, reader: Reader, columns: Columns) -> None:
        self._traffic, self._reader, self._columns = traffic, reader, columns
        self._known = Known(self._before)
        # At which row this hour and each of the two before it begins, and the ids since then, once somebody asks.
        self._begun: tuple[int, ...] = (0, 0, 0)
        self._ids: Any = None
        self._latest_us = 0
        self._kinds: dict[Key, int | tuple[str, str]] = {}

    def take(self, processes: int) -> None:
        files = self._traffic.files
        scans = in_order(scanned_once, files, processes)
        for _, of_hour in groupby(files, key=lambda file: file.hour_us):
            some = list(of_hour)
            self._begun, self._ids = (*self._begun[1:], len(self._columns)), None
            found = list(islice(scans, len(some)))
            if not self._ordinary(found):
                self._line_by_line(some)
            self._traffic.read(self._reader.lines)

    def _ordinary(self, scans: list[Scan | None]) -> bool:
        """Take the scans of an hour; False where there is anything to say of it."""
        parts: list[tuple[Scan, list[_Other]]] = []
        last = dict(self._known.last)
        for scan in scans:
            others = None if scan is None else _others(scan)
            if scan is None or others is None or not _follows(scan, others, last, self._latest_us - HOLD_US):
                return False
            parts.append((scan, others))
        self._known.last = last
        for scan, others in parts:
            self._add(scan, others)
        self._latest_us = max([self._latest_us, *(end_us for _, end_us in last.values())])
        return True

    def _add(self, scan: Scan, others: list[_Other]) -> None:
        from_us, to_us = self._traffic.from_us, self._traffic.to_us
        for other in others:
            if _within(other.line.at_us, from_us, to_us) and self._reader.takes(other.line):
                self._columns.add(other.line)
        numbers, kinds, ids = scan.numbers, scan.kind, scan.ids
        kept = np.ones(len(kinds), dtype=bool)
        if from_us is not None:
            kept &= numbers.at_us >= from_us
        if to_us is not None:
            kept &= numbers.at_us < to_us
        classes = np.zeros(max(1, len(scan.firsts)), dtype=np.int32)
        for number, first in enumerate(scan.firsts):
            kind = self._kind_of(*first)
            if isinstance(kind, int):
                classes[number] = kind
                continue
            rows = np.flatnonzero(kept & (kinds == number))
            kept[rows] = False
            if len(rows):
                order = rows[np.argsort(numbers.at_us[rows], kind="stable")]
                self._reader.leave_out_all(kind, (_uuid(ids[row]) for row in order), len(rows))
        self._reader.took(int(kept.sum()))
        self._columns.extend(ids[kept], classes[kinds[kept]], Numbers(*(each[kept] for each in numbers)))

    def _kind_of(self, key: Key, first: bytes) -> int | tuple[str, str]:
        """The class of lines like this one; why they cannot be replayed, where they cannot."""
        kind = self._kinds.get(key)
        if kind is None:
            line = decoded(first)
            assert isinstance(line, TraceLine)  # noqa: S101 - it was decoded before
            kind = self._reader.why_not(line)
            kind = self._kinds[key] = self._columns.class_of(line, plain=True) if kind is None else kind
        return kind

    def _before(self, id: str) -> bool:
        """Whether a line of this id was read in the last two hours."""
        if self._ids is None:
            self._ids = np.sort(mixed_ids(self._columns.ids[ID_BYTES * self._begun[0] :]))
        (own,) = mixed_ids(id_bytes(id))
        place = int(np.searchsorted(self._ids, own))
        return place < len(self._ids) and bool(self._ids[place] == own)

    def _line_by_line(self, files: list[TrafficFile]) -> None:
        before = np.frombuffer(self._columns.at_us, dtype=np.int64)
        told = before[before <= self._latest_us - HOLD_US]
        told_us = int(told.max()) if len(told) else 0
        del before, told
        found = entries_of_hour(files, self._known)
        for line in arranged(found, self._traffic.from_us, self._traffic.to_us, told_us=told_us):
            if self._reader.takes(line):
                self._columns.add(line)  # type: ignore[arg-type]  # what is broken is not taken
        self._latest_us = max([self._latest_us, *(end_us for _, end_us in self._known.last.values())])


def _others(scan: Scan) -> list[_Other] | None:
    """The lines that are not plain; None where there is anything to say of one of them."""
    found = []
    for place, raw in scan.others:
        line = decoded(raw)
        if isinstance(line, Broken) or line.late or line.open or (line.end_us or 0) > _LONGEST_US:
            return None
        found.append(_Other(place, line))
    return found


def _follows(scan: Scan, others: list[_Other], last: dict[str, tuple[int, int]], told_us: int) -> bool:
    """Whether each line of the file comes right behind the one before it, by its number and its end.

    Args:
        last: of each worker the number of its last line, and when that ended; those of this file are put there.
        told_us: whatever arrived before that has been told already.
    """
    numbers = scan.numbers
    if len(numbers.end_us) and int(numbers.end_us.max()) > _LONGEST_US:
        return False
    if any(other.line.at_us < told_us for other in others) or (numbers.at_us < told_us).any():
        return False
    places = [other.place for other in others]
    counts = np.insert(scan.counts, places, [other.line.number for other in others])
    ends = np.insert(numbers.at_us + numbers.end_us, places, [ended_us(other.line) for other in others])
    names = {worker: index for index, worker in enumerate(scan.workers)}
    of_others = [names.setdefault(other.line.worker, len(names)) for other in others]
    whose = np.insert(scan.whose, places, of_others)
    # Worker by worker, each in the order of its lines.
    order = np.argsort(whose, kind="stable")
    limits = np.searchsorted(whose[order], np.arange(len(names) + 1)).tolist()
    for worker, begin, end in zip(names, limits, limits[1:], strict=False):
        own = order[begin:end]
        if not len(own):
            continue
        if not _in_order(counts[own], ends[own], *last.get(worker, (0, 0))):
            return False
        last[worker] = max(last.get(worker, (0, 0))[0], int(counts[own[-1]])), int(ends[own[-1]])
    return True


def _in_order(counts: Any, ends: Any, number: int, end_us: int) -> bool:
    """Whether the lines of one worker, by their numbers and ends, follow one that had these; 0: not numbered."""
    if ends[0] < end_us - SLACK_US or (np.diff(ends) < -SLACK_US).any():
        return False
    if not counts.any():
        return True
    return bool((np.diff(counts) == 1).all() and counts[0] and (not number or counts[0] == number + 1))


def _within(at_us: int, from_us: int | None, to_us: int | None) -> bool:
    return (from_us is None or at_us >= from_us) and (to_us is None or at_us < to_us)


def _uuid(given: Any) -> str:
    text = given.tobytes().hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


# --- the hash of what was taken --------------------------------------------------------------------------------------


def _hash(columns: Columns, reader: Reader) -> None:
    """The same as of lines one by one, by blocks in which every line can be made again of its numbers."""
    blocks = {row // _HASHED_AT_ONCE for row in columns.kept}
    for block in range(-(-len(columns) // _HASHED_AT_ONCE)):
        rows = range(block * _HASHED_AT_ONCE, min(len(columns), (block + 1) * _HASHED_AT_ONCE))
        at_us = columns.at_us[rows.start : rows.stop]
        if block in blocks or at_us[0] < 10**15 or at_us[-1] >= 10**16:
            for row in rows:
                reader.hash(columns.id(row), int(columns.at_us[row]))
        else:
            reader.hash_all(_written(columns.ids[ID_BYTES * rows.start : ID_BYTES * rows.stop], at_us))


def _written(ids: Any, at_us: Any) -> bytes:
    """`UUID MICROSECONDS`, a line each."""
    digits = np.frombuffer(bytes(ids).hex().encode(), dtype=np.uint8).reshape(-1, 2 * ID_BYTES)
    text = np.full((len(at_us), 54), ord("-"), dtype=np.uint8)
    begin = end = 0
    for length in (8, 4, 4, 4, 12):
        text[:, begin : begin + length] = digits[:, end : end + length]
        begin, end = begin + length + 1, end + length
    text[:, 36], text[:, 53] = ord(" "), ord("\n")
    rest = at_us.copy()
    for column in range(52, 36, -1):
        rest, digit = np.divmod(rest, 10)
        text[:, column] = digit + ord("0")
    return text.tobytes()
