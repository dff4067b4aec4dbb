"""Whether a target is dearer for a request than a profile allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from governance.model import MICROS_PER_USD, NO_FACTS, ModelFacts, Rejection, Request, codes
from governance.model.facts import ATTOS_PER_MICRO
from governance.model.sizes import amount
from governance_plugins.routing_profiles.config import MaxPrice

_MILLION: Final = 1_000_000


def too_dear(most: MaxPrice, request: Request, name: str) -> Rejection | None:
    """Why a target may not serve this request at its price; None where it may."""
    facts = request.models.facts(name) if request.models else NO_FACTS
    for what, price, allowed in _compared(most, request, facts, name):
        if price is None:
            return Rejection(codes.UNPRICED, f"its price is unknown, so `max_price.{what}` cannot be kept")
        if price > allowed:
            unit = "" if what == "request" else "/1M"
            detail = f"{what} costs {usd(price)}{unit}, at most {usd(allowed)}{unit} is allowed"
            return Rejection(codes.PRICE_TOO_HIGH, detail)
    return None


def usd(usd_micros: int) -> str:
    """`0.0123 USD`."""
    whole, micros = divmod(usd_micros, MICROS_PER_USD)
    return f"{whole:,}.{micros:06d}".rstrip("0").rstrip(".") + " USD"


def _compared(most: MaxPrice, request: Request, facts: ModelFacts, name: str) -> Iterator[tuple[str, int | None, int]]:
    """What is limited, what it costs in micro-dollars, and what it may: of tokens, a million."""
    tier = request.params.get("service_tier", "")
    # A tier without prices of its own costs the standard ones; one is asked for, and not always had.
    paid = [facts.prices.of_tokens(request.prompt_tokens, each) for each in dict.fromkeys(("", tier))]
    for side in ("input", "output"):
        allowed = getattr(most, side)
        if allowed is not None:
            prices = [getattr(each, side) for each in paid]
            dearest = None if None in prices else max(prices)
            price = None if dearest is None else facts.prices.adjustment.of_price(dearest * _MILLION)
            yield side, None if price is None else -(-price // ATTOS_PER_MICRO), round(allowed * _MILLION)
    if most.request is not None:
        yield "request", amount(request, "usd_micros", facts, name), most.request
