"""Sums over requests from which figures are made."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from governance.backtest.done import Done
from governance.backtest.figures import Figure, Lanes
from governance.backtest.report import Totals

# Of independent answers, or decisions: two standard deviations of their sum on either side.
_SURE = 2.0


@dataclass(slots=True)
class Money:
    """Micro-dollars: what is known, and what lies between two bounds. `unknown`: requests nobody can price."""

    exact: int = 0
    low: int = 0
    mid: int = 0
    high: int = 0
    variance: float = 0.0
    guessed: float = 0.0
    unknown: float = 0.0

    def add(self, done: Done, weight: float) -> None:
        """Count what one request cost."""
        if done.cost is None:
            self.unknown += weight
            return
        # Whoever was let in with a doubt may have cost nothing.
        doubtful = done.doubt * (1.0 - done.doubt) * done.cost[1] * done.cost[1]
        if done.exact_cost and not done.doubt:
            self.exact += round(weight * done.cost[1])
        else:
            low, mid, high = done.cost
            self.low += round(weight * low)
            self.mid += round(weight * mid)
            self.high += round(weight * high)
            self.variance += weight * weight * (done.variance + doubtful)
            self.guessed += weight

    @property
    def figure(self) -> Figure:
        """All of it."""
        return _money(self.exact, self)

    def minus(self, other: Money) -> Figure:
        """What this is more than another one."""
        known = self.exact - other.exact
        both = Money(
            0,
            self.low - other.high,
            self.mid - other.mid,
            self.high - other.low,
            self.variance + other.variance,
            self.guessed + other.guessed,
            self.unknown + other.unknown,
        )
        return _money(known, both)


def _money(exact: int, of: Money) -> Figure:
    unknown = round(of.unknown)
    if not of.guessed:
        if not unknown:
            return Figure.exactly(exact)
        return Figure.between(exact, exact, exact, unknown=unknown)
    low, high = _ends(of.low, of.mid, of.high, of.variance)
    return Figure.between(exact + low, exact + of.mid, exact + high, unknown=unknown)


def _ends(low: float, mid: float, high: float, variance: float) -> tuple[int, int]:
    """The ends of a range that is off in two ways, neither of which knows of the other.

    Args:
        low, high: where what is the same for all of them, such as a mean, is wrong. variance: of the single ones.
    """
    off = _SURE * math.sqrt(variance)
    return round(mid - math.hypot(mid - min(low, mid), off)), round(mid + math.hypot(max(high, mid) - mid, off))


def _widest(middle: Figure, *others: Figure) -> Figure:
    figures = (middle, *others)
    if all(figure == middle for figure in others):
        return middle
    lows, highs = [figure.low or 0 for figure in figures], [figure.high or 0 for figure in figures]
    return Figure.between(min(lows), middle.mid or 0, max(highs), unknown=max(figure.unknown for figure in figures))


@dataclass(slots=True)
class Count:
    """Requests, by scenario. `guessed`: those of which something that did not happen has decided. `variance`: of how
    many they are, by doubts in single decisions.
    """

    low: float = 0.0
    mid: float = 0.0
    high: float = 0.0
    guessed: float = 0.0
    variance: float = 0.0

    def add(self, weight: float, *, exact: bool) -> None:
        """Count one in all scenarios alike."""
        self.low += weight
        self.mid += weight
        self.high += weight
        self.guessed += 0.0 if exact else weight

    @property
    def figure(self) -> Figure:
        """All of them."""
        found = self._figure
        # Doubts go both ways, but there are no fewer than none.
        return found if (found.low or 0) >= 0 else Figure.between(0, found.mid or 0, found.high or 0)

    def minus(self, other: Count) -> Figure:
        """How many more than another one."""
        both = Count(self.low - other.low, self.mid - other.mid, self.high - other.high, self.guessed + other.guessed)
        both.variance = self.variance + other.variance
        return both._figure

    @property
    def _figure(self) -> Figure:
        if self.low == self.mid == self.high and not self.guessed:
            return Figure.exactly(round(self.mid))
        lowest, highest = min(self.low, self.high), max(self.low, self.high)
        low, high = _ends(lowest, self.mid, highest, self.variance)
        return Figure.between(low, round(self.mid), high)


@dataclass(slots=True)
class Sums:
    """Of everybody, or of one team, key, limit or target."""

    name: str = ""
    requests: float = 0.0
    recorded_refused: float = 0.0
    recorded_cost: int = 0
    refused_active: Count = field(default_factory=Count)
    refused_candidate: Count = field(default_factory=Count)
    newly_refused: Count = field(default_factory=Count)
    newly_admitted: Count = field(default_factory=Count)
    other_target: Count = field(default_factory=Count)
    active: Money = field(default_factory=Money)
    candidate: Money = field(default_factory=Money)
    candidate_low: Money = field(default_factory=Money)
    candidate_high: Money = field(default_factory=Money)

    @property
    def changes(self) -> float:
        """How much changes here, to sort by."""
        return self.newly_refused.mid + self.newly_admitted.mid + self.other_target.mid

    def totals(self, p95_wait: Lanes | None = None) -> Totals:
        """The same as figures."""
        refused = Lanes(
            round(self.recorded_refused),
            self.refused_active.figure,
            self.refused_candidate.figure,
            self.refused_candidate.minus(self.refused_active),
        )
        # Who is admitted depends on what others use: at either end it is somebody else.
        ends = (self.candidate_low, self.candidate_high)
        candidate = _widest(self.candidate.figure, *(money.figure for money in ends))
        delta = _widest(self.candidate.minus(self.active), *(money.minus(self.active) for money in ends))
        cost = Lanes(self.recorded_cost, self.active.figure, candidate, delta)
        return Totals(
            round(self.requests),
            refused,
            self.newly_refused.figure,
            self.newly_admitted.figure,
            self.other_target.figure,
            cost,
            p95_wait,
        )
