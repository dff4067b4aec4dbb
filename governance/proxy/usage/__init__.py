"""What an answer used, read from whichever shape the provider's answer has; see docs/costs.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from governance.engine.decision import Decision
from governance.model import NO_FACTS, ModelFacts, Request, Usage
from governance.model.quantities import Quantities
from governance.model.sizes import GENERATES_TEXT
from governance.proxy.usage import charges
from governance.proxy.usage.bounds import bounded, bounds, text_tokens
from governance.proxy.usage.fields import count, shown
from governance.proxy.usage.pieces import tier, with_pieces
from governance.proxy.usage.tokens import tokens
from governance.proxy.usage.told import combined, merged, usages_in

_WITHOUT_TOKENS: Final = frozenset({"embedding", "rerank", "moderation"})
# What these cost depends on sizes, qualities and speeds that only LiteLLM's own lists of prices have.
_LITELLM_KNOWS_MORE: Final = frozenset({"image_generation", "speech", "video_generation", "search"})


def usage_of(
    kwargs: dict[str, Any],
    answer: Any,
    decision: Decision,
    target: str,
    told: Sequence[Mapping[str, Any]] = (),
    facts: ModelFacts | None = None,
) -> Usage:
    """Tokens as the provider reported them; money by the prices of the deployment that served.

    What LiteLLM gives as zero because it does not know (no usage in the answer, no price for the model) is None here,
    so that what was reserved stays counted. An answer from a cache costs nothing and uses nothing.

    Args:
        kwargs, answer: of LiteLLM's success event.
        target: the `provider/model` that served.
        told: the usages that the provider's own stream had.
        facts: what is known of the deployment; left out, those of the target.
    """
    if kwargs.get("cache_hit") is True:
        return Usage()
    request = decision.request
    if facts is None:
        facts = request.models.facts(target) if request.models else NO_FACTS
    return measured(kwargs, answer, request, facts, told)


def measured(
    kwargs: Mapping[str, Any],
    answer: Any,
    request: Request,
    facts: ModelFacts,
    told: Sequence[Mapping[str, Any]] = (),
) -> Usage:
    """The same for a request to a model of which these facts are known."""
    used, reported = _reported(kwargs, answer, request, told)
    known = used.input_tokens > 0 or used.output_tokens > 0
    if known and request.request_type in GENERATES_TEXT:
        # No provider answers a prompt without reading it, or with a text that has no tokens; the estimate is the best
        # that is known.
        used = used._replace(
            input_tokens=used.input_tokens or request.prompt_tokens,
            output_tokens=used.output_tokens or text_tokens(answer),
        )
    used = with_pieces(used, request, answer, reported)
    extras = charges.has_extras(answer, reported)
    most = bounds(request, facts, used, answer, searched=extras)
    used, implausible = bounded(used, most)
    at = tier(request, answer, reported)
    by_prices = facts.cost_of(used, at) if known or any(used) else None
    dearest = facts.cost_of(Quantities(most.input_tokens, most.output_tokens), at)
    if facts.prices.varies and not extras and charges.litellm_cost(kwargs) is not None:
        # Ours is what it costs at most: at the dearest hour, size or resolution.
        by_prices = None
    # Of what nobody believes, LiteLLM's sum is as wrong as the usage is.
    more = facts.prices.more and not implausible
    knows_more = extras or more or request.request_type in _LITELLM_KNOWS_MORE
    cost, remarks, beyond = _cost(kwargs, answer, reported, by_prices, dearest, knows_more)
    implausible += beyond
    if not known:
        return Usage(None, None, cost, implausible, remarks, quantities=used)
    cached, saved = used.cached_input_tokens, _saved(used, facts, at)
    return Usage(used.input_tokens, used.output_tokens, cost, implausible, remarks, cached, saved, used)


def _saved(used: Quantities, facts: ModelFacts, at: str) -> int:
    """Micro-dollars that the provider's cache was worth."""
    if not used.cached_input_tokens:
        return 0
    uncached = facts.cost_of(used._replace(cached_input_tokens=0, cached_audio_tokens=0), at)
    return max(0, (uncached or 0) - (facts.cost_of(used, at) or 0))


def part_so_far(kwargs: Mapping[str, Any]) -> Quantities | None:
    """What all the targets whose streams were cut had delivered before this one; None if none was."""
    reported = kwargs.get("continued_partial_usage")
    return None if reported is None else tokens(reported)


def part_of(kwargs: Mapping[str, Any], decision: Decision, target: str, used: Quantities, *, whole: bool) -> Usage:
    """What the `provider/model` that was cut had delivered.

    Args:
        whole: nobody else was cut, so that LiteLLM's cost is that of this one.
    """
    models = decision.request.models
    facts = (models.facts(target) if models else None) or NO_FACTS
    cost = facts.cost_of(used, "")
    if cost is not None:
        return Usage(used.input_tokens, used.output_tokens, charges.adjusted(cost, kwargs))
    return Usage(used.input_tokens, used.output_tokens, charges.cut_cost(kwargs) if whole else None)


def _reported(
    kwargs: Mapping[str, Any], answer: Any, request: Request, told: Sequence[Mapping[str, Any]]
) -> tuple[Quantities, Any]:
    """Tokens as the provider told them, and what else it said beside them."""
    answers = request.request_type not in _WITHOUT_TOKENS
    if told:
        used = combined(told, text_tokens(answer), answers=answers)
        if used.input_tokens or used.output_tokens:
            return used, merged(told)
    used, reported = Quantities(), None
    for usage in usages_in(answer):
        read = tokens(usage, answers=answers)
        if reported is None or _size(read) > _size(used):
            used, reported = read, usage
    if not _size(used):
        standard = kwargs.get("standard_logging_object") or {}
        used = Quantities(count(standard, "prompt_tokens"), count(standard, "completion_tokens"))
    return used, reported


def _size(used: Quantities) -> int:
    return used.input_tokens + used.output_tokens


def _cost(
    kwargs: Mapping[str, Any],
    answer: Any,
    reported: Any,
    by_prices: int | None,
    dearest: int | None,
    litellm_knows_more: bool,
) -> tuple[int | None, tuple[str, ...], tuple[str, ...]]:
    """The larger of our sum, LiteLLM's where it has more in it, and the provider's; why; and what nobody believes."""
    litellm, extras = charges.litellm_cost(kwargs), charges.litellm_extras(kwargs)
    stated = charges.stated_cost(kwargs, answer, reported)
    said, beyond = [], []
    cost = None if by_prices is None else charges.adjusted(by_prices + extras, kwargs)
    if cost is not None and extras and not charges.is_plausible(extras, dearest):
        beyond.append(f"cost of tools: {shown(extras)} micro-dollars by LiteLLM, 0 counted")
        cost = charges.adjusted(by_prices or 0, kwargs)
    if cost is not None and cost != by_prices:
        said.append(f"{by_prices} by tokens and pieces; with tools, fees, discount and margin {cost}")
    for name, other, believed in (
        ("LiteLLM", litellm, litellm_knows_more or bool(extras) or by_prices is None),
        ("its provider", stated if stated is None else charges.adjusted(stated, kwargs), True),
    ):
        if other is None or not believed or (cost is not None and other <= cost):
            continue
        if not charges.is_plausible(other, dearest):
            beyond.append(f"cost: {shown(other)} micro-dollars by {name}, not counted")
            continue
        said.append(f"{other} micro-dollars by {name}" + ("" if cost is None else f", {cost} by our prices"))
        cost = other
    return cost, tuple(said), tuple(beyond)
