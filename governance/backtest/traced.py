"""What a lane did with one request, told; and what differs between two of them."""

from __future__ import annotations

from governance.backtest.changed import LaneTrace
from governance.backtest.done import Done
from governance.backtest.figures import Figure
from governance.traffic import TraceLine


def kind_of(a: Done, b: Done) -> str:
    """What changes for a request; "" for nothing."""
    if a.refused != b.refused:
        if "gone" in (a.outcome, b.outcome):
            return ""
        return "newly_refused" if b.refused else "newly_admitted"
    if a.refused:
        return "" if (a.code, a.limit) == (b.code, b.limit) else "other_refusal"
    return "" if a.final == b.final or "gone" in (a.outcome, b.outcome) else "other_target"


def traced(done: Done) -> LaneTrace:
    """What a lane did, for people."""
    cost = (
        Figure.of_nobody_knows(1)
        if done.cost is None
        else Figure.exactly(done.cost[1])
        if done.exact_cost
        else Figure.between(*done.cost)
    )
    windows = tuple(
        (r.window.limit, r.window.subject, r.window.unit, r.used, r.window.amount)
        for r in done.full
        if r.window.mode == "enforce"
    )
    return LaneTrace(
        done.outcome,
        done.rule,
        done.profile,
        done.target,
        done.code,
        done.limit,
        done.served,
        tuple(done.hops),
        cost,
        windows,
    )


def recorded(line: TraceLine) -> LaneTrace:
    """What happened, for people."""
    told, cost = line.told, line.used.usd_micros if line.used is not None else 0
    return LaneTrace(
        told.outcome,
        told.rule,
        told.profile,
        told.target or None,
        told.code,
        told.limit,
        line.served,
        tuple((hop.target, hop.outcome, hop.error or "", hop.took_ms) for hop in line.hops),
        Figure.of_nobody_knows(1) if cost is None else Figure.exactly(cost),
        tuple((w.limit, w.subject, w.unit, w.used_before, w.limit_amount) for w in told.windows if not w.fits),
    )
