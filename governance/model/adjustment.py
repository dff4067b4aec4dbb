"""What the proxy takes off the prices of a provider, and what it puts on top of them."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final, NamedTuple


class Adjustment(NamedTuple):
    """A discount, and a margin on what is left.

    Args:
        discount, margin: shares, such as 0.05.
        fixed_usd_micros: added to the cost of each answer.
    """

    discount: Decimal = Decimal(0)
    margin: Decimal = Decimal(0)
    fixed_usd_micros: Decimal = Decimal(0)

    def adjusted(self, usd_micros: int) -> int:
        """The amount with both, rounded up; never below 0."""
        if self == NO_ADJUSTMENT:
            return usd_micros
        exact = usd_micros * (1 - self.discount)
        return max(0, math.ceil(exact * (1 + self.margin) + self.fixed_usd_micros))

    def of_price(self, attos: int) -> int:
        """A price with discount and margin, rounded up; what is added to each answer is part of none."""
        return max(0, math.ceil(attos * (1 - self.discount) * (1 + self.margin)))


NO_ADJUSTMENT: Final = Adjustment()
