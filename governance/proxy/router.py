"""LiteLLM's router, read and written through whichever interface this version has.

1.109 put `registry()` and `apply()` in the place of its attributes, which go on for a while, slower and deprecated.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import wraps
from types import MappingProxyType
from typing import Any, Final

from litellm.proxy import proxy_server
from litellm.router import Router

try:
    router_api: Any = importlib.import_module("litellm.router_api")
except ImportError:  # 1.108 and before
    router_api = None

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def deployments(router: Any) -> Sequence[Any]:
    """What is configured, in its order. The same object as long as LiteLLM does not replace the list."""
    found: Sequence[Any] = router.model_list if router_api is None else router.registry().all()
    return found


def aliases(router: Any) -> Mapping[str, Any]:
    """`model_group_alias`."""
    found: Mapping[str, Any] | None = router.model_group_alias if router_api is None else router.registry().aliases()
    return NOTHING if found is None else found


def routing_groups(router: Any) -> Mapping[str, Any]:
    """`routing_groups` by name. The same object as long as LiteLLM does not replace them."""
    found: Mapping[str, Any] | None = (
        router.routing_groups if router_api is None else router.registry().routing_groups()
    )
    return NOTHING if found is None else found


def set_aliases(router: Any, wanted: Mapping[str, Any]) -> None:
    """Replace `model_group_alias`."""
    if router_api is None:
        router.model_group_alias = wanted
    else:
        router.apply(router_api.ChangeSet(assign={"model_group_alias": wanted}))


def group_names(router: Any) -> Collection[str]:
    """Names of the model groups, wildcards included."""
    found: Collection[str] = router.model_names if router_api is None else router.registry().names(kind="group_set")
    return found


def is_deployment_id(router: Any, name: str) -> bool:
    """Whether LiteLLM takes this name for the id of a deployment."""
    return bool(router.has_model_id(name) if router_api is None else router.registry().has_deployment(name))


def group_behind(router: Any, name: str) -> str | None:
    """The group that an alias stands for; None for what is none."""
    found = router.get_model_from_alias(name) if router_api is None else router.registry().resolve(name, kind="alias")
    return found if isinstance(found, str) else None


def listed_names(router: Any) -> Collection[str]:
    """What LiteLLM tells to whom asks for its models."""
    found: Collection[str] = router.get_model_names() if router_api is None else router.registry().names()
    return found


def budget_check(router: Any) -> Any:
    """What the router asks before it tries a fallback."""
    return router.fallback_budget_check if router_api is None else router.settings().fallback_budget_check


def strategy(router: Any) -> str:
    """How the router chooses among the deployments of a group."""
    found = router.routing_strategy if router_api is None else router.settings().routing_strategy
    return str(getattr(found, "value", found) or "")


def list_besides(more: Callable[[], Sequence[str]]) -> None:
    """Have the proxy's router list these names as well, also when LiteLLM makes that router anew."""
    owner: Any = Router if router_api is None else router_api.RouterRegistry
    method = "get_model_names" if router_api is None else "names"
    told = getattr(owner, method)

    @wraps(told)
    def with_more(self: Any, *args: Any, **kwargs: Any) -> Any:
        names = told(self, *args, **kwargs)
        router: Any = proxy_server.llm_router
        if router is None or kwargs.get("kind", "groups") != "groups":
            return names
        ours = self is (router if router_api is None else router.registry())
        return list(dict.fromkeys([*names, *more()])) if ours else names

    setattr(owner, method, with_more)
