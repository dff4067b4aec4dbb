"""Requests that only windows of requests can refuse, played of their columns: lines are made only of a few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any, Final

import numpy as np

from governance.backtest.columns import Columns
from governance.backtest.counted import CountedLane
from governance.backtest.done import Done
from governance.backtest.fates import Scenario
from governance.backtest.lanes import Setting, firsts_of, in_turn
from governance.backtest.otherwise import Gathering, Otherwise
from governance.backtest.retries import alike_but_for_size
from governance.backtest.templates import Template
from governance.backtest.watch import Watch
from governance.ledger.reservation import Key, key_of
from governance.traffic import TraceLine

Rows = Any
_AT_ONCE: Final = 1 << 16
_MIX: Final = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))


class InColumns:
    """Plays parts of columns under both policies.

    Args:
        templates: of both policies, by class. contended: windows that may be full.
    """

    def __init__(
        self,
        setting: Setting,
        columns: Columns,
        templates: tuple[Mapping[int, Template], Mapping[int, Template]],
        contended: Set[Key],
    ) -> None:
        self._setting, self._columns = setting, columns
        self._templates, self._contended = templates, contended
        self._alike = np.array([self._as_recorded(number) for number in range(len(columns.classes))], dtype=bool)
        same: dict[Any, int] = {}
        callers = (alike_but_for_size(what.line) for what in columns.classes)
        self._same = np.array([same.setdefault(each, len(same)) for each in callers], dtype=np.uint64)
        outcomes = (what.line.told.outcome for what in columns.classes)
        self._refused = np.array([outcome == "refuse" for outcome in outcomes], dtype=bool)

    def play(self, rows: Rows) -> tuple[Otherwise, Watch, Watch, int]:
        """What came of all of these rows, what was read of windows under both policies, and how many are retries.

        Raises:
            Uncountable: only the engine knows what comes of one of them.
        """
        played = _Rows(self, rows)
        active, _ = played.under(0, "mid")
        candidate, guesses = played.under(1, "mid")
        if guesses:
            played.under(1, "low")
            played.under(1, "high")
        return played.gathering.whole(), active, candidate, len(played.firsts)

    def one_by_one(self, rows: Rows) -> Any:
        """Which of these rows are made lines of: all that may go elsewhere, or be a retry, or are told of otherwise."""
        columns, kinds = self._columns, self._columns.kind[rows]
        ends_us = 1000 * columns.end_ms[rows].astype(np.int64) + columns.end_rest_us[rows]
        found = ~self._alike[kinds] | (columns.start_us[rows] > ends_us)
        refused = self._refused[kinds]
        if self._setting.elsewhere.assumptions.remove_retries and refused.any():
            mixed = self._same[kinds] * _MIX[0]
            mixed ^= columns.prompt[rows].astype(np.uint64) * _MIX[1]
            mixed ^= columns.most[rows].astype(np.int64).astype(np.uint64) * _MIX[2]
            found |= np.isin(mixed, np.unique(mixed[refused]))
        return found

    def lane(self, which: int, ids: Mapping[str, int]) -> CountedLane:
        """A lane of one of both policies. `ids`: the classes of lines."""
        setting = self._setting
        # Amounts are suggested of the candidate's limits alone.
        return CountedLane(
            self._templates[which], ids, self._contended, setting.catalog, setting.elsewhere, asks=which == 1
        )

    @property
    def setting(self) -> Setting:
        """Both policies, and what the proxy serves."""
        return self._setting

    @property
    def columns(self) -> Columns:
        """All of them."""
        return self._columns

    def _as_recorded(self, number: int) -> bool:
        """Whether both policies serve a class as it was served, unless a window of requests is full."""
        what = self._columns.classes[number]
        told = what.line.told
        if not what.plain:
            return False
        for templates in self._templates:
            template = templates[number]
            keys = [key_of(charge.window) for charge in template.shared if charge.window.mode == "enforce"]
            if (
                template.refusal is not None
                or len(set(keys)) < len(keys)
                or (template.outcome, template.target) != (told.outcome, told.target)
                or (template.rule, template.profile) != (told.rule, told.profile)
            ):
                return False
        return True


class _Rows:
    """Some rows, in the order of their arrival, under one policy after the other."""

    def __init__(self, of: InColumns, rows: Rows) -> None:
        self._of, self._rows = of, rows
        columns = of.columns
        self._slow = of.one_by_one(rows)
        places = np.flatnonzero(self._slow).tolist()
        self._lines = {place: columns.line(int(rows[place])) for place in places}
        lines = list(self._lines.values())
        self.firsts = firsts_of(lines) if of.setting.elsewhere.assumptions.remove_retries else {}
        self._ids = {line.id: int(columns.kind[rows[place]]) for place, line in self._lines.items()}
        self.gathering = Gathering(rows)

    def under(self, which: int, scenario: Scenario) -> tuple[Watch, bool]:
        """Play them under one of both policies; whether any of it is a guess."""
        lane = self._of.lane(which, self._ids)
        arrive = in_turn(lane, self.firsts, sent=scenario == "high")
        codes, gathering, columns = self.gathering.lane(), self.gathering, self._of.columns
        known: dict[int, int] = {}
        told: list[tuple[int, TraceLine, Done]] = []
        guessed, refuses, lines = False, lane.refuses, self._lines
        for begin in range(0, len(self._rows), _AT_ONCE):
            some = self._rows[begin : begin + _AT_ONCE]
            arrivals: Sequence[int] = columns.at_us[some].tolist()
            classes: Sequence[int] = columns.kind[some].tolist()
            slow: Sequence[bool] = self._slow[begin : begin + _AT_ONCE].tolist()
            for place, (at_us, number, alone) in enumerate(zip(arrivals, classes, slow, strict=True), begin):
                if alone:
                    done, guess = arrive(lines[place])
                    told.append((place, lines[place], done))
                    guessed = guessed or guess
                elif (refusal := refuses(number, at_us)) is not None:
                    code = known.get(id(refusal))
                    if code is None:
                        code = known[id(refusal)] = gathering.code(refusal)
                    codes[place] = code
        for place, line, done in told:
            codes[place] = gathering.code_of(line, done)
        return lane.watch, guessed
