"""Two policies on the same arrivals, through the engine itself: the truth that every faster way is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from governance.backtest.coverage import SpotCheck
from governance.backtest.done import Done
from governance.backtest.elsewhere import Elsewhere
from governance.backtest.fates import Scenario
from governance.backtest.lane import Lane
from governance.backtest.retries import Retries
from governance.backtest.tally import Played
from governance.backtest.unattended import Habit
from governance.backtest.watch import Watch
from governance.catalog import Catalog
from governance.engine.host import Host
from governance.traffic import TraceLine

Habits = Callable[[], Iterable[Habit]]


class Both(NamedTuple):
    """What came of lines under both policies. `active`, `candidate`: what was read of windows."""

    played: Iterable[Played]
    active: Watch
    candidate: Watch
    retries: int


Span = tuple[int, "int | None", "int | None"]
NOTHING: Final[Span] = (0, None, None)


class Ran(NamedTuple):
    """What was played of all that was read.

    Args:
        early: requests that were counted without being played, and came before the figures begin.
        span: how many requests, the first and the last arrival, Unix microseconds.
        warm_us: for how long requests only fill windows.
    """

    both: Both
    check: SpotCheck
    early: int
    span: Span
    warm_us: int

    @property
    def from_us(self) -> int:
        """Whoever came before is in no figure."""
        return (self.span[1] or 0) + self.warm_us


class Setting(NamedTuple):
    """What lanes need beside lines."""

    active: Host
    candidate: Host
    catalog: Catalog
    elsewhere: Elsewhere


class AnyLane(Protocol):
    """One policy over arrivals: `Lane`, or a faster one that does the same."""

    watch: Watch

    @property
    def guesses(self) -> bool: ...
    def arrive(self, line: TraceLine) -> Done: ...
    def advance(self, until_us: int) -> None: ...
    def finish(self) -> None: ...


class Lanes(Protocol):
    """Makes the lane of a policy: 0 is the one in force, 1 the candidate."""

    def __call__(self, which: int, scenario: Scenario) -> AnyLane: ...


def of_engine(setting: Setting, habits: Habits = tuple) -> Lanes:
    """Lanes in which the engine decides. `habits`: what answers teach that are not among the lines."""

    def lane(which: int, scenario: Scenario) -> AnyLane:
        return Lane((setting.active, setting.candidate)[which], setting.catalog, setting.elsewhere, scenario, habits())

    return lane


def both(setting: Setting, lines: Sequence[TraceLine], lanes: Lanes | None = None) -> Both:
    """Play these lines, which come in the order of their arrival, under both policies.

    Where the candidate's lane has counted anything that did not happen, or left out what may be no retry, it is played
    twice more: with the low and the high end of what may have happened.

    Args:
        lanes: left out, the engine decides.
    """
    firsts = firsts_of(lines) if setting.elsewhere.assumptions.remove_retries else {}
    made = lanes or of_engine(setting)

    def one(which: int, scenario: Scenario) -> tuple[list[Done], Watch, bool]:
        return _one(made(which, scenario), lines, firsts, sent=scenario == "high")

    active, watch_active, _ = one(0, "mid")
    # Amounts are suggested of the candidate's limits alone.
    watch_active.asked.clear()
    candidate, watch_candidate, guesses = one(1, "mid")
    low: Sequence[Done | None] = [None] * len(lines)
    high: Sequence[Done | None] = low
    if guesses:
        low, _, _ = one(1, "low")
        high, _, _ = one(1, "high")
    played = [Played(*each) for each in zip(lines, active, candidate, low, high, strict=True)]
    return Both(played, watch_active, watch_candidate, len(firsts))


def firsts_of(lines: Sequence[TraceLine]) -> dict[str, str]:
    """By the id of each retry that of the request that was sent first."""
    retries = Retries()
    found = ((line.id, retries.first_of(line)) for line in lines)
    return {id: first for id, first in found if first is not None}


def in_turn(lane: AnyLane, firsts: dict[str, str], *, sent: bool) -> Callable[[TraceLine], tuple[Done, bool]]:
    """Decides one line after the other, and says whether what came of it is a guess.

    Args:
        sent: retries of what is admitted now are sent all the same: one that looks like a retry may be none.
    """
    # Of requests that were sent once more: the last of them.
    last: dict[str, Done] = {}
    roots = set(firsts.values())

    def arrive(line: TraceLine) -> tuple[Done, bool]:
        first = firsts.get(line.id)
        before = last.get(first) if first is not None else None
        if before is not None and before.outcome in ("route", "pass") and not sent:
            lane.advance(line.at_us)
            return Done("gone", exact=False, exact_cost=False), True
        one = lane.arrive(line)
        if first is not None or line.id in roots:
            last[first or line.id] = one
        return one, False

    return arrive


def _one(
    lane: AnyLane, lines: Sequence[TraceLine], firsts: dict[str, str], *, sent: bool
) -> tuple[list[Done], Watch, bool]:
    """What came of each line, and whether any of it is a guess. `sent`: see `in_turn`."""
    arrive = in_turn(lane, firsts, sent=sent)
    found = [arrive(line) for line in lines]
    lane.finish()
    return [done for done, _ in found], lane.watch, any(guess for _, guess in found) or lane.guesses
