"""One request of which the candidate makes something else, as all three lanes had it."""

from __future__ import annotations

from dataclasses import dataclass

from governance.backtest.figures import Figure


@dataclass(frozen=True, slots=True)
class LaneTrace:
    """What one lane did with one request.

    Args:
        outcome: `route`, `pass`, `refuse`; `gone`: it is a retry that nobody would have sent.
        served: the target that answered; None when none did.
        hops: (target, `ok` | `failed` | `skipped`, kind of failure or "", milliseconds).
        cost: micro-dollars.
        windows: (limit, subject, unit, used before, limit) of those that had no room.
    """

    outcome: str
    rule: str | None
    profile: str | None
    target: str | None
    code: str | None
    limit: str | None
    served: str | None
    hops: tuple[tuple[str, str, str, int], ...]
    cost: Figure
    windows: tuple[tuple[str, str, str, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """A request of which the candidate makes something else. `kind`: `newly_refused`, `newly_admitted`,
    `other_target`, `other_refusal`."""

    id: str
    at_ms: int
    team: str
    key: str
    model: str
    kind: str
    recorded: LaneTrace
    active: LaneTrace
    candidate: LaneTrace
