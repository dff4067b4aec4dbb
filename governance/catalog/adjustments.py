"""The discounts and margins that a proxy is configured to apply, as LiteLLM reads them."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from governance.model.adjustment import NO_ADJUSTMENT, Adjustment
from governance.model.units import MICROS_PER_USD, nothing

DISCOUNTS: Final = "cost_discount_config"
MARGINS: Final = "cost_margin_config"
_OF_ALL: Final = "global"
_WILD: Final = frozenset("*?[")
_WILDCARD: Final = re.compile(r"\[!?\]?[^\]]*\]|[*?]")


class Adjustments(NamedTuple):
    """Both settings of LiteLLM: shares by provider or `provider/pattern`, and shares or amounts by provider.

    Source: LiteLLM 1.106-1.110, cost_calculator.py `_apply_cost_discount` and `_apply_cost_margin`; patterns 1.110,
    litellm_core_utils/cost_discount.py.
    """

    discounts: Mapping[str, Any] = nothing()
    margins: Mapping[str, Any] = nothing()

    def of(self, provider: str, *models: str) -> Adjustment:
        """What a provider's model is billed with.

        Args:
            models: its names; the provider may stand before them.
        """
        if not self.discounts and not self.margins:
            return NO_ADJUSTMENT
        margin = self.margins.get(provider, self.margins.get(_OF_ALL))
        parts = margin if isinstance(margin, Mapping) else {"percentage": margin}
        return Adjustment(
            _decimal(self._discount(provider, models)),
            _decimal(parts.get("percentage")),
            _decimal(parts.get("fixed_amount")) * MICROS_PER_USD,
        )

    def _discount(self, provider: str, models: tuple[str, ...]) -> Any:
        prefix = f"{provider}/"
        names = {model.removeprefix(prefix) for model in models}
        patterns = {key.removeprefix(prefix): key for key in self.discounts if key.startswith(prefix)}
        exact = next((key for pattern, key in patterns.items() if pattern in names), None)
        if exact is not None:
            return self.discounts[exact]
        fitting = [
            pattern
            for pattern in patterns
            if not _WILD.isdisjoint(pattern) and any(fnmatch.fnmatchcase(name, pattern) for name in names)
        ]
        if fitting:
            return self.discounts[patterns[max(fitting, key=_literal_length)]]
        return self.discounts.get(provider)


NO_ADJUSTMENTS: Final = Adjustments()


def adjustments_in(settings: Mapping[str, Any]) -> Adjustments:
    """Those in the proxy's `litellm_settings`."""
    return Adjustments(_mapping(settings.get(DISCOUNTS)), _mapping(settings.get(MARGINS)))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _literal_length(pattern: str) -> int:
    return len(_WILDCARD.sub("", pattern))


def _decimal(value: Any) -> Decimal:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return Decimal(str(value)) if is_number else Decimal(0)
