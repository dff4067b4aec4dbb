"""Reports as a backtest would make them, with the figures that a test is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from governance.backtest.coverage import Coverage, Fidelity, Inputs, Reason, SpotCheck
from governance.backtest.figures import Figure, Lanes
from governance.backtest.report import Report, Totals

NOTHING = Figure.exactly(0)


def lanes(active: int, candidate: int, delta: Figure | None = None, recorded: int | None = None) -> Lanes:
    change = Figure.exactly(candidate - active) if delta is None else delta
    return Lanes(active if recorded is None else recorded, Figure.exactly(active), Figure.exactly(candidate), change)


def totals(
    requests: int = 1_000, newly: Figure = NOTHING, cost: Lanes | None = None, refused: Lanes | None = None, **more: Any
) -> Totals:
    newly_mid = newly.mid or 0
    return Totals(
        requests,
        refused or lanes(12, 12 + newly_mid, newly),
        newly,
        NOTHING,
        more.pop("other_target", NOTHING),
        cost or lanes(50_000_000, 50_000_000),
        **more,
    )


def report(of: Totals | None = None, **more: Any) -> Report:
    whole = of or totals()
    nobody: dict[str, Any] = dict.fromkeys(
        ("teams", "keys", "limits", "targets", "moves", "worst", "timelines", "changed", "suggestions"), ()
    )
    made = Report(
        Inputs("sha256:a", "sha256:b", "sha256:t", "sha256:c", "sha256:s"),
        Coverage(whole.requests, whole.requests, whole.requests, 0, 0, 1_763_683_200_000, 1_764_288_000_000),
        Fidelity(whole.requests, 0, whole.requests),
        "exact",
        whole,
        changed_total=0,
        spot_check=SpotCheck(0, whole.requests, 0),
        assumptions=("windows are empty at the first arrival",),
        **nobody,
    )
    return replace(made, **more)


def of_no_traffic(**more: Any) -> Report:
    return report(
        totals(0, refused=lanes(0, 0), cost=lanes(0, 0)), coverage=Coverage(0, 0, 0, 0, 0, None, None), **more
    )


def not_replayable(lines: int) -> Coverage:
    reason = Reason("not_recorded", "headers.x-tier", lines, ("a",))
    return Coverage(lines, 0, 0, 0, 0, None, None, (reason,))
