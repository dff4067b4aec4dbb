"""The fast way from lines to what both policies make of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from governance.backtest.coverage import SpotCheck
from governance.backtest.fast import Plan
from governance.backtest.gathered import gathered
from governance.backtest.lanes import NOTHING, Both, Ran, Setting
from governance.backtest.play import play
from governance.backtest.read import Reader
from governance.backtest.spot_check import spot_check
from governance.backtest.tally import Tally
from governance.backtest.watch import Watch
from governance.traffic import Broken, TraceLine


def quick(
    setting: Setting,
    lines: Iterable[TraceLine | Broken],
    reader: Reader,
    tally: Tally,
    warm_us: int,
    processes: int,
) -> Ran:
    """Count what nothing can touch, play the rest, and let the engine check a share of what was counted.

    Args:
        tally: gets what is counted.
        warm_us: for how long requests only fill windows, and are in no figure.
    """
    columns = gathered(lines, reader, processes)
    if not len(columns):
        return Ran(Both([], Watch(), Watch(), 0), SpotCheck(0, 0, 0), 0, NOTHING, warm_us)
    setting.elsewhere.learn(line for row, line in sorted(columns.kept.items()) if not columns.is_plain(row))
    plan = Plan(setting, columns, processes)
    hard = np.flatnonzero(plan.hard)
    found = play(setting, columns, hard, plan.parts, plan.habits, processes)
    span = len(columns), int(columns.at_us[0]), int(columns.at_us[-1])
    early = plan.count(tally, span[1] + warm_us, found.rows)
    chosen = plan.sample(setting.elsewhere.assumptions.spot_check)
    by_active = [row for row, active in sorted(chosen.items()) if active]
    by_candidate = [row for row, active in sorted(chosen.items()) if not active]
    checked = spot_check(setting, columns, by_active, by_candidate, processes)
    check = SpotCheck(len(columns) - len(hard), len(hard), checked + found.checked)
    return Ran(found.both, check, early, span, warm_us)
