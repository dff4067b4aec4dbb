"""Inside a model group a conversation stays with one deployment, too: caches and histories are an account's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from litellm.proxy import proxy_server

from governance.model.conversation import rendezvous
from governance.proxy.live import Live
from governance.proxy.router import strategy

# The router's own words for its default; the others look at what happens now, and go before.
_BY_WEIGHT: Final = frozenset({"simple-shuffle", ""})
# In this order. Source: LiteLLM 1.106-1.110, router_strategy/simple_shuffle.py.
_WEIGHTS: Final = ("weight", "rpm", "tpm")


def staying(live: Live, deployments: Sequence[Any]) -> list[Any]:
    """The one of LiteLLM's deployments that has answered the conversation last, else the one that is drawn for it.

    All of them where the policy keeps no conversations together, and where the router chooses by load or latency.
    """
    trace = live.decision.trace
    if trace.stick is None or len(deployments) < 2 or strategy(proxy_server.llm_router) not in _BY_WEIGHT:
        return list(deployments)
    pin = trace.pin
    if pin and pin.deployment and trace.attempts and trace.attempts[-1].target == pin.target:
        found = [entry for entry in deployments if _id(entry) == pin.deployment]
        if found:
            return found
    counted = next((name for name in _WEIGHTS if any(_weight(entry, name) for entry in deployments)), "")
    heavy = [entry for entry in deployments if not counted or _weight(entry, counted) > 0]
    return rendezvous(trace.stick, heavy, lambda entry: _weight(entry, counted) if counted else 1.0, _id)[:1]


def _id(entry: Any) -> str:
    info = entry.get("model_info") if isinstance(entry, Mapping) else None
    return str(info.get("id") or "") if isinstance(info, Mapping) else ""


def _weight(entry: Any, name: str) -> float:
    params = entry.get("litellm_params") if isinstance(entry, Mapping) else None
    value = params.get(name) if isinstance(params, Mapping) else None
    return float(value) if isinstance(value, (int, float)) and value > 0 else 0.0
