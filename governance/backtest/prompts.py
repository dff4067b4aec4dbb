"""How many tokens prompts have, by their estimates and by what came of such estimates elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from governance.backtest.lengths import SURE, Length

# How many numbers of answers are added up: see `Prompts`.
SUMS: Final = 6


class Factor(NamedTuple):
    """Tokens for each one of something else. `off`: how far off that may be."""

    value: float
    off: float


@dataclass(slots=True)
class Prompts:
    """Prompts of which both is known, added up in whole numbers, so that their order changes nothing.

    Args:
        count: how many. real, estimated: tokens. The others: sums of their squares and of their products.
    """

    count: int = 0
    real: int = 0
    estimated: int = 0
    real_squares: int = 0
    products: int = 0
    estimated_squares: int = 0

    def add_all(self, count: int, real: int, estimated: int, squares: int, products: int, of_estimates: int) -> None:
        """Add up others."""
        self.count += count
        self.real += real
        self.estimated += estimated
        self.real_squares += squares
        self.products += products
        self.estimated_squares += of_estimates

    def add(self, real: int, estimated: int) -> None:
        """Note one."""
        self.add_all(1, real, estimated, real * real, real * estimated, estimated * estimated)

    @property
    def factor(self) -> Factor:
        """Real tokens for each estimated one. Needs one at least."""
        return Factor(self.real / self.estimated, SURE * math.sqrt(self._variance * self.count) / self.estimated)

    @property
    def _variance(self) -> float:
        """Of what a single estimate is off by."""
        factor = self.real / self.estimated
        squares = self.real_squares - 2 * factor * self.products + factor * factor * self.estimated_squares
        return max(0.0, squares / self.count)

    def of(self, estimated: int) -> Length:
        """The prompt of such an estimate."""
        value, off = self.factor
        mean = estimated * value
        return Length(max(0.0, mean - estimated * off), mean, mean + estimated * off, self._variance)


def other_tokenizer(real: int, theirs: Prompts, ours: Prompts) -> Length:
    """A prompt that has so many tokens by one target's tokenizer, by that of another target.

    Both are compared by what estimates came to. What may be chance is none: most providers share a tokenizer among
    models, and then the number is known.
    """
    (a, a_off), (b, b_off) = theirs.factor, ours.factor
    ratio = b / a
    off = ratio * math.hypot(a_off / a, b_off / b)
    if abs(ratio - 1.0) <= off:
        return Length(real, real, real, 0.0)
    return Length(max(0.0, real * (ratio - off)), real * ratio, real * (ratio + off), 0.0)
