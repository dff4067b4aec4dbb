"""What one lane did with one recorded request."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter

from governance.ledger import Reading


@dataclass(slots=True, eq=False)
class Done:
    """What one lane did with one line.

    Args:
        outcome: `route`, `pass`, `refuse`; `gone`: it was a retry that nobody would have sent.
        beforehand: it was refused before any policy was asked, then as now.
        hops: (target, `ok` | `failed` | `skipped`, kind of failure or "", milliseconds).
        exact: nothing that did not happen had a hand in the decision; `exact_cost`: nor in what it cost.
        cost: micro-dollars, low, mid, high; None = nobody knows. variance: of the middle, in square micro-dollars.
        came_back: times that it was sent once more after a refusal, by assumption.
        end_us: Unix microseconds; None = nobody knows.
        full: readings of windows without room.
        doubt: how likely it is that it was decided the other way, by how answers scatter that did not happen: 0 to 0.5.
    """

    outcome: str
    target: str | None = None
    code: str | None = None
    limit: str | None = None
    subject: str = ""
    retry_after_s: int | None = None
    rule: str | None = None
    profile: str | None = None
    beforehand: bool = False
    served: str | None = None
    hops: list[tuple[str, str, str, int]] = field(default_factory=list)
    exact: bool = True
    exact_cost: bool = True
    cost: tuple[int, int, int] | None = (0, 0, 0)
    variance: int = 0
    end_us: int | None = None
    full: tuple[Reading, ...] = ()
    came_back: int = 0
    doubt: float = 0.0

    def same(self, other: Done) -> bool:
        """Whether both tell the same."""
        return bool(_ALL(self) == _ALL(other))

    @property
    def refused(self) -> bool:
        return self.outcome == "refuse"

    @property
    def final(self) -> str | None:
        """The target that answered, or was the last hope; None when refused."""
        return self.served or self.target


_ALL = attrgetter(*(each.name for each in fields(Done)))
