"""What a key of LiteLLM's may do with one model, where that model is virtual.

LiteLLM counts a key's limits by model after governance has put a target in the place of the name that was asked for: it
would look for limits of the target, and those of the virtual name would bind nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from litellm.proxy._types import UserAPIKeyAuth

from governance.model import Request, Window
from governance.model.units import Unit

Behind = Callable[[str], Sequence[str]]

_MINUTE_S: Final = 60
_COUNTED: Final[tuple[tuple[str, Unit, str], ...]] = (
    ("model_rpm_limit", "requests", "rpm_limit"),
    ("model_tpm_limit", "tokens", "tpm_limit"),
)


def limited(request: Request, auth: UserAPIKeyAuth, alias: str | None, behind: Behind) -> Request:
    """The request with the limits that its key, or the key's team, has for the virtual model that it asks for.

    Args:
        alias: the name that was asked for, where it is one of the router's for the virtual model.
        behind: who may serve a virtual model; nothing for every other name, which LiteLLM looks after itself.
    """
    key = request.identity.virtual_key_id
    limits = [(setting, unit, _limits(auth, setting, of_model)) for setting, unit, of_model in _COUNTED] if key else ()
    if not any(amounts for _, _, amounts in limits) or not behind(request.model):
        return request
    names = dict.fromkeys(map(_plain, (request.model, alias) if alias else (request.model,)))
    windows = tuple(
        Window(f"{setting} of the key", f"virtual_key:{key} && model:{name}", unit, amount, _MINUTE_S)
        for setting, unit, amounts in limits
        for name in names
        for amount in _amounts(amounts, name)
    )
    return request.but(limited=windows) if windows else request


def _amounts(amounts: dict[Any, Any], name: str) -> Iterator[int]:
    """What was given for a model, by whatever spelling of its name; the smallest counts."""
    found = (amount for given, amount in amounts.items() if _plain(str(given)) == name)
    numbers = [amount for amount in found if isinstance(amount, int) and not isinstance(amount, bool) and amount >= 0]
    yield from sorted(numbers)[:1]


def _plain(name: str) -> str:
    """One spelling of all that ask for the same virtual model."""
    return "/".join(part.strip() for part in name.lower().split("/"))


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
