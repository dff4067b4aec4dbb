"""What a backtest found: coverage and fidelity first, then every figure with how it is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pydantic import TypeAdapter

from governance.backtest.changed import Changed
from governance.backtest.coverage import Coverage, Fidelity, Inputs, SpotCheck
from governance.backtest.figures import Figure, Lanes

FORMAT: Final = "backtest.v1"


@dataclass(frozen=True, slots=True)
class Totals:
    """The figures of everybody, of one team, key, user, limit or target.

    Args:
        requests: arrivals; for a target, those that it served under either policy.
        refused: requests. newly_refused, newly_admitted: both parts of its delta.
        other_target: requests that both admit, and another target serves.
        cost: micro-dollars, at the recorded day's prices where recorded, else at today's.
        p95_wait: milliseconds from arrival to the end of the answer, of admitted requests; None where none is known.
    """

    requests: int
    refused: Lanes
    newly_refused: Figure
    newly_admitted: Figure
    other_target: Figure
    cost: Lanes
    p95_wait: Lanes | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One team, key, user, limit or target. `name`: what people call it; the id where it has no other name."""

    id: str
    name: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class Move:
    """So many requests went from one target to another. `target` None: refused."""

    active: str | None
    candidate: str | None
    requests: Figure


@dataclass(frozen=True, slots=True)
class Point:
    """A moment in the life of a window: the fullest that it was in a slice of time, under both policies.

    Args:
        used_active, limit_active, …: in the unit of the window; None where the policy has no such window.
        refused_active, refused_candidate: requests that it refused in the slice.
    """

    at_ms: int
    used_active: int | None
    limit_active: int | None
    used_candidate: int | None
    limit_candidate: int | None
    refused_active: int
    refused_candidate: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """One window of one subject. `period`: `60s`, `month`, `in flight`."""

    limit: str
    subject: str
    unit: str
    period: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Worst:
    """A subject that the candidate refuses more.

    Args:
        subject: as limits name it, e.g. `team:research`.
        one_in: one of so many of its requests is newly refused.
        first_ms: when it is refused first.
        longest_run_ms: the longest time in which each of its requests is refused.
    """

    subject: str
    name: str
    requests: int
    newly_refused: Figure
    one_in: int
    first_ms: int
    longest_run_ms: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The smallest amount of a limit under which each subject is refused at most `refusals` times.

    Args:
        refusals: of `bound_by`. refusals_ppm: what was asked for as parts of a million of each subject's requests.
        amount: in the unit of the limit; None where none can be told (not a window of requests, tokens or money).
        stated: what the candidate says now.
        bound_by: the subject that needs it.
    """

    limit: str
    unit: str
    period: str
    stated: int
    amount: int | None
    refusals: int
    subjects: int
    bound_by: str
    refusals_ppm: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """See each part. Lists are sorted by how much changes, then by name.

    Args:
        headline: label of the whole: `estimated` where more than a fifth of the delta is.
        changed: at most as many as the assumptions say; `changed_total` counts all.
        assumptions: in words: what was taken to be so where nobody can know.
    """

    inputs: Inputs
    coverage: Coverage
    fidelity: Fidelity
    headline: str
    totals: Totals
    teams: tuple[Row, ...]
    keys: tuple[Row, ...]
    limits: tuple[Row, ...]
    targets: tuple[Row, ...]
    moves: tuple[Move, ...]
    worst: tuple[Worst, ...]
    timelines: tuple[Timeline, ...]
    changed: tuple[Changed, ...]
    changed_total: int
    suggestions: tuple[Suggestion, ...]
    spot_check: SpotCheck
    assumptions: tuple[str, ...]
    format: str = FORMAT

    @property
    def empty(self) -> bool:
        """Whether the candidate changes nothing at all for what was recorded."""
        figures = (self.totals.refused.delta, self.totals.cost.delta, self.totals.other_target)
        return not self.changed_total and all(figure == Figure.exactly(0) for figure in figures)

    def to_json(self) -> bytes:
        """The same bytes for the same report."""
        return _adapter().dump_json(self) + b"\n"

    @classmethod
    def from_json(cls, text: bytes | str) -> Report:
        """What `to_json` has written. Raises ValueError for anything else."""
        return _adapter().validate_json(text)


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Report]:
    return TypeAdapter(Report)
