"""What LiteLLM's router serves, as our catalogue, and our virtual models, as LiteLLM's."""

from __future__ import annotations

import asyncio
import fnmatch
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import litellm
from litellm.exceptions import APIError
from litellm.proxy import proxy_server
from litellm.proxy._types import ProxyException
from litellm.proxy.auth import auth_checks, model_checks

from governance.catalog import Catalog
from governance.host import Host

log = logging.getLogger("governance.proxy")

_LOOK_AGAIN_S = 5.0
_WHILE_STARTING_S = 0.05


class ProxyModels:
    """Keeps our view of the router and the router's view of our virtual models in step."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._seen: Any = None
        self._signature: tuple[int, ...] = ()
        self._catalog = Catalog(None, litellm.model_cost)
        self._virtual: tuple[str, ...] = ()
        self._task: asyncio.Task[None] | None = None

    @property
    def catalog(self) -> Catalog:
        """The models that the router serves now."""
        router = proxy_server.llm_router
        if router is None:
            return self._catalog
        # LiteLLM replaces and extends its list while it runs. Identity and length tell most of it at no cost; what is
        # changed in place is found by `_list`, seconds later.
        seen = (id(router), len(router.model_list))
        if seen != self._seen:
            self._catalog, self._seen = Catalog(list(router.model_list), litellm.model_cost), seen
        return self._catalog

    def asked_name(self, model: str, known: Collection[str]) -> str:
        """By which of these names LiteLLM was asked for `model`: it has followed an alias of the router since."""
        router = proxy_server.llm_router
        if model in known or router is None:
            return model
        return next((name for name in known if router.get_model_from_alias(name) == model), model)

    def access(self, auth: Any) -> Callable[[str], Awaitable[bool]]:
        """Whether this caller's key, team and user may call a model themselves, by LiteLLM's own rules."""

        async def may_call(model: str) -> bool:
            check = getattr(auth_checks, "can_key_call_resolved_model", None)
            if check is None:
                return False
            try:
                await check(model=model, llm_model_list=None, valid_token=auth, llm_router=proxy_server.llm_router)
            except (ProxyException, APIError):
                return False
            return True

        return may_call

    def keep_listed(self) -> None:
        """Start listing the virtual models, and keep them listed. Needs a running event loop."""
        self._teach_wildcards()
        self._task = asyncio.get_running_loop().create_task(self._list_again_and_again())

    async def _list_again_and_again(self) -> None:
        while True:
            try:
                self._list()
            except Exception:  # LiteLLM's router may change under us; listing must survive the surprise
                log.exception("virtual models could not be listed")
            await asyncio.sleep(_WHILE_STARTING_S if proxy_server.llm_router is None else _LOOK_AGAIN_S)

    def _list(self) -> None:
        """Make the virtual models models of the router.

        Each is an alias of itself: known to access checks and to the check of a caller's fallbacks, and no key that
        may call a target gets the virtual name with it. Aliases alone are not listed, so `get_model_names` tells them
        too. A router that LiteLLM makes anew, or whose settings it loads from its database, gets all this again.
        """
        router = proxy_server.llm_router
        if router is None:
            return
        signature = tuple(map(id, router.model_list))
        if signature != self._signature:
            self._signature, self._seen = signature, None
        self._virtual = self._host.virtual_models([name for name in self.catalog.names or () if name])
        missing = {name: {"model": name, "hidden": False} for name in self._virtual if name not in router.model_names}
        if not missing.keys() <= router.model_group_alias.keys():
            router.model_group_alias = {**router.model_group_alias, **missing}  # type: ignore[dict-item]
        served = router.get_model_names
        if getattr(served, "governance", None) is not self:

            def with_virtual(team_id: str | None = None) -> list[str]:
                return list(dict.fromkeys([*served(team_id=team_id), *self._virtual]))

            with_virtual.governance = self  # type: ignore[attr-defined]
            router.get_model_names = with_virtual  # type: ignore[method-assign]

    def _teach_wildcards(self) -> None:
        """Let the model list of a key with `fast/*` name the virtual models that this means."""
        known = getattr(model_checks, "get_known_models_from_wildcard", None)
        if known is None:
            return

        def with_virtual(wildcard_model: str, litellm_params: Any = None) -> list[str]:
            ours = fnmatch.filter(self._virtual, wildcard_model)
            if ours and wildcard_model != "*":
                return ours
            return [*known(wildcard_model=wildcard_model, litellm_params=litellm_params), *ours]

        model_checks.get_known_models_from_wildcard = with_virtual
