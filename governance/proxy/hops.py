"""Which target an attempt is for.

LiteLLM asks its two fallback checks before each hop, by the hop's own name, and our filter hook at each attempt. Up to
1.109 the filter hook gets that name as well; the router of 1.110 gives it the wildcard group that serves it (`groq/*`),
so what the check was asked for is noted, and stands for the wildcard until the next hop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache, wraps
from typing import Any

from litellm.proxy import proxy_server
from litellm.proxy.auth.fallback_budget import RouterFallbackBudgetCheck
from litellm.proxy.auth.fallback_model_access import RouterFallbackAccessCheck

from governance.proxy.live import Live
from governance.proxy.live_requests import LiveRequests
from governance.proxy.models import ProxyModels
from governance.proxy.router import group_behind


class Hops:
    """What the fallback checks announce, and what is therefore tried."""

    def __init__(self, live: LiveRequests, models: ProxyModels) -> None:
        self._live = live
        self._models = models

    def watch(self) -> None:
        """Listen to the checks, and decide who may fall back to what where a policy says it."""
        listen(self._announced, self._decided)

    def _announced(self, request_kwargs: Any, model: str) -> None:
        live = self._live.find(request_kwargs)
        if live:
            live.coming = model

    def _decided(self, request_kwargs: Any, model: str) -> bool:
        # 1.108 and later ask whether the key could have asked for the fallback itself. Where the policy gives it
        # to whoever may ask for the virtual model (`access.grant`), that was decided before.
        live = self._live.find(request_kwargs)
        return live is not None and live.decision.outcome == "route" and model in live.decision.by_call_name

    def name(self, live: Live, model: str) -> str:
        """The name that LiteLLM was asked for, where its filter hook gets `model`: that name, the group that an alias
        stands for, or the wildcard that serves it.
        """
        known, router = live.decision.by_call_name, proxy_server.llm_router
        if model in known or router is None:
            return model
        target = live.decision.target
        for name in (live.coming, live.decision.call_name(target) if target else None):
            if name and self._serves(model, group_behind(router, name) or name):
                return name
        return next((name for name in known if group_behind(router, name) == model), model)

    def _serves(self, group: str, name: str) -> bool:
        if group == name or "*" not in group:
            return group == name
        # LiteLLM looks for a wildcard under the provider that it infers when the bare name matches none.
        inferred = f"{self._models.catalog.sources.provider_of(name)}/{name}"
        return any(_wildcard(group).fullmatch(asked) for asked in (name, inferred))


def listen(
    announced: Callable[[Any, str], None], decided: Callable[[Any, str], bool] = lambda request_kwargs, model: False
) -> Callable[[], None]:
    """Hear of each hop by its name. On the checks' classes, so that routers which LiteLLM makes later are covered.

    Args:
        announced: told the request and the name of the hop that is tried next.
        decided: whether the caller was given this hop already, so that LiteLLM need not ask.

    Returns:
        What ends the listening.
    """
    access: Any = RouterFallbackAccessCheck
    budget: Any = RouterFallbackBudgetCheck
    allowed, affordable = access.__call__, budget.__call__

    # 1.109 looks in the signature for the name of the last argument.
    @wraps(allowed)
    async def decided_or_allowed(check: Any, *, model: str, request_kwargs: Any, **more: Any) -> bool:
        if decided(request_kwargs, model):
            return True
        return bool(await allowed(check, model=model, request_kwargs=request_kwargs, **more))

    @wraps(affordable)
    async def affordable_and_announced(check: Any, *, model: str, request_kwargs: Any, **more: Any) -> bool:
        # The last that is asked: who passes here is tried next.
        if not await affordable(check, model=model, request_kwargs=request_kwargs, **more):
            return False
        announced(request_kwargs, model)
        return True

    def stop() -> None:
        access.__call__, budget.__call__ = allowed, affordable

    access.__call__, budget.__call__ = decided_or_allowed, affordable_and_announced
    return stop


def model_group(kwargs: Mapping[str, Any]) -> str | None:
    """The name of the attempt that is on its way, as LiteLLM's deployment hook tells it."""
    for key in ("litellm_metadata", "metadata"):
        marks = kwargs.get(key)
        if isinstance(marks, dict) and isinstance(marks.get("model_group"), str):
            group: str = marks["model_group"]
            return group
    return None


@lru_cache(maxsize=1024)
def _wildcard(group: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, group.split("*"))), re.DOTALL)
