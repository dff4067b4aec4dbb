"""What a backtest predicts is what happens: the same workload live under other policies.

Three pairs of policies are played with every `make test`, `make closed-loop` plays a hundred. The workload lasts
seconds, by the clock of the windows that it fills: four proxies have to keep up with it. Where a machine is too busy
for that it is played again with longer windows.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.e2e.closed_loop import CANDIDATES, Outcome, play

PAIRS = int(os.environ.get("GOVERNANCE_CLOSED_LOOP", "3"))
FIRST = int(os.environ.get("GOVERNANCE_CLOSED_LOOP_SEED", "1"))
# Of all requests of a pair.
_REFUSALS_OFF = 0.01
# Of a hundred: a range that holds always would say nothing.
_ENOUGH = 0.95


def close(pair: Outcome) -> bool:
    """Whether as many were refused as predicted."""
    return abs(pair.refused_off) <= _REFUSALS_OFF * pair.requests


def told(pairs: Sequence[Outcome]) -> str:
    """What came of all that were played, and how wide their ranges were: one that is wide enough always holds."""
    costs = [pair.report.totals.cost.candidate for pair in pairs]
    ranges = [100 * ((cost.high or 0) - (cost.low or 0)) / (cost.mid or 1) for cost in costs if cost.label != "exact"]
    return (
        f"of {len(pairs)} pairs: replayed as recorded {sum(pair.replayed for pair in pairs)}; "
        f"refusals within 1 % in {sum(map(close, pairs))}, exact or within their range in "
        f"{sum(not pair.refused_off for pair in pairs)}; money exact or within its range in "
        f"{sum(not pair.cost_off for pair in pairs)}, exact in {len(pairs) - len(ranges)}, "
        f"{median(ranges) if ranges else 0:.1f} % wide at the median of the others"
    )


def test_what_is_predicted_is_what_happens(start: Callable[..., Any], tmp_path: Path) -> None:
    pairs: list[Outcome] = []
    window_s = 0
    try:
        for seed in range(FIRST, FIRST + -(-PAIRS // CANDIDATES)):
            found, window_s = play(start, seed, tmp_path / str(seed), window_s)
            for nth, pair in enumerate(found, 1):
                # At once: it takes long, and may be interrupted.
                print(f"seed {seed}, pair {nth}: {pair}", flush=True)
            pairs += found
    finally:
        if pairs:
            print(told(pairs), flush=True)

    assert all(pair.replayed for pair in pairs)
    assert all(map(close, pairs))
    # Of a few, one may be the one of twenty.
    enough = min(len(pairs) - 1, math.ceil(_ENOUGH * len(pairs)))
    assert sum(not pair.cost_off for pair in pairs) >= enough
