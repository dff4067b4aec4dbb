"""Virtual models as LiteLLM describes groups: with the dearest price and the common abilities of who may serve them.

LiteLLM reserves a key's, team's or user's budget by the price of the name that is asked for. A name without one is let
through until what it cost has been booked, which is many requests later.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, Final

from litellm.proxy import proxy_server
from litellm.proxy.auth import auth_checks
from litellm.router import Router

from governance.proxy.router import router_api

Behind = Callable[[str], Sequence[str]]

# What a caller may put in the place of the operator's, and limits of LiteLLM's that are each group's own.
_NOT_COMMON: Final = frozenset(
    {"tpm", "rpm", "itpm", "otpm", "configurable_clientside_auth_params", "description", "mode", "model_group"}
)


def describe_besides(behind: Behind) -> None:
    """Have LiteLLM describe these names by the groups that may serve them.

    Args:
        behind: the groups that may serve a virtual model; nothing for every other name.
    """
    if router_api is None:
        for method in ("get_model_group_info", "cached_model_group_info"):
            _describe(Router, method, behind)
    else:
        _describe(router_api.RouterRegistry, "group", behind)
        _asked_of(_first, router_api.RouterRegistry, "names", behind, kind="litellm_models")
    _asked_of(
        _dearest_of, _module("management_endpoints.cost_tracking_settings"), "_resolve_model_for_cost_lookup", behind
    )
    _asked_of(_first, proxy_server, "_routed_count_deployment", behind)
    _as_healthy_as_all(behind)
    _unpriced(behind)


def common(name: str, groups: Sequence[Any]) -> Any:
    """What holds of a virtual model whichever of these groups serves it; None where nothing is known of any.

    Args:
        groups: LiteLLM's `ModelGroupInfo` of each.
    """
    if not groups:
        return None
    first = groups[0]
    told = [group.model_dump() for group in groups]
    said: dict[str, Any] = {"model_group": name}
    for field in told[0]:
        values = [entry[field] for entry in told]
        if field == "mode":
            said["mode"] = values[0]
        elif field in _NOT_COMMON:
            said.setdefault(field, None)
        elif field == "providers":
            said[field] = list(dict.fromkeys(provider for value in values for provider in value or ()))
        elif "cost" in field:
            said[field] = _dearest(values)
        elif field.startswith("max_"):
            said[field] = min((value for value in values if value is not None), default=None)
        elif isinstance(values[0], bool):
            said[field] = all(values)
        elif field != "deployment_pricing" and isinstance(values[0], (list, tuple)):
            said[field] = _in_all(values)
    return first.model_copy(update=said)


def _dearest(values: Iterable[float | None]) -> float | None:
    """No price at all where each is zero: LiteLLM checks no budget for what is free, and remembers that it is."""
    return max((value for value in values if value is not None), default=None) or None


def _in_all(values: Sequence[Sequence[Any] | None]) -> Any:
    first, rest = values[0] or (), [frozenset(value or ()) for value in values[1:]]
    return [value for value in first if all(value in other for other in rest)]


def _describe(owner: Any, method: str, behind: Behind) -> None:
    told = getattr(owner, method, None)
    if told is None:
        return

    @wraps(told)
    def described(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = told(self, *args, **kwargs)
        name = args[0] if args else kwargs.get("name", kwargs.get("model_group"))
        if found is not None or kwargs.get("field", "info") not in ("info", "cached_info") or not isinstance(name, str):
            return found
        groups = behind(name)
        if not groups:
            return found
        rest = {key: value for key, value in kwargs.items() if key not in ("name", "model_group")}
        described = (told(self, group, *args[1:], **rest) for group in groups)
        return common(name, [each for each in described if each is not None])

    setattr(owner, method, described)


def _asked_of(
    choose: Callable[[Sequence[str]], str], owner: Any, method: str, behind: Behind, *, kind: str = ""
) -> None:
    """Have a function of LiteLLM's that takes the name of a model be asked of one of those that may serve it.

    Args:
        kind: of what it is asked, where that is a parameter.
    """
    told = getattr(owner, method, None)
    if told is None:
        return
    of_self = 1 if isinstance(owner, type) else 0

    @wraps(told)
    def asked(*args: Any, **kwargs: Any) -> Any:
        name = args[of_self] if len(args) > of_self else None
        groups = behind(name) if isinstance(name, str) and kwargs.get("kind", "") == kind else ()
        return (
            told(*args[:of_self], choose(groups), *args[of_self + 1 :], **kwargs) if groups else told(*args, **kwargs)
        )

    setattr(owner, method, asked)


def _as_healthy_as_all(behind: Behind) -> None:
    """`/health?model=` of a virtual model looks at every deployment that may serve it."""
    owner = _module("health_endpoints._health_endpoints")
    check, targeted = (getattr(owner, name, None) for name in ("perform_health_check", "_resolve_targeted_model_ids"))
    if check is None or targeted is None:
        return

    @wraps(check)
    async def checked(model_list: list[Any], model: str | None = None, *args: Any, **kwargs: Any) -> Any:
        groups = behind(model) if isinstance(model, str) else ()
        if groups:
            model_list = [entry for entry in model_list if entry.get("model_name") in groups]
        return await check(model_list, None if groups else model, *args, **kwargs)

    @wraps(targeted)
    def targeted_ids(model_list: list[Any], model: str | None, *args: Any, **kwargs: Any) -> Any:
        groups = behind(model) if isinstance(model, str) else ()
        found = [targeted(model_list, group, *args, **kwargs) or () for group in groups]
        return {each for ids in found for each in ids} if groups else targeted(model_list, model, *args, **kwargs)

    owner.perform_health_check, owner._resolve_targeted_model_ids = checked, targeted_ids


def _unpriced(behind: Behind) -> None:
    """A virtual model has a price unless one of those that may serve it has none."""
    judge = getattr(auth_checks, "model_has_no_cost_mapping", None)
    if judge is None:
        return

    @wraps(judge)
    def judged(model: str | None, *args: Any, **kwargs: Any) -> Any:
        groups = behind(model) if isinstance(model, str) else ()
        return any(judge(group, *args, **kwargs) for group in groups) if groups else judge(model, *args, **kwargs)

    auth_checks.model_has_no_cost_mapping = judged


def _first(groups: Sequence[str]) -> str:
    return groups[0]


def _dearest_of(groups: Sequence[str]) -> str:
    return max(groups, key=_price)


def _price(group: str) -> float:
    router: Any = proxy_server.llm_router
    told = router.get_model_group_info(group) if router_api is None else router.registry().group(group)
    return (getattr(told, "input_cost_per_token", None) or 0.0) + (getattr(told, "output_cost_per_token", None) or 0.0)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(f"litellm.proxy.{name}")
    except ImportError:  # another version has it elsewhere
        return None
