"""What a backtest predicts is what happens: the same workload live under other policies.

Three pairs of policies are played with every `make test`, `make closed-loop` plays a hundred. The workload lasts
seconds, by the clock of the windows that it fills: four proxies have to keep up with it. Where a machine is too busy
for that it is played again with longer windows.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.closed_loop import CANDIDATES, Outcome, play

PAIRS = int(os.environ.get("GOVERNANCE_CLOSED_LOOP", "3"))
FIRST = int(os.environ.get("GOVERNANCE_CLOSED_LOOP_SEED", "1"))
# Of a hundred: a range that holds always would say nothing.
ENOUGH = 0.95


def told(seed: int, found: Outcome) -> str:
    """A line for whoever watches."""
    refused, cost = found.report.totals.refused, found.report.totals.cost.candidate
    return (
        f"seed {seed}: {found.requests} requests; refused {refused.active.mid} -> "
        f"{refused.candidate.low}..{refused.candidate.high} ({refused.candidate.label}), live {found.refused}; "
        f"micro-dollars {cost.low}..{cost.high} ({cost.label}), live {found.cost}"
    )


def test_what_is_predicted_is_what_happens(start: Callable[..., Any], tmp_path: Path) -> None:
    pairs: list[Outcome] = []
    for seed in range(FIRST, FIRST + -(-PAIRS // CANDIDATES)):
        for found in play(start, seed, tmp_path / str(seed)):
            print(told(seed, found))
            assert found.itself.fidelity.ppm == 1_000_000, found.itself.fidelity
            assert found.itself.empty
            pairs.append(found)

    refusals = sum(found.off <= 0.01 for found in pairs)
    money = sum(found.within for found in pairs)
    print(f"of {len(pairs)} pairs: refusals within 1 % in {refusals}, money within its range in {money}")
    # Of a few, one may be the one of twenty.
    enough = min(len(pairs) - 1, math.ceil(ENOUGH * len(pairs)))
    assert refusals >= enough
    assert money >= enough
