"""How many more attempts than requests: a provider that is ill must not be asked by everybody twice.

Counted by each process for itself: of its own first attempts each adds at most its share, so all of them together do.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from governance.model import RetryBudget

_MOST_KEPT: Final = 2_000
_BUCKETS: Final = 10
WITHIN_S: Final = 10


class _Counts:
    """Two numbers of the last `WITHIN_S` seconds, to a tenth of them."""

    __slots__ = ("_buckets",)

    def __init__(self) -> None:
        self._buckets: list[list[int]] = []

    def add(self, tick: int, first: int, second: int) -> None:
        if not self._buckets or self._buckets[-1][0] != tick:
            self._buckets.append([tick, 0, 0])
            while self._buckets[0][0] <= tick - _BUCKETS:
                del self._buckets[0]
        self._buckets[-1][1] += first
        self._buckets[-1][2] += second

    def sums(self, tick: int) -> tuple[int, int]:
        recent = [bucket for bucket in self._buckets if bucket[0] > tick - _BUCKETS]
        return sum(bucket[1] for bucket in recent), sum(bucket[2] for bucket in recent)


class Retries:
    """First and extra attempts of each family of targets, and failures of each target.

    Args:
        clock: Unix seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._families: OrderedDict[str, _Counts] = OrderedDict()
        self._targets: OrderedDict[str, _Counts] = OrderedDict()

    def attempted(self, family: str, *, extra: bool) -> None:
        """A target of this family is asked; `extra`: after another one had failed."""
        _of(self._families, family).add(self._tick(), int(not extra), int(extra))

    def ended(self, target: str, *, failed: bool) -> None:
        """An attempt of this target is over."""
        _of(self._targets, target).add(self._tick(), 1, int(failed))

    def refuses(self, budget: RetryBudget, family: str, target: str) -> str:
        """Why this target may not be asked after another one has failed; "" where it may."""
        tick = self._tick()
        ended, failed = _sums(self._targets, target, tick)
        if failed * 2 <= ended:
            # Whoever is well may always be tried.
            return ""
        first, extra = _sums(self._families, family, tick)
        if extra < max(budget.at_least, first * budget.percent // 100):
            return ""
        return f"{extra} extra attempts on {first} requests in {WITHIN_S} s, and {failed} of its last {ended} failed"

    def _tick(self) -> int:
        return int(self._clock() * _BUCKETS / WITHIN_S)


def _of(counts: OrderedDict[str, _Counts], name: str) -> _Counts:
    found = counts.get(name)
    if found is None:
        if len(counts) >= _MOST_KEPT:
            counts.popitem(last=False)
        found = counts[name] = _Counts()
    return found


def _sums(counts: OrderedDict[str, _Counts], name: str, tick: int) -> tuple[int, int]:
    found = counts.get(name)
    return found.sums(tick) if found else (0, 0)
