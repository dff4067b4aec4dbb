"""What "cheap" means: where a model's price stands among all priced chat models."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, Final, Literal

Tier = Literal["low", "medium", "high", "very high"]

TIERS: Final[tuple[Tier, ...]] = ("low", "medium", "high", "very high")
# Two in five models are cheap, one in four is expensive, and one in twenty very much so.
_PERCENTILES: Final = (40, 75, 95)
# Of fewer prices no percentile means anything.
_ENOUGH: Final = 100


class Tiers:
    """The bounds between tiers, in dollars per token of a blend: three tokens in, one token out.

    Args:
        model_map: LiteLLM's; every priced chat model in it counts once for each provider that serves it.
    """

    def __init__(self, model_map: Mapping[str, Any]) -> None:
        blends = [
            blend
            for entry in model_map.values()
            if isinstance(entry, Mapping) and entry.get("mode") == "chat" and (blend := _blend(entry))
        ]
        self.bounds: tuple[float, ...] = ()
        if len(blends) >= _ENOUGH:
            percentiles = statistics.quantiles(blends, n=100, method="inclusive")
            self.bounds = tuple(percentiles[p - 1] for p in _PERCENTILES)

    def tier(self, entry: Mapping[str, Any]) -> Tier | None:
        """Where these prices stand; None where one of them is unknown. Never a guess by the name."""
        blend = _blend(entry)
        return None if blend is None or not self.bounds else TIERS[bisect_left(self.bounds, blend)]


def _blend(entry: Mapping[str, Any]) -> float | None:
    prices = entry.get("input_cost_per_token"), entry.get("output_cost_per_token")
    if not all(isinstance(price, (int, float)) and price >= 0 for price in prices):
        return None
    return (3 * float(prices[0]) + float(prices[1])) / 4  # type: ignore[arg-type]
