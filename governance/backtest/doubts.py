"""How sure a decision is that hangs on what windows have counted of answers that nobody has seen."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from governance.ledger import Reading
from governance.ledger.reservation import Key, key_of

# Less often than one of a thousand (three deviations) is never.
_NEVER: Final = 0.00135


@dataclass(slots=True)
class _Counted:
    """What one window counts of guesses, by when that leaves it: Unix seconds, and variance in its unit squared."""

    # Whole numbers: what has left takes off just what it added.
    variance: int = 0
    leaving: deque[tuple[int, int]] = field(default_factory=deque)


class Doubts:
    """The scatter of answers that did not happen, in each window that counts them."""

    def __init__(self) -> None:
        self._counted: dict[Key, _Counted] = defaultdict(_Counted)

    def note(self, reading: Reading, variance: int, at_s: float) -> None:
        """Count an answer in a window.

        Args:
            reading: of the window, when the request was admitted, at that time. variance: in the unit of the window,
                squared.
        """
        period = reading.window.period
        leaves_s = at_s + period if isinstance(period, int) else reading.resets_at_s
        if not variance or leaves_s is None:
            return
        counted, until_s = self._counted[key_of(reading.window)], math.ceil(leaves_s)
        counted.variance += variance
        if counted.leaving and counted.leaving[-1][0] >= until_s:
            last_s, before = counted.leaving.pop()
            counted.leaving.append((last_s, before + variance))
        else:
            counted.leaving.append((until_s, variance))

    def chance(self, windows: Iterable[tuple[Reading, bool]], now_s: float, *, refused: bool) -> float:
        """How likely it is that a request would have been decided the other way: from 0 to 0.5.

        Args:
            windows: those that were read, and whether the request is counted there.
        """
        if not self._counted:
            return 0.0
        of_refused = [self._other_way(each, now_s) for each, _ in windows if not each.fits and _binds(each)]
        if refused:
            return min(of_refused, default=0.0)
        return max((self._other_way(each, now_s) for each, counted in windows if counted and _binds(each)), default=0.0)

    def _other_way(self, reading: Reading, now_s: float) -> float:
        counted = self._counted.get(key_of(reading.window))
        if counted is None:
            return 0.0
        while counted.leaving and counted.leaving[0][0] <= now_s:
            counted.variance -= counted.leaving.popleft()[1]
        if not counted.leaving:
            del self._counted[key_of(reading.window)]
            return 0.0
        room = reading.window.amount - reading.used - reading.amount
        # Between the last amount that fits and the first that does not.
        chance = 0.5 * math.erfc(abs(room + 0.5) / math.sqrt(2.0 * counted.variance))
        return chance if chance >= _NEVER else 0.0


def _binds(reading: Reading) -> bool:
    return reading.window.mode == "enforce"
