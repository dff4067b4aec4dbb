"""Asks a target for no longer answers than it makes, where the policy wants that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from governance.catalog import Catalog
from governance.proxy.deployments import priced
from governance.proxy.live import Live

_NAMES: Final = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_GOOGLES: Final = ("generationConfig", "config")


def clamp_output(live: Live, kwargs: Mapping[str, Any], catalog: Catalog) -> dict[str, Any] | None:
    """LiteLLM's arguments of an attempt with every number that is too large brought down; None where none is."""
    request = live.decision.request
    if not request.clamped or request.max_output_tokens is None or live.decision.outcome != "route":
        return None
    most = catalog.facts(priced(live.decision, live.name)).max_output_tokens
    if most is None or request.max_output_tokens <= most:
        return None
    changed: dict[str, Any] = {name: most for name in _NAMES if _is_more(kwargs.get(name), most)}
    for name in _GOOGLES:
        settings = kwargs.get(name)
        if isinstance(settings, Mapping) and _is_more(settings.get("maxOutputTokens"), most):
            changed[name] = {**settings, "maxOutputTokens": most}
    return {**kwargs, **changed}


def _is_more(asked: Any, most: int) -> bool:
    return isinstance(asked, (int, float)) and asked > most
