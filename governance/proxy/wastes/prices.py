"""What an answer cost, and why it cost nothing."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from functools import wraps
from types import SimpleNamespace
from typing import Any, Final

from litellm.litellm_core_utils import litellm_logging

from governance.proxy.wastes.copied import deep_copy

_MOST_DEPLOYMENTS: Final = 4096
# Prices may be changed meanwhile.
_NOTHING_TO_TELL_WITHIN_S: Final = 60.0


def same_price_lists() -> bool:
    """What is known of a model's prices is copied for each answer, entry by entry."""
    module: Any = litellm_logging
    if getattr(module, "copy", None) is not copy:
        return False
    module.copy = SimpleNamespace(**{**vars(copy), "deepcopy": deep_copy})
    return True


def same_reasons(clock: Callable[[], float] = time.monotonic) -> bool:
    """Why an answer cost nothing is found out anew for each answer of a model without a price, where it is nothing to
    tell; for the same kinds of tokens of the same deployment it is looked for once a minute.

    Args:
        clock: monotonic seconds.
    """
    logging: Any = litellm_logging.Logging
    finding = getattr(logging, "_zero_cost_finding", None)
    kinds, usage_of = _kinds_of_tokens(), getattr(litellm_logging, "get_usage_object", None)
    if finding is None or kinds is None or usage_of is None:
        return False
    nothing_until_s: dict[Any, float] = {}

    @wraps(finding)
    def found(self: Any, result: Any, response_cost: float | None, **of: Any) -> Any:
        deployment = None if response_cost else of.get("router_model_id") or self.get_router_model_id()
        usage = usage_of(completion_response=result) if deployment else None
        if usage is None:
            return finding(self, result, response_cost, **of)
        provider = self.model_call_details.get("custom_llm_provider")
        asked = (deployment, of.get("litellm_model_name") or self.model, provider, of.get("calculation_failed"))
        kind = (*asked, self.call_type, self.custom_pricing_for(result), kinds(usage))
        if clock() < nothing_until_s.get(kind, 0.0):
            return None
        reason = finding(self, result, response_cost, **of)
        if reason is None:
            if len(nothing_until_s) >= _MOST_DEPLOYMENTS:
                nothing_until_s.clear()
            nothing_until_s[kind] = clock() + _NOTHING_TO_TELL_WITHIN_S
        return reason

    logging._zero_cost_finding = found
    return True


def _kinds_of_tokens() -> Callable[[Any], Any] | None:
    try:
        from litellm.litellm_core_utils.llm_cost_calc.zero_cost_diagnostic import used_pricing_keys
    except ImportError:
        return None
    return used_pricing_keys
