"""The series of one metric: as many as its labels have values, and never more than 500."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, Generic, Protocol, TypeVar

from prometheus_client import Counter, Histogram

MOST: Final = 500
OTHER: Final = "other"
_LONGEST: Final = 200
_MOST_PENDING: Final = 64

M = TypeVar("M", bound="_Labelled")
Values = tuple[str, ...]


class _Labelled(Protocol):
    def labels(self: M, *values: str) -> M: ...


class Series(Generic[M]):
    """The children of a metric, made once each: looking one up in prometheus_client costs more than counting.

    Callers choose model names, so targets and subjects may have any number of values. When a metric has 500 series, a
    new one is counted as `other` in its open labels.

    Args:
        names: of the labels, in order.
        open: those whose values are not from a closed list or from the policy.
    """

    def __init__(self, metric: M, names: Values, open: Collection[str] = (), most: int = MOST) -> None:
        self._metric = metric
        self._open = tuple(name in open for name in names)
        self._most = most
        self._children: dict[Values, M] = {} if names else {(): metric}

    def of(self, *values: str) -> M:
        """The child with these values."""
        child = self._children.get(values)
        return child if child is not None else self._make(values)

    def _make(self, values: Values) -> M:
        values = tuple(_plain(value) for value in values)
        if values not in self._children and len(self._children) >= self._most:
            values = tuple(OTHER if is_open else value for value, is_open in zip(values, self._open, strict=True))
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self._metric.labels(*values)
        return child


class Counts:
    """A counter that is counted here first, for a tenth of what prometheus_client takes."""

    def __init__(self, series: Series[Counter]) -> None:
        self._series = series
        self._pending: dict[Values, int] = {}

    def add(self, *values: str, amount: int = 1) -> None:
        """So many more."""
        pending = self._pending
        pending[values] = pending.get(values, 0) + amount
        if len(pending) > _MOST_PENDING:
            self.flush()

    def flush(self) -> None:
        """Hand over what was counted."""
        pending, self._pending = self._pending, {}
        for values, amount in pending.items():
            self._series.of(*values).inc(amount)


class Measures:
    """A histogram whose values are collected first: one after the other they cost a third."""

    def __init__(self, series: Series[Histogram]) -> None:
        self._series = series
        self._pending: dict[Values, list[float]] = {}

    def add(self, value: float, *values: str) -> None:
        """One more value."""
        found = self._pending.get(values)
        if found is None:
            found = self._pending[values] = []
        found.append(value)
        if len(found) >= _MOST_PENDING:
            self.flush()

    def flush(self) -> None:
        """Hand over what was measured."""
        for values, found in self._pending.items():
            observe: Callable[[float], None] = self._series.of(*values).observe
            for value in found:
                observe(value)
            found.clear()


def _plain(value: str) -> str:
    # A name that no UTF-8 can hold would spoil the whole page.
    return value[:_LONGEST].encode("utf-8", "backslashreplace").decode()
