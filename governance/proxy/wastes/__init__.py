"""What LiteLLM works out anew for each request though it is the same every time: it is remembered, or copied at once.

Every answer stays what it was. A cure whose place this LiteLLM does not have is left out (governance/proxy/contract).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from governance.proxy.wastes.features import features_at_once
from governance.proxy.wastes.limits import unlimited_uncounted
from governance.proxy.wastes.prices import same_price_lists, same_reasons
from governance.proxy.wastes.providers import providers_at_once
from governance.proxy.wastes.routes import same_routes
from governance.proxy.wastes.settings import same_configuration, same_settings

# `leave`: LiteLLM stays as it is.
SWITCH: Final = "GOVERNANCE_CURES"


def cure(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Do away with them in this process.

    Returns:
        What was cured; $GOVERNANCE_CURES may say `leave`.
    """
    if environment.get(SWITCH) == "leave":
        return ()
    return tuple(name for name, begin in _CURES.items() if begin())


_CURES: Final[dict[str, Callable[[], bool]]] = {
    "routes": same_routes,
    "features": features_at_once,
    "providers": providers_at_once,
    "settings": same_settings,
    "configuration": same_configuration,
    "price lists": same_price_lists,
    "reasons of a cost of zero": same_reasons,
    "tokens that no limit counts": unlimited_uncounted,
}
