"""What is known of one model, and what can be relied on where any of several may serve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final

from governance.catalog.modalities import CAPABILITY_KEYS, completed, made, taken, unsaid
from governance.catalog.prices import facts_of
from governance.catalog.retirement import KEY, retires_at_s
from governance.model.facts import NO_FACTS, ModelFacts, Prices
from governance.model.token_prices import TokenPrices

_CAPABILITIES: Final = frozenset(CAPABILITY_KEYS)


def known_facts(entry: Mapping[str, Any]) -> ModelFacts:
    """The facts in what the sources say of a model."""
    if not entry:
        return NO_FACTS
    entry = completed(entry)
    facts = facts_of(entry)
    return replace(
        facts,
        unsaid=frozenset() if facts.capabilities is None else unsaid(entry),
        input_modalities=taken(entry),
        output_modalities=made(entry),
        display_name=str(entry.get("display_name", "")),
        gone_since=str(entry.get("gone_since", "")),
        retires_at_s=retires_at_s(entry.get(KEY)),
    )


def facts_of_any(known: Sequence[ModelFacts]) -> ModelFacts:
    """Of several of which any may serve: what all of them can, the smallest of them takes, the dearest costs.

    One whose price is unknown makes all of them unpriced, and a free one makes nothing free.
    """
    if not known:
        return NO_FACTS
    first = known[0]
    if all(facts == first for facts in known):
        return first
    capabilities, silent = _capabilities(known)
    return ModelFacts(
        capabilities=capabilities,
        unsaid=silent,
        max_input_tokens=_of_known(min, [facts.max_input_tokens for facts in known]),
        max_output_tokens=_of_known(min, [facts.max_output_tokens for facts in known]),
        input_price=_dearest_price([facts.input_price for facts in known]),
        output_price=_dearest_price([facts.output_price for facts in known]),
        prices=dearest([facts.prices for facts in known]),
        input_modalities=_shared([facts.input_modalities for facts in known]),
        output_modalities=_shared([facts.output_modalities for facts in known]),
        gone_since=min(facts.gone_since for facts in known),
        retires_at_s=_last_of_all([facts.retires_at_s for facts in known]),
    )


@dataclass(frozen=True, slots=True)
class Dearest(Prices):
    """The prices of several of which any may serve: whatever is used costs what the dearest of them takes for it.

    The fields of `Prices` hold the highest price of each kind.
    """

    of: tuple[Prices, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether none of them costs anything."""
        return all(prices.is_free for prices in self.of)

    @property
    def are_by_token(self) -> bool:
        """Whether all of them bill tokens."""
        return all(prices.are_by_token for prices in self.of)

    def cost_usd_micros(self, *used: Any, **how: Any) -> int | None:
        """The highest of all costs; None where one is unknown."""
        return _dearest_price([prices.cost_usd_micros(*used, **how) for prices in self.of])  # type: ignore[no-any-return]

    def billed_usd_micros(self, *used: Any, **how: Any) -> int | None:
        """The highest with each one's own discount and margin; None where one is unknown."""
        return _dearest_price([prices.billed_usd_micros(*used, **how) for prices in self.of])  # type: ignore[no-any-return]


def dearest(prices: Sequence[Prices]) -> Prices:
    """One price list for several of which any may serve."""
    different = tuple(each for i, each in enumerate(prices) if each not in prices[:i])
    if len(different) == 1:
        return different[0]
    highest: dict[str, Any] = {}
    for field in fields(Prices):
        values = [getattr(each, field.name) for each in different]
        if all(value is None or isinstance(value, int) for value in values):
            highest[field.name] = _of_known(max, values)
    tiers = {tier for each in different for tier in each.by_tier}
    by_tier = {tier: _steps([each.by_tier.get(tier, each.tokens) for each in different]) for tier in tiers}
    return Dearest(
        **{**highest, "tokens": _steps([each.tokens for each in different])},
        by_tier=MappingProxyType(by_tier),
        of=different,
    )


Steps = tuple[tuple[int, TokenPrices], ...]


def _steps(several: Sequence[Steps]) -> Steps:
    bounds = sorted({above for steps in several for above, _ in steps}, reverse=True)
    found = []
    for bound in bounds:
        here = [next(prices for above, prices in steps if above <= bound) for steps in several]
        kinds = {kind.name: [getattr(prices, kind.name) for prices in here] for kind in fields(TokenPrices)}
        found.append((bound, TokenPrices(**{kind: _dearest_price(values) for kind, values in kinds.items()})))
    return tuple(found)


def _capabilities(known: Sequence[ModelFacts]) -> tuple[frozenset[str] | None, frozenset[str]]:
    """Those that all have, and those that all may have though some say nothing of it."""
    if all(facts.capabilities is None for facts in known):
        return None, frozenset()
    able = frozenset[str].intersection(*(facts.capabilities or frozenset() for facts in known))
    may = (_CAPABILITIES if facts.capabilities is None else facts.capabilities | facts.unsaid for facts in known)
    return able, frozenset[str].intersection(*may) - able


def _shared(several: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    known = [each for each in several if each is not None]
    return frozenset[str].intersection(*known) if known else None


def _of_known(choose: Callable[[list[int]], int], values: Sequence[int | None]) -> Any:
    known = [value for value in values if value is not None]
    return choose(known) if known else None


def _last_of_all(moments: Sequence[float | None]) -> float | None:
    """As long as one of them serves, all of them do: None where the end of one is unknown."""
    known = [moment for moment in moments if moment is not None]
    return max(known) if len(known) == len(moments) else None


def _dearest_price(values: Sequence[Any]) -> Any:
    return None if None in values else max(values)
