"""What a key of LiteLLM's may do with one model, where that model is virtual.

LiteLLM counts a key's limits by model after governance has put a target in the place of the name that was asked for: it
would look for limits of the target, and those of the virtual name would bind nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from litellm.proxy._types import UserAPIKeyAuth

from governance.model import Request, Window
from governance.model.units import Unit

_MINUTE_S: Final = 60
_COUNTED: Final[tuple[tuple[str, Unit, str], ...]] = (
    ("model_rpm_limit", "requests", "rpm_limit"),
    ("model_tpm_limit", "tokens", "tpm_limit"),
)


def limited(request: Request, auth: UserAPIKeyAuth, alias: str | None) -> Request:
    """The request for a virtual model with the limits that its key, or the key's team, has for that model.

    Args:
        alias: the name that was asked for, where it is one of the router's for the virtual model.
    """
    names = (request.model, alias) if alias else (request.model,)
    key = request.identity.virtual_key_id
    windows = tuple(_windows(auth, key, names)) if key else ()
    return request.but(limited=windows) if windows else request


def _windows(auth: UserAPIKeyAuth, key: str, names: tuple[str, ...]) -> Iterator[Window]:
    for setting, unit, of_model in _COUNTED:
        for name in names:
            amount = _limits(auth, setting, of_model).get(name)
            if isinstance(amount, int) and not isinstance(amount, bool) and amount >= 0:
                yield Window(
                    f"{setting} of the key", f"virtual_key:{key} && model:{name.lower()}", unit, amount, _MINUTE_S
                )


def _limits(auth: UserAPIKeyAuth, setting: str, of_model: str) -> dict[Any, Any]:
    """LiteLLM's order: the key's metadata, its `model_max_budget`, the team's metadata."""
    own = (auth.metadata or {}).get(setting)
    if own:
        return own if isinstance(own, dict) else {}
    budgets = getattr(auth, "model_max_budget", None) or {}
    own = {
        name: budget[of_model] for name, budget in budgets.items() if isinstance(budget, dict) and of_model in budget
    }
    found = own or (auth.team_metadata or {}).get(setting)
    return found if isinstance(found, dict) else {}
