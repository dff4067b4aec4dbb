"""A random order in proportion to weight."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T")


def noting(draw: Callable[[], float], drawn: list[float]) -> Callable[[], float]:
    """The same numbers, each of them noted when it is drawn."""

    def next_one() -> float:
        number = draw()
        drawn.append(number)
        return number

    return next_one


def draw_all(items: Sequence[T], weights: Sequence[float], draw: Callable[[], float]) -> list[T]:
    """Every item once, each next one drawn in proportion to its weight among those left. The last needs no draw."""
    left, heaviness, drawn = list(items), list(weights), []
    while len(left) > 1:
        index = min(bisect(list(accumulate(heaviness)), draw() * sum(heaviness)), len(left) - 1)
        drawn.append(left.pop(index))
        del heaviness[index]
    return drawn + left
