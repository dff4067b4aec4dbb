"""Money beyond tokens: tools of the provider, what the provider itself says it bills, discounts and margins."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from governance.catalog.adjustments import NO_ADJUSTMENTS
from governance.model import MICROS_PER_USD
from governance.proxy.adjusting import adjustments_now
from governance.proxy.usage.fields import count, field, first_of, items, number
from governance.proxy.usage.plain import plain_tokens
from governance.proxy.usage.tokens import INPUT_DETAILS

_SEARCHES: Final = ("web_search_requests", "google_maps_grounding_requests", "num_search_queries", "citation_tokens")
# What a model does by itself in a response; functions are called by the caller.
_CALLS_OF_THE_CALLER: Final = frozenset({"function_call", "custom_tool_call", "mcp_call", "local_shell_call"})
_TICKS_PER_USD: Final = 10**10
_STATED_BY_A_PROXY: Final = "llm_provider-x-litellm-response-cost"
# Some charges are in no list of prices; nothing that a request makes its provider do costs more than this.
_MOST_BESIDE_USD_MICROS: Final = 25 * MICROS_PER_USD
_MOST_TIMES: Final = 10


def has_extras(answer: Any, reported: Any) -> bool:
    """Whether the provider has used tools of its own, which are billed beside tokens."""
    if plain_tokens(reported) is None and _tells_of_searches(reported):
        return True
    if any(_is_call_of_provider(field(item, "type")) for item in items(answer, "output")):
        return True
    if any(field(block, "type") == "server_tool_use" for block in items(answer, "content")):
        return True
    messages = [field(choice, "message") for choice in items(answer, "choices")]
    parts = [part for item in items(answer, "output") for part in items(item, "content")]
    return any(items(place, "annotations") for place in (*messages, *parts) if place is not None)


def _tells_of_searches(reported: Any) -> bool:
    details = first_of(reported, INPUT_DETAILS)
    used = (reported, details, field(reported, "server_tool_use"), field(reported, "server_side_tool_usage_details"))
    return any(count(place, name, "web_search_calls") for place in used if place is not None for name in _SEARCHES)


def _is_call_of_provider(kind: Any) -> bool:
    return isinstance(kind, str) and kind.endswith("_call") and kind not in _CALLS_OF_THE_CALLER


def litellm_cost(kwargs: Mapping[str, Any]) -> int | None:
    """LiteLLM's own sum for the attempt that answered, in micro-dollars; None where it has none (it writes 0)."""
    total = _micros(kwargs.get("response_cost")) or 0
    # What attempts before the one that answered cost is in the sum (1.109 and later).
    billed = kwargs.get("failed_attempts_billed_on_success") or ()
    before = (cut_cost(kwargs) or 0) + sum(_micros(cost) or 0 for _, cost in billed)
    return max(0, total - before) or None


def cut_cost(kwargs: Mapping[str, Any]) -> int | None:
    """What a stream had cost by LiteLLM's prices when it was cut and continued elsewhere; None where none was."""
    return _micros(kwargs.get("continued_partial_cost")) or None


def litellm_extras(kwargs: Mapping[str, Any]) -> int:
    """Micro-dollars that LiteLLM's sum has beside tokens: tools of the provider, fees, guardrails."""
    breakdown = field(kwargs.get("standard_logging_object"), "cost_breakdown")
    if not isinstance(breakdown, Mapping):
        return 0
    fees = breakdown.get("additional_costs")
    named = [breakdown.get("tool_usage_cost"), breakdown.get("guardrail_cost")]
    return sum(_micros(usd) or 0 for usd in (*named, *(fees.values() if isinstance(fees, Mapping) else ())))


def stated_cost(kwargs: Mapping[str, Any], answer: Any, reported: Any) -> int | None:
    """What the provider says that it bills, in micro-dollars; None where it says nothing.

    A deployment that has prices of its own is billed by these (LiteLLM's cost_calculator.py does the same).
    """
    if has_own_prices(kwargs):
        return None
    cost = field(reported, "cost")
    details = field(reported, "cost_details")
    beside = _micros(field(details, "upstream_inference_cost")) if field(reported, "is_byok") is True else None
    headers = field(field(answer, "_hidden_params"), "additional_headers")
    told = [
        _micros(cost if isinstance(cost, (int, float, str)) else field(cost, "total_cost")),
        _micros(Decimal(count(reported, "cost_in_usd_ticks")) / _TICKS_PER_USD),
        _micros(field(headers, _STATED_BY_A_PROXY)),
    ]
    most = max(cost or 0 for cost in told) + (beside or 0)
    return most or None


def has_own_prices(kwargs: Mapping[str, Any]) -> bool:
    """Whether the deployment that served has prices in the proxy's configuration."""
    params = kwargs.get("litellm_params")
    if not isinstance(params, Mapping):
        return False
    infos = [field(params.get(name), "model_info") for name in ("metadata", "litellm_metadata")]
    for place in (params, *infos):
        for name in place if isinstance(place, Mapping) else ():
            if "_cost_per_" in str(name) and place[name] is not None:
                return True
    return False


def adjusted(usd_micros: int, kwargs: Mapping[str, Any]) -> int:
    """With the discount and the margin that LiteLLM is configured to apply; rounded up."""
    adjustments = adjustments_now()
    if adjustments == NO_ADJUSTMENTS:
        return usd_micros
    params = kwargs.get("litellm_params")
    provider = str(kwargs.get("custom_llm_provider") or field(params, "custom_llm_provider") or "")
    names = (kwargs.get("model"), kwargs.get("base_model"), field(params, "base_model"))
    return adjustments.of(provider, *(name for name in names if isinstance(name, str))).adjusted(usd_micros)


def is_plausible(usd_micros: int, most_by_tokens: int | None) -> bool:
    """Whether a request can have cost this.

    Args:
        most_by_tokens: micro-dollars of the most tokens that it can have used; None where their price is unknown.
    """
    return usd_micros <= _MOST_TIMES * (most_by_tokens or 0) + _MOST_BESIDE_USD_MICROS


def _micros(usd: Any) -> int | None:
    """Dollars as micro-dollars, rounded to the nearest; None for what is no amount of money."""
    if isinstance(usd, bool) or not isinstance(usd, (int, float, Decimal, str)):
        return None
    amount = number({"usd": str(usd) if isinstance(usd, Decimal) else usd}, "usd")
    return round(Decimal(str(amount)) * MICROS_PER_USD)
