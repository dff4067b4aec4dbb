"""How long answers are, learned also from those that their callers have had cut off.

An answer that was cut off at 64 tokens says that it would have had 64 or more. Taken for its length it would tell too
little of those that may be longer, and a limit of tokens lets in just the requests that allow little. So what is
asked is how many of those that have come to a length end there by themselves (Kaplan and Meier, 1958).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

# How sure a mean is told: two standard errors on either side.
SURE: Final = 2.0
# Of so many alike none was different: by 95 of 100, at most three among that many are (the rule of three).
_UNSEEN: Final = 3.0


class Length(NamedTuple):
    """Tokens of an answer.

    Args:
        low, mid, high: of the mean: what it is at least, what is expected, what it is at most.
        variance: of a single answer, in square tokens.
    """

    low: float
    mid: float
    high: float
    variance: float


class Lengths:
    """Answers that are alike, by their length."""

    def __init__(self) -> None:
        self.count = 0
        self._ended: Counter[int] = Counter()
        self._cut: Counter[int] = Counter()
        self._found: dict[int | None, Length] = {}

    def add(self, tokens: int, *, cut: bool, count: int = 1) -> None:
        """Note so many answers of that length. `cut`: they were as long as their callers allowed."""
        (self._cut if cut else self._ended)[tokens] += count
        self.count += count
        self._found.clear()

    def add_all(self, ended: Mapping[int, int], cut: Mapping[int, int]) -> None:
        """Note answers by their length: those that ended by themselves, and those that were cut off."""
        self._ended.update(ended)
        self._cut.update(cut)
        self.count += sum(ended.values()) + sum(cut.values())
        self._found.clear()

    def allowed(self, most: int | None) -> Length:
        """How long an answer is that may have so many tokens; None: as many as it takes. Needs one answer at least."""
        if most not in self._found:
            self._found[most] = self._allowed(most)
        return self._found[most]

    def _allowed(self, most: int | None) -> Length:
        steps = self._steps(most)
        mean = square = 0.0
        for from_, to, _, _, left in steps:
            mean += left * (to - from_)
            square += left * (to * to - from_ * from_)
        variance = max(0.0, square - mean * mean)
        last, left = (steps[-1][1], self._left(steps)) if steps else (0, 1.0)
        off = SURE * math.sqrt(_of_mean(steps, mean))
        if not variance:
            off = mean * min(1.0, _UNSEEN / self.count)
            variance = mean * mean / self.count
        low, high = max(0.0, mean - off), mean + off
        if left > 0.0 and (most is None or last < most):
            # Beyond the longest that was allowed to anybody nobody knows: they may end there, or go on to the end.
            more = self._more(None if most is None else most - last)
            mean += left * more
            high += left * (2.0 * more if most is None else most - last)
        if most is not None:
            low, mean, high = min(low, most), min(mean, most), min(high, float(most))
        return Length(low, mean, high, variance)

    def _steps(self, most: int | None) -> list[tuple[int, int, int, int, float]]:
        """Between two lengths at which any ended: from, to, how many came to `to`, ended there, share that came."""
        found = []
        at_risk, left, before = self.count, 1.0, 0
        for tokens in sorted(self._ended.keys() | self._cut.keys()):
            if most is not None and tokens >= most:
                found.append((before, most, at_risk, 0, left))
                break
            ended, cut = self._ended.get(tokens, 0), self._cut.get(tokens, 0)
            found.append((before, tokens, at_risk, ended, left))
            left *= 1.0 - ended / at_risk
            at_risk -= ended + cut
            before = tokens
        return found

    @staticmethod
    def _left(steps: list[tuple[int, int, int, int, float]]) -> float:
        _, _, at_risk, ended, left = steps[-1]
        return left * (1.0 - ended / at_risk)

    def _more(self, most: int | None) -> float:
        """Tokens that follow on the longest that were seen, if as many end at each further one as did at all before."""
        ended = self._ended.total()
        total = sum(n * count for each in (self._ended, self._cut) for n, count in each.items())
        if not ended or not total:
            return float(total / self.count if most is None else most)
        usual = total / ended
        return usual if most is None else usual * -math.expm1(-most / usual)


def _of_mean(steps: list[tuple[int, int, int, int, float]], mean: float) -> float:
    """The variance of a mean (Greenwood, 1926)."""
    found, behind = 0.0, mean
    for from_, to, at_risk, ended, left in steps:
        behind -= left * (to - from_)
        if at_risk > ended:
            found += behind * behind * ended / (at_risk * (at_risk - ended))
    return found
