"""When the memory ledger looks at a reservation again."""

from __future__ import annotations

from collections.abc import Container
from heapq import heapify, heappop, heappush
from typing import Final

# Below so many it is not worth the while.
_FEWEST: Final = 1_000


class Due:
    """Moments in milliseconds, and whose they are; a reservation may have several."""

    def __init__(self) -> None:
        self._moments: list[tuple[int, str]] = []
        self._most = _FEWEST

    def __len__(self) -> int:
        return len(self._moments)

    def add(self, at_ms: int, reservation_id: str) -> None:
        heappush(self._moments, (at_ms, reservation_id))

    def next(self, now_ms: int) -> str | None:
        """One whose moment has come, which is gone with that; None = there is none."""
        moments = self._moments
        return heappop(moments)[1] if moments and moments[0][0] <= now_ms else None

    def forget_settled(self, others: Container[str]) -> None:
        """What is settled needs no look. Its moments come minutes later: they are forgotten before, by many at once.

        Args:
            others: those that are not settled.
        """
        if len(self._moments) > self._most:
            self._moments = [moment for moment in self._moments if moment[1] in others]
            heapify(self._moments)
            self._most = _FEWEST + 2 * len(self._moments)
