"""What is known of a model, and what quantities of its service cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from governance.model.adjustment import NO_ADJUSTMENT, Adjustment
from governance.model.quantities import Quantities
from governance.model.token_prices import NO_TOKEN_PRICES, TokenPrices, token_prices

# Prices are counted in these, so that sums are exact: a price of the model map has 12 decimals, some have 17.
ATTOS_PER_MICRO: Final = 10**12
_DEAREST_USD: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Everything a model is billed by, in atto-dollars. None: not billed by that, or unknown.

    Args:
        tokens: by the length of the prompt: (above so many input tokens, prices), the longest first; the last is
            for any length.
        by_tier: the same for service tiers other than the standard one (`priority`, `flex`, …).
        image_in, image_out, pixel_out, second, character, query, page, annotated_page, credit: per piece, for models
            that are not billed by tokens. Where an answer reports tokens that have a price, these are what is billed.
        varies: it is cheaper at some hours, sizes or resolutions, so that these prices are the most it costs.
        more: some answers cost more, by where or how fast they are made or by what else is in the prompt.
        adjustment: what the proxy takes off and puts on.
    """

    tokens: tuple[tuple[int, TokenPrices], ...] = ((-1, NO_TOKEN_PRICES),)
    by_tier: Mapping[str, tuple[tuple[int, TokenPrices], ...]] = field(
        default_factory=lambda: MappingProxyType({}), hash=False
    )
    image_in: int | None = None
    image_out: int | None = None
    pixel_out: int | None = None
    second: int | None = None
    character: int | None = None
    query: int | None = None
    page: int | None = None
    annotated_page: int | None = None
    credit: int | None = None
    varies: bool = False
    more: bool = False
    adjustment: Adjustment = NO_ADJUSTMENT

    @property
    def is_free(self) -> bool:
        """Whether nothing that is known to be billed costs anything."""
        if self.adjustment.fixed_usd_micros:
            return False
        steps = (*self.tokens, *(step for tier in self.by_tier.values() for step in tier))
        pieces = (getattr(self, name) for name in _PIECES)
        return not any(pieces) and not any(price for _, tokens in steps for price in astuple(tokens))

    @property
    def are_by_token(self) -> bool:
        """Whether tokens have prices; without them, an answer may be billed by its time or its characters."""
        return self.tokens[-1][1].input is not None

    def of_tokens(self, input_tokens: int, tier: str = "") -> TokenPrices:
        """What tokens cost where the prompt has so many."""
        steps = self.by_tier.get(tier, self.tokens) if tier else self.tokens
        if len(steps) == 1:
            return steps[0][1]
        return next(step for above, step in steps if input_tokens > above)

    def cost_usd_micros(self, used: Quantities, tier: str = "") -> int | None:
        """What that costs, rounded up to a micro-dollar once; None where a price is unknown.

        Args:
            tier: of service; one without prices of its own costs the standard ones.
        """
        prices = self.of_tokens(used.input_tokens, tier)
        inputs = prices.input_cost(used)
        outputs = prices.output_cost(used)
        if used[_FIRST_PIECE:] != _NO_PIECES:
            return self._with_pieces(used, prices, inputs, outputs)
        if inputs is None or outputs is None or prices.input is None:
            return None
        return _micros(inputs + outputs)

    def billed_usd_micros(self, used: Quantities, tier: str = "") -> int | None:
        """The same with the proxy's own discount and margin."""
        cost = self.cost_usd_micros(used, tier)
        return None if cost is None else self.adjustment.adjusted(cost)

    def _with_pieces(
        self, used: Quantities, prices: TokenPrices, inputs: int | None, outputs: int | None
    ) -> int | None:
        if used.characters and self.character is not None:
            return _micros(used.characters * self.character)
        heard = used.audio_input_tokens > 0 and prices.audio_input is not None
        if used.duration_ms and self.second is not None and not heard:
            return _micros(-(-(used.duration_ms * self.second) // 1000))
        if used.millicredits and self.credit is not None:
            return _micros(-(-(used.millicredits * self.credit) // 1000))
        drawn = used.output_tokens > 0 and prices.image_output is not None
        pieces = (
            (used.images_in, self.image_in),
            (0 if drawn else used.images_out, self.image_out),
            (0 if drawn or self.image_out is not None else used.pixels_out, self.pixel_out),
            (used.queries, self.query),
            (used.pages, self.page),
            (used.annotated_pages, self.page if self.annotated_page is None else self.annotated_page),
        )
        by_piece = [count * price for count, price in pieces if count and price is not None]
        if by_piece:
            # Tokens without a price of their own are part of that.
            return _micros(sum(by_piece) + (inputs or 0) + (outputs or 0))
        unpriced = used.output_tokens == 0 and (used.images_out > 0 or used.input_tokens == 0)
        if inputs is None or outputs is None or unpriced:
            return None
        return _micros(inputs + outputs)


_PIECES: Final = (
    "image_in",
    "image_out",
    "pixel_out",
    "second",
    "character",
    "query",
    "page",
    "annotated_page",
    "credit",
)
_FIRST_PIECE: Final = Quantities._fields.index("images_in")
_NO_PIECES: Final = (0,) * (len(Quantities._fields) - _FIRST_PIECE)


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of one model. None and empty mean unknown, never "no".

    Args:
        input_price, output_price: micro-dollars per token (dollars per million tokens).
        prices: everything it is billed by; left out, it is these two.
        unsaid: capabilities that no source says anything of, though `capabilities` is known.
        input_modalities: of text, image, audio, video: what it takes.
        output_modalities: of text, image_generation, audio_generation, video_generation, embedding: what it makes.
        display_name: for people; "" when unknown.
        gone_since: the date since when its provider does not list it any more; "" while it does or never did.
        retires_at_s: from when its provider does not serve it any more, Unix seconds.
    """

    capabilities: frozenset[str] | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    input_price: float | None = None
    output_price: float | None = None
    prices: Prices = Prices()
    unsaid: frozenset[str] = frozenset()
    input_modalities: frozenset[str] | None = None
    output_modalities: frozenset[str] | None = None
    display_name: str = ""
    gone_since: str = ""
    retires_at_s: float | None = None

    def __post_init__(self) -> None:
        if self.prices == _NO_PRICES and (self.input_price is not None or self.output_price is not None):
            prices = token_prices(attos(self.input_price, per=1_000_000), attos(self.output_price, per=1_000_000))
            object.__setattr__(self, "prices", Prices(((-1, prices),)))

    def cost_usd_micros(self, input_tokens: int, output_tokens: int) -> int | None:
        """What these tokens cost, rounded up to a micro-dollar; None when a price is unknown."""
        return self.prices.cost_usd_micros(Quantities(input_tokens, output_tokens))

    def cost_of(self, used: Quantities, tier: str = "") -> int | None:
        """What these quantities cost, rounded up to a micro-dollar; None when a price is unknown."""
        return self.prices.cost_usd_micros(used, tier)

    def billed(self, used: Quantities, tier: str = "") -> int | None:
        """The same with the proxy's own discount and margin."""
        return self.prices.billed_usd_micros(used, tier)


_NO_PRICES: Final = Prices()
NO_FACTS: Final = ModelFacts()


def attos(usd: Any, *, per: int = 1) -> int | None:
    """A price in dollars for `per` pieces as atto-dollars for one; None for what is no price."""
    if usd is None or isinstance(usd, bool):
        return None
    try:
        exact = Decimal(str(usd))
    except ArithmeticError:
        return None
    if not exact.is_finite() or not 0 <= exact <= _DEAREST_USD * per:
        return None
    return round(exact * ATTOS_PER_MICRO * 1_000_000 / per)


def _micros(attos: int) -> int:
    return -(-attos // ATTOS_PER_MICRO)
