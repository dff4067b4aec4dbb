"""The discounts and margins that LiteLLM applies now; admins may change them while the proxy runs."""

from __future__ import annotations

from collections.abc import Mapping

import litellm

from governance.catalog.adjustments import NO_ADJUSTMENTS, Adjustments


def adjustments_now() -> Adjustments:
    """As they are: what is changed later is not changed in it."""
    discounts, margins = litellm.cost_discount_config or {}, litellm.cost_margin_config or {}
    if not discounts and not margins:
        return NO_ADJUSTMENTS
    kept = {name: dict(margin) if isinstance(margin, Mapping) else margin for name, margin in margins.items()}
    return Adjustments(dict(discounts), kept)
