"""Whether somebody was served as recorded between two of whom that cannot be said: that ends a run of refusals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from governance.backtest.columns import Columns
from governance.backtest.runs import subject_of
from governance.traffic import Who

Rows = Any


class Between:
    """The rows that came out as they were recorded, by whose they are.

    Args:
        rows: of each class, in the order of their arrival. otherwise: those of them that did not.
    """

    def __init__(self, columns: Columns, rows: Sequence[Rows], otherwise: Rows) -> None:
        self._rows = rows
        self._alike = np.ones(len(columns), dtype=bool)
        self._alike[otherwise] = False
        self._classes: dict[str, list[int]] = defaultdict(list)
        for number, what in enumerate(columns.classes):
            self._classes[subject_of(what.line.who)].append(number)
        self._found: dict[str, tuple[Rows, int]] = {}

    def before(self, who: Who, row: int) -> bool:
        """Whether one of theirs stands before this row, and behind the row that was asked about last."""
        subject = subject_of(who)
        if not subject:
            return False
        known = self._found.get(subject)
        alike, last = known or (self._of(subject), 0)
        place = int(np.searchsorted(alike, row))
        self._found[subject] = alike, place
        return place > last

    def _of(self, subject: str) -> Rows:
        rows = np.concatenate([self._rows[number] for number in self._classes[subject]])
        return np.sort(rows[self._alike[rows]])
