"""How an attempt ends, and what its answer uses: as it was recorded, or as it is guessed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Scenario = Literal["low", "mid", "high"]
_NONE: Final[Mapping[str, int]] = {}


class Fate(NamedTuple):
    """How one attempt ends.

    Args:
        took_us: microseconds; None = nobody knows when, it is as if it never ended.
        exact: it has happened so.
        waited_us: before it was begun: what the proxy does with a request first.
    """

    outcome: Literal["ok", "failed"]
    error: str | None
    took_us: int | None
    status: int | None = None
    retry_after_s: float | None = None
    served: str = ""
    exact: bool = True
    waited_us: int = 0

    @property
    def ends_after_us(self) -> int | None:
        """From when its turn has come."""
        return None if self.took_us is None else self.waited_us + self.took_us


class Spent(NamedTuple):
    """What an answer uses. None: nobody knows.

    Args:
        usd_micros: by scenario: low, mid, high. variance: of the middle one, in square micro-dollars.
        outputs: of tokens, by scenario too, where that is not exact.
        scatter: by the unit of a window how much the middle of what it counts scatters, in that unit squared.
    """

    input_tokens: int | None
    output_tokens: int | None
    usd_micros: tuple[int, int, int] | None
    variance: int = 0
    exact: bool = True
    outputs: tuple[int, int, int] | None = None
    scatter: Mapping[str, int] = _NONE
