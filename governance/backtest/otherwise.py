"""What came of requests that did not come out as they were recorded: a few numbers each, and what many have in common
once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from governance.backtest.as_recorded import recorded_done
from governance.backtest.done import Done
from governance.backtest.plain import is_plain
from governance.backtest.tally import Played
from governance.traffic import TraceLine

_ABSENT: Final = -1
_AS_RECORDED: Final = 0


class Otherwise(NamedTuple):
    """Rows, in their order, with what each lane made of them.

    Args:
        codes: a row for each, a column for each lane (active, candidate, low, high): which of `patterns`, from 1; 0 as
            it was recorded; -1 that lane was not played.
        patterns: a refusal without an end ended as it came.
    """

    rows: Any
    codes: Any
    patterns: list[Done]

    def played(self, place: int, line: TraceLine, *, apart: bool = False) -> Played:
        """The row at a place, whose line this is."""
        active, candidate, low, high = (self._done(code, line) for code in self.codes[place].tolist())
        return Played(line, active or recorded_done(line), candidate or recorded_done(line), low, high, apart)

    def _done(self, code: int, line: TraceLine) -> Done | None:
        if code == _ABSENT:
            return None
        if code == _AS_RECORDED:
            return recorded_done(line)
        found = self.patterns[code - 1]
        return replace(found, end_us=line.at_us) if found.refused and found.end_us is None else found


class Gathering:
    """Makes it, lane by lane.

    Args:
        rows: in the order of their arrival.
    """

    def __init__(self, rows: Any) -> None:
        self._rows = rows
        self._codes: list[Any] = []
        self._patterns: list[Done] = []

    def lane(self) -> Any:
        """The codes of a lane that is played next, all of them as recorded so far."""
        codes = np.zeros(len(self._rows), dtype=np.int32)
        self._codes.append(codes)
        return codes

    def code(self, done: Done) -> int:
        """The code of a new pattern."""
        self._patterns.append(done)
        return len(self._patterns)

    def code_of(self, line: TraceLine, done: Done) -> int:
        """The same, where it may have come out as it was recorded."""
        recorded = recorded_done(line) if is_plain(line) else None
        # A clock that was set back may have recorded an end before the beginning, which no lane has.
        if recorded is not None and recorded.end_us == line.at_us + (line.end_us or 0) and done.same(recorded):
            return _AS_RECORDED
        return self.code(done)

    def whole(self) -> Otherwise:
        """All rows."""
        codes = np.full((len(self._rows), 4), _ABSENT, dtype=np.int32)
        for lane, of_lane in enumerate(self._codes):
            codes[:, lane] = of_lane
        return Otherwise(self._rows, codes, self._patterns)


def only(found: Otherwise) -> Otherwise:
    """Those of them that did not come out as recorded."""
    kept = (found.codes > _AS_RECORDED).any(axis=1)
    return Otherwise(found.rows[kept], found.codes[kept], found.patterns)


def of_played(rows: Any, played: Sequence[Played]) -> Otherwise:
    """The same of what is told one by one."""
    gathering = Gathering(rows)
    for lane in ("active", "candidate", "low", "high"):
        if any(getattr(each, lane) is not None for each in played[:1]):
            codes = gathering.lane()
            for place, each in enumerate(played):
                codes[place] = gathering.code_of(each.line, getattr(each, lane))
    return only(gathering.whole())


def merged(parts: Sequence[Otherwise]) -> Iterator[tuple[int, Otherwise, int]]:
    """Row by row of all of these, in their order: the row, whose it is, and its place there."""
    if not parts:
        return
    rows = np.concatenate([part.rows for part in parts])
    whose = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part.rows) for part in parts])
    begins = np.cumsum([0, *(len(part.rows) for part in parts)]).tolist()
    for index in np.argsort(rows, kind="stable"):
        part = int(whose[index])
        yield int(rows[index]), parts[part], int(index) - begins[part]
