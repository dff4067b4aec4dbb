"""What an answer used, read from whichever shape the provider's answer has."""

from __future__ import annotations

from typing import Any

from governance.decision import Decision
from governance.model import MICROS_PER_USD, Usage

_INPUT = ("prompt_tokens", "input_tokens", "promptTokenCount")
_OUTPUT = ("completion_tokens", "output_tokens", "candidatesTokenCount")


def usage_of(kwargs: dict[str, Any], answer: Any, decision: Decision, target: str) -> Usage:
    """Tokens as the provider reported them; money by the prices of the model that served.

    What LiteLLM gives as zero because it does not know (no usage in the answer, no price for the model) is None here,
    so that what was reserved stays counted. An answer from a cache costs nothing and uses nothing.

    Args:
        kwargs, answer: of LiteLLM's success event.
        target: the `provider/model` that served.
    """
    if kwargs.get("cache_hit") is True:
        return Usage()
    reported = _field(answer, "usage") or _field(answer, "usageMetadata")
    input_tokens, output_tokens = _first(reported, _INPUT), _first(reported, _OUTPUT)
    if not input_tokens and not output_tokens:
        standard = kwargs.get("standard_logging_object") or {}
        input_tokens, output_tokens = standard.get("prompt_tokens"), standard.get("completion_tokens")
    if not input_tokens and not output_tokens:
        return Usage(None, None, _litellm_cost(kwargs))
    tokens = int(input_tokens or 0), int(output_tokens or 0)
    facts = decision.request.models.facts(target) if decision.request.models else None
    cost = facts.cost_usd_micros(*tokens) if facts else None
    return Usage(*tokens, cost_usd_micros=_litellm_cost(kwargs) if cost is None else cost)


def _litellm_cost(kwargs: dict[str, Any]) -> int | None:
    cost = kwargs.get("response_cost")
    return round(cost * MICROS_PER_USD) if isinstance(cost, (int, float)) and cost > 0 else None


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


def _first(reported: Any, names: tuple[str, ...]) -> int | None:
    for name in names:
        value = _field(reported, name) if reported is not None else None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return int(value)
    return None
