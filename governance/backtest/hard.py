"""Which requests have to be decided one after the other, and which of those have nothing to do with each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from governance.backtest.classed import Classed, Kind
from governance.backtest.columns import Columns
from governance.backtest.lanes import Setting
from governance.backtest.retries import WITHIN_US
from governance.backtest.screen import holds_all, peak
from governance.ledger.reservation import Key, key_of
from governance.model import Failure, Request, Target, Window
from governance.trace import Trace

Numbers = Any
_MINUTE_US: Final = 60_000_000


class Hard:
    """The rows that are simulated: all that may meet a full window or a target that cools down, or go elsewhere.

    Args:
        rows: for each row, whether it is one of them. contended: the windows that may be full, with the classes that
            they count. ill: targets that have failed.
    """

    def __init__(self, setting: Setting, classed: Classed, columns: Columns) -> None:
        self._classed = classed
        self._setting = setting
        self.rows = np.zeros(len(columns), dtype=bool)
        self.contended: dict[Key, list[int]] = {}
        self.ill = {target for target, _, _, _ in columns.failures}
        for kind in classed.kinds:
            if not kind.easy:
                self.rows[kind.rows] = True
        self._of_windows()
        self._of_failures(columns)
        self._of_retries()

    def _of_windows(self) -> None:
        users: dict[Key, list[int]] = defaultdict(list)
        windows: dict[Key, list[Window]] = defaultdict(list)
        for index, kind in enumerate(self._classed.kinds):
            found: dict[Key, None] = {}
            for window in (*kind.active.windows, *kind.candidate.windows):
                if window.mode == "enforce":
                    found[key_of(window)] = None
                    if not windows[key_of(window)] or window not in windows[key_of(window)]:
                        windows[key_of(window)].append(window)
            for key in found:
                users[key].append(index)
        for key, indexes in users.items():
            least = min(windows[key], key=lambda window: window.amount)
            demand = self._classed.demand(least, [self._classed.kinds[i] for i in indexes])
            if demand is None or (peak(least, demand) > least.amount and not self._never_full(windows[key], indexes)):
                self.contended[key] = indexes
                for i in indexes:
                    self.rows[self._classed.kinds[i].rows] = True

    def _never_full(self, windows: Iterable[Window], indexes: Iterable[int]) -> bool:
        """Whether a window of requests refuses none of these, each of which it counts once and at its arrival."""
        kinds = [self._classed.kinds[index] for index in indexes]
        if not all(kind.easy and kind.what.plain for kind in kinds):
            return False
        at_us = np.sort(np.concatenate([self._classed.at_us[kind.rows] for kind in kinds])).tolist()
        return all(window.unit == "requests" and holds_all(window, at_us) for window in windows)

    def _of_failures(self, columns: Columns) -> None:
        """Whoever asks a target first while it may cool down after a failure, or be probed."""
        times: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for target, at_us, end_us, failure in columns.failures:
            cool_us = round(1_000_000 * self._cools_down_s(target, failure))
            minute_us = at_us - at_us % _MINUTE_US
            last_us = max(end_us, minute_us + _MINUTE_US + end_us - at_us)
            times[target].append((minute_us, last_us + cool_us + 1_000_000))
        for target, spans in times.items():
            kinds = [kind for kind in self._classed.kinds if kind.easy and kind.what.line.told.target == target]
            if not kinds:
                continue
            rows = np.concatenate([kind.rows for kind in kinds])
            rows = rows[np.argsort(self._classed.at_us[rows], kind="stable")]
            at_us = self._classed.at_us[rows]
            for begin_us, end_us in _joined(spans):
                # Whoever comes first after that finds out that it is well, until its answer is there.
                probe = int(np.searchsorted(at_us, end_us))
                if probe < len(rows):
                    end_us = int(at_us[probe]) + 1000 * (int(self._classed.end_ms[rows[probe]]) + 1)
                first, last = np.searchsorted(at_us, [begin_us, end_us])
                self.rows[rows[first : last + 1]] = True

    def _cools_down_s(self, target: str, failure: Failure) -> float:
        request = Request("")
        answers = (
            host.on_failure(request, Target(target), failure, Trace(request, "", 0.0, "simulated"))
            for host in (self._setting.active, self._setting.candidate)
        )
        return max(answer.cool_down_s for answer in answers)

    def _of_retries(self) -> None:
        """Whoever may be a retry of what was refused."""
        refused: dict[Any, list[Numbers]] = defaultdict(list)
        for kind in self._classed.kinds:
            if kind.what.line.told.outcome == "refuse":
                refused[_same(kind)].append(self._classed.at_us[kind.rows])
        for kind in self._classed.kinds if refused else ():
            times = refused.get(_same(kind))
            if not times or not kind.easy:
                continue
            before = np.sort(np.concatenate(times))
            at_us = self._classed.at_us[kind.rows]
            index = np.searchsorted(before, at_us, side="left") - 1
            near = (index >= 0) & (at_us - before[np.maximum(index, 0)] <= WITHIN_US)
            self.rows[kind.rows[near]] = True


def _same(kind: Kind) -> Any:
    line = kind.what.line
    return line.who, line.asked


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return found
