"""LiteLLM's own limits, where nobody has any."""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from typing import Any


def unlimited_uncounted() -> bool:
    """LiteLLM counts the tokens of each answer for key, user, team and more, whether any of them has a limit or not.

    Of a request to which no limit of LiteLLM's own applies nothing is counted; who is given one within the same minute
    begins it with what comes after that.
    """
    try:
        from litellm.proxy.hooks import parallel_request_limiter_v3
    except ImportError:
        return False
    module: Any = parallel_request_limiter_v3
    limiter: Any = getattr(module, "_PROXY_MaxParallelRequestsHandler_v3", None)
    limits_of = getattr(limiter, "_build_request_rate_limit_descriptors", None)
    count = getattr(limiter, "async_log_success_event", None)
    stash, stash_of = getattr(module, "get_request_stash", None), getattr(module, "get_request_stash_for_call", None)
    if limits_of is None or count is None or stash is None or stash_of is None:
        return False
    # What LiteLLM remembers of a request, and whether no limit has been found for it.
    free: ContextVar[tuple[Any, bool]] = ContextVar("governance_free_of_limits", default=(None, False))

    @wraps(limits_of)
    async def found(self: Any, *args: Any, **named: Any) -> Any:
        limits = await limits_of(self, *args, **named)
        mine, (known, unlimited) = stash(), free.get()
        free.set((mine, not limits and (unlimited or known is not mine)))
        return limits

    @wraps(count)
    async def counted(self: Any, kwargs: Any, *args: Any, **named: Any) -> None:
        known, unlimited = free.get()
        if not unlimited or known is None or stash_of(kwargs.get("litellm_call_id")) is not known:
            await count(self, kwargs, *args, **named)

    limiter._build_request_rate_limit_descriptors = found
    limiter.async_log_success_event = counted
    return True
