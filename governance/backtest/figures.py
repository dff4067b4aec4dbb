"""A number, and how it is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Label = Literal["exact", "estimated", "unknown"]

EXACT: Final = "exact"
ESTIMATED: Final = "estimated"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a report, in the unit of the field that holds it.

    Args:
        label: `exact`: nothing that did not happen has touched it. `estimated`: between `low` and `high`.
            `unknown`: nobody can say; the three numbers are None.
        unknown: requests of which nobody can say what they add to it.
    """

    label: Label
    low: int | None
    mid: int | None
    high: int | None
    unknown: int = 0

    @classmethod
    def exactly(cls, value: int) -> Figure:
        """A number that is known."""
        return cls(EXACT, value, value, value)

    @classmethod
    def between(cls, low: int, mid: int, high: int, *, unknown: int = 0) -> Figure:
        """A range: `mid` is what is expected; in order, whichever way round the bounds are given."""
        return cls(ESTIMATED, min(low, mid, high), mid, max(low, mid, high), unknown)

    @classmethod
    def of_nobody_knows(cls, requests: int) -> Figure:
        """A number of which nothing can be said."""
        return cls(UNKNOWN, None, None, None, requests)

    @property
    def value(self) -> int | None:
        """The number that is expected; None where nobody can say."""
        return self.mid


@dataclass(frozen=True, slots=True)
class Lanes:
    """The same number three times: as recorded, as the active policy makes it of the same arrivals, as the candidate
    does. `delta` is candidate minus active, never candidate minus recorded.

    Args:
        recorded: None where the recording does not say.
    """

    recorded: int | None
    active: Figure
    candidate: Figure
    delta: Figure
