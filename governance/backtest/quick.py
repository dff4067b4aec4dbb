"""The fast way from lines to what both policies make of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from governance.backtest.columns import Columns, is_plain
from governance.backtest.coverage import SpotCheck
from governance.backtest.fast import Plan
from governance.backtest.lanes import Both, Setting
from governance.backtest.parallel import play
from governance.backtest.spot_check import spot_check
from governance.backtest.tally import Tally
from governance.traffic import TraceLine


def quick(
    setting: Setting, lines: Sequence[TraceLine], tally: Tally, from_us: int, processes: int
) -> tuple[Both, SpotCheck, int]:
    """Count what nothing can touch, play the rest, and let the engine check a share of what was counted.

    Args:
        lines: in the order of their arrival.
        tally: gets what is counted.
        from_us: whoever came before is in no figure.

    Returns:
        What was played; how it was checked; how many that are counted came too early.
    """
    columns = Columns()
    for line in lines:
        columns.add(line)
    setting.elsewhere.learn(line for line in lines if not is_plain(line))
    plan = Plan(setting, columns)
    hard = np.flatnonzero(plan.hard)
    some = [lines[row] for row in hard.tolist()]
    parts = [plan.part_of(columns.kind[row]) for row in hard.tolist()]
    found = play(setting, some, parts, plan.habits, processes)
    early = plan.count(tally, from_us)
    chosen = plan.sample(setting.elsewhere.assumptions.spot_check)
    by_active = [lines[row] for row, active in sorted(chosen.items()) if active]
    by_candidate = [lines[row] for row, active in sorted(chosen.items()) if not active]
    checked = spot_check(setting, by_active, by_candidate, processes)
    return found, SpotCheck(len(lines) - len(some), len(some), checked), early
