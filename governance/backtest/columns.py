"""Recorded requests as columns of numbers: ten million of them fit into memory.

What is not a number is the same for many requests: who asks for what is a class, and is kept once.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from uuid import UUID

import numpy as np

from governance.backtest.narrow import Narrow
from governance.backtest.plain import LARGEST, NONE, can_be_rebuilt, is_plain, is_uuid, pattern_of, rebuilt
from governance.backtest.scan import Numbers
from governance.model import Failure
from governance.traffic import Size, TraceLine, Used

ID_BYTES: Final = 16
_TOLD: Final = ("revision", "outcome", "target", "profile", "rule", "task")


class Class(NamedTuple):
    """Requests that are alike in everything but their size and time. `line`: one of them.

    Args:
        plain: the first target was asked, answered, and all is known of that.
    """

    line: TraceLine
    plain: bool


def _longs() -> Any:
    return array("q")


def _ints() -> Any:
    return Narrow()


@dataclass(slots=True)
class Columns:
    """One row for each line, in the order in which they were read. All but `ids` and `at_us` are arrays only once they
    are arranged.

    Args:
        ids: 16 bytes each: of a UUID, or a digest of what is none. at_us: arrivals. kind: positions in `classes`.
            most: `max_output_tokens`, or `NONE`. end_ms, end_rest_us: of the whole request. start_us, took_ms: of its
            attempt. kept: lines that cannot be made again of their numbers, by row. failures: (target, arrival, end,
            failure) of attempts, Unix microseconds.
    """

    ids: Any = field(default_factory=bytearray)
    at_us: Any = field(default_factory=_longs)
    kind: Any = field(default_factory=_ints)
    prompt: Any = field(default_factory=_ints)
    most: Any = field(default_factory=_ints)
    used_in: Any = field(default_factory=_ints)
    used_out: Any = field(default_factory=_ints)
    usd_micros: Any = field(default_factory=_ints)
    end_ms: Any = field(default_factory=_ints)
    end_rest_us: Any = field(default_factory=_ints)
    start_us: Any = field(default_factory=_ints)
    took_ms: Any = field(default_factory=_ints)
    classes: list[Class] = field(default_factory=list)
    known: dict[Hashable, int] = field(default_factory=dict)
    kept: dict[int, TraceLine] = field(default_factory=dict)
    failures: list[tuple[str, int, int, Failure]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.at_us)

    def class_of(self, line: TraceLine, *, plain: bool) -> int:
        """The class of a line, a new one where there is none like it."""
        told = (getattr(line.told, name) for name in _TOLD)
        served = line.hops[0].served if plain else ""
        key = (plain, line.who, line.asked, *told, served, line.recorded, line.unrecorded, line.hashed)
        kind = self.known.get(key)
        if kind is None:
            kind = self.known[key] = len(self.classes)
            self.classes.append(Class(pattern_of(line) if plain else line, plain))
        return kind

    def add(self, line: TraceLine) -> None:
        """A row for this line."""
        plain = is_plain(line)
        if not plain or not can_be_rebuilt(line):
            self.kept[len(self)] = line
        used, size = line.used, line.size
        self.ids += id_bytes(line.id)
        self.at_us.append(line.at_us)
        self.kind.append(self.class_of(line, plain=plain))
        self.prompt.append(min(size.prompt_tokens, LARGEST))
        self.most.append(NONE if size.max_output_tokens is None else min(size.max_output_tokens, LARGEST))
        self.used_in.append(_known(used.input_tokens if used else 0))
        self.used_out.append(_known(used.output_tokens if used else 0))
        self.usd_micros.append(_known(used.usd_micros if used else 0))
        end_ms, rest_us = divmod(line.end_us or 0, 1000)
        self.end_ms.append(min(end_ms, LARGEST))
        self.end_rest_us.append(rest_us)
        self.start_us.append(line.hops[0].start_us if plain else 0)
        self.took_ms.append(line.hops[0].took_ms if plain else 0)
        for hop in () if plain else line.hops:
            if hop.outcome == "failed":
                failure = Failure(hop.error or "unknown", hop.status, hop.retry_after_s)
                self.failures.append((hop.target, line.at_us, line.at_us + hop.end_us, failure))

    def extend(self, ids: Any, kinds: Any, numbers: Numbers) -> None:
        """Rows of plain lines that can be made again.

        Args:
            ids: 16 bytes each. kinds: their classes.
        """
        self.ids += np.ascontiguousarray(ids).tobytes()
        self.at_us.frombytes(np.ascontiguousarray(numbers.at_us).tobytes())
        end_ms, rest_us = np.divmod(numbers.end_us, 1000)
        for column, values in (
            (self.kind, kinds),
            (self.prompt, numbers.prompt),
            (self.most, numbers.most),
            (self.used_in, numbers.used_in),
            (self.used_out, numbers.used_out),
            (self.usd_micros, numbers.usd_micros),
            (self.end_ms, end_ms),
            (self.end_rest_us, rest_us),
            (self.start_us, numbers.start_us),
            (self.took_ms, numbers.took_ms),
        ):
            column.extend(values)

    def is_plain(self, row: int) -> bool:
        """Whether the class of a row is."""
        what: Class = self.classes[self.kind[row]]
        return what.plain

    def line(self, row: int) -> TraceLine:
        """The line of a row."""
        kept = self.kept.get(row)
        if kept is not None:
            return kept
        most = int(self.most[row])
        return rebuilt(
            self.classes[self.kind[row]].line,
            self.id(row),
            int(self.at_us[row]),
            1000 * int(self.end_ms[row]) + int(self.end_rest_us[row]),
            Size(int(self.prompt[row]), None if most == NONE else most),
            Used(int(self.used_in[row]), int(self.used_out[row]), 0, int(self.usd_micros[row])),
            int(self.start_us[row]),
            int(self.took_ms[row]),
        )

    def id(self, row: int) -> str:
        """The id of a row's line."""
        kept = self.kept.get(row)
        return kept.id if kept is not None else str(UUID(bytes=bytes(self.ids[ID_BYTES * row : ID_BYTES * (row + 1)])))

    def arrange(self, duplicate: Callable[[str], None]) -> None:
        """Put the rows in the order of their arrival, then of their ids, and leave out what is there twice.

        Nothing can be added any more.

        Args:
            duplicate: is told the id of each row that is left out.
        """
        at_us = np.frombuffer(self.at_us, dtype=np.int64)
        order = np.argsort(at_us, kind="stable").astype(np.int32)
        self._order_ties(order, at_us)
        order = self._without_twins(order, duplicate)
        place = {row: position for position, row in enumerate(order.tolist()) if row in self.kept} if self.kept else {}
        self.kept = {place[row]: line for row, line in self.kept.items() if row in place}
        ids = np.frombuffer(self.ids, dtype=f"V{ID_BYTES}")[order]
        self.ids = memoryview(ids).cast("B")
        self.at_us = at_us[order]
        for name in _NARROW:
            setattr(self, name, getattr(self, name).take()[order])
        self._forget_empty()

    def _forget_empty(self) -> None:
        """Classes of which every line was left out, or came at another time than is asked about."""
        there = np.bincount(self.kind, minlength=len(self.classes)) > 0
        if not there.all():
            self.kind = (np.cumsum(there) - 1).astype(self.kind.dtype)[self.kind]
            self.classes = [what for what, kept in zip(self.classes, there.tolist(), strict=True) if kept]
        self.known.clear()

    def _order_ties(self, order: Any, at_us: Any) -> None:
        same = np.flatnonzero(at_us[order[1:]] == at_us[order[:-1]])
        begin = 0
        while begin < len(same):
            end = begin
            while end + 1 < len(same) and same[end + 1] == same[end] + 1:
                end += 1
            span = slice(same[begin], same[end] + 2)
            order[span] = sorted(order[span].tolist(), key=self.id)
            begin = end + 1

    def _without_twins(self, order: Any, duplicate: Callable[[str], None]) -> Any:
        ranked = mixed_ids(self.ids)
        ranked.sort()
        twins = ranked[1:][ranked[1:] == ranked[:-1]]
        if not len(twins):
            return order
        mixed = mixed_ids(self.ids)
        of_id: dict[str, list[int]] = {}
        for position in np.flatnonzero(np.isin(mixed[order], twins)).tolist():
            of_id.setdefault(self.id(int(order[position])), []).append(position)
        left_out = []
        for positions in of_id.values():
            rows = [int(order[position]) for position in positions]
            chosen = first_of([self.kept[row].late if row in self.kept else False for row in rows])
            left_out += [position for index, position in enumerate(positions) if index != chosen]
        for position in sorted(left_out):
            duplicate(self.id(int(order[position])))
        return np.delete(order, left_out)


_OF_SIZE: Final = ("prompt", "most", "used_in", "used_out", "usd_micros")
_NARROW: Final = ("kind", *_OF_SIZE, "end_ms", "end_rest_us", "start_us", "took_ms")


def first_of(late: Sequence[bool]) -> int:
    """Which of several lines of one decision holds, in the order of their arrival: the first one, or one that was
    answered after its end had been told.
    """
    return late.index(True) if True in late else 0


def id_bytes(id: str) -> bytes:
    """16 bytes of an id."""
    if is_uuid(id):
        return UUID(id).bytes
    return blake2b(id.encode("utf-8", "surrogatepass"), digest_size=ID_BYTES).digest()


def mixed_ids(ids: Any) -> Any:
    """Of 16 bytes 8, as a number: the same for the same."""
    halves = np.frombuffer(ids, dtype=np.uint64).reshape(-1, 2)
    mixed = halves[:, 0] * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= halves[:, 1]
    return mixed


def _known(value: int | None) -> int:
    return 0 if value is None else min(value, LARGEST)
