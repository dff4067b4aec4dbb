"""A column of whole numbers, in as few bytes each as they need."""

from __future__ import annotations

from array import array
from typing import Any, Final

import numpy as np

_TYPES: Final = (np.int8, np.int16, np.int32, np.int64)
_AT_ONCE: Final = 1 << 16


class Narrow:
    """Numbers behind each other, up to 64 bits; what is read of them is an array."""

    def __init__(self) -> None:
        self._parts: list[Any] = []
        # Those that came one by one, behind the parts.
        self._last = array("q")

    def append(self, number: int) -> None:
        """One more."""
        self._last.append(number)
        if len(self._last) >= _AT_ONCE:
            self._close()

    def extend(self, numbers: Any) -> None:
        """Several more."""
        self._close()
        self._parts.append(narrowed(numbers))

    def take(self) -> Any:
        """All of them, in one array; none are left here."""
        self._close()
        parts, self._parts = self._parts, []
        whole = np.empty(sum(map(len, parts)), np.result_type(*parts) if parts else np.int8)
        end = len(whole)
        while parts:
            part = parts.pop()
            whole[end - len(part) : end] = part
            end -= len(part)
        return whole

    def _close(self) -> None:
        if self._last:
            self._parts.append(narrowed(np.frombuffer(self._last, dtype=np.int64)))
            self._last = array("q")


def narrowed(numbers: Any) -> Any:
    """A copy of these in the narrowest type that holds all of them."""
    low, high = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
    return numbers.astype(next(each for each in _TYPES if np.iinfo(each).min <= low and high <= np.iinfo(each).max))
