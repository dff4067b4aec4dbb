"""What LiteLLM's router serves, as our catalogue, and our virtual models, as LiteLLM's."""

from __future__ import annotations

import asyncio
import fnmatch
import logging
import operator
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import wraps
from typing import Any, NamedTuple

from litellm.exceptions import APIError
from litellm.proxy import proxy_server
from litellm.proxy._types import ProxyException
from litellm.proxy.auth import auth_checks, model_checks

from governance.catalog import Catalog
from governance.engine.behind import Behind
from governance.engine.host import Host
from governance.model import ModelFacts, group_of
from governance.policy.name_pattern import arrives_as_written
from governance.proxy.adjusting import adjustments_now
from governance.proxy.described import describe_besides
from governance.proxy.discovering import Discovering, Kept
from governance.proxy.listing import listable
from governance.proxy.misuse import LONGEST_MODEL
from governance.proxy.router import (
    aliases,
    deployments,
    group_names,
    is_deployment_id,
    list_besides,
    routing_groups,
    set_aliases,
)
from governance.proxy.served import called, served_id

log = logging.getLogger("governance.proxy")

_LOOK_AGAIN_S = 5.0
_LOOK_AT_ENTRIES_S = 0.5
_WHILE_STARTING_S = 0.05


class ServedTo(NamedTuple):
    """What a proxy serves to one team; see `governance.engine.keyring.Served`."""

    models: ProxyModels
    team: str

    def served_by(self, name: str) -> Sequence[tuple[str, str]]:
        """Every provider and base model that may answer to `name`."""
        return self.models.served_by(name, self.team)


class ProxyModels:
    """Keeps our view of the router and the router's view of our virtual models in step."""

    def __init__(
        self,
        host: Host,
        listed: Callable[[Any, Sequence[str]], None] = lambda router, virtual: None,
        clock: Callable[[], float] = time.monotonic,
        kept: Kept | None = None,
    ) -> None:
        """`listed` is told the router and the virtual models whenever it was given them. `clock`: in seconds.
        `kept`: the store that has what was discovered.
        """
        self._clock = clock
        self._host = host
        self._tried: Host | None = None
        self._listed = listed
        self._held: tuple[Any, ...] = ()
        self._seen: tuple[Any, ...] = ()
        self._entries: list[Any] = []
        self._looked_s = 0.0
        self.discovering = Discovering(host, _deployments, kept)
        self._catalog = Catalog(None, self.discovering.known)
        self._other_names: Mapping[str, frozenset[str]] = {}
        self._virtual: tuple[str, ...] = ()
        self._behind = Behind()
        self._task: asyncio.Task[None] | None = None

    def follow(self, host: Host) -> None:
        """List the virtual models of another policy."""
        self._host = host
        self.discovering.follow(host)
        self._list()

    def try_out(self, host: Host | None) -> None:
        """List the virtual models of a policy that is tried, too; None = nothing is."""
        self._tried = host
        self._list()

    @property
    def catalog(self) -> Catalog:
        """The models that the router serves now."""
        router = proxy_server.llm_router
        if router is None:
            return self._catalog
        # LiteLLM replaces and extends its list while it runs. Identity and length tell most of it at no cost; what is
        # put in the place of another is found within a second.
        known = self.discovering.known
        served, renamed, united = deployments(router), aliases(router), routing_groups(router)
        adjustments = adjustments_now()
        held, seen = (router, renamed, united, known), (len(served), len(renamed), adjustments)
        now_s = self._clock()
        look = now_s - self._looked_s >= _LOOK_AT_ENTRIES_S
        same = seen == self._seen and all(map(operator.is_, held, self._held))
        if same and not (look and not _same(served, self._entries)):
            self._looked_s = now_s if look else self._looked_s
            return self._catalog
        self._held, self._seen, self._looked_s = held, seen, now_s
        stands_for = {name: _stands_for(alias) for name, alias in renamed.items()}
        # Held, so that no other entry can take its place in memory, and pass for it.
        self._entries = list(served)
        groups = {name: list(group.models) for name, group in united.items()}
        self._catalog = Catalog(self._entries, known, stands_for, adjustments, groups)
        self._other_names = _other_names(served, stands_for, groups, self._catalog)
        return self._catalog

    def served_to(self, team: str) -> ServedTo:
        """What is behind names where this team asks; "" is no team."""
        return ServedTo(self, team)

    def served_by(self, name: str, team: str = "") -> Sequence[tuple[str, str]]:
        """Every provider and base model that may answer to `name`, and each other name of the router's for it."""
        catalog = self.catalog.for_team(team)
        others = self._other_names.get(name, frozenset())
        behind = (pair for other in sorted(others) for pair in (("", other), *catalog.served_by(other)))
        return tuple(dict.fromkeys([*catalog.served_by(name), *behind]))

    def served(self, kwargs: Mapping[str, Any], answer: Any, catalog: Catalog | None = None) -> ModelFacts | None:
        """What is known of the deployment that answered; None where LiteLLM names none.

        Args:
            catalog: of when it was asked, where that is known.
        """
        deployment_id = served_id(kwargs, answer)
        if not deployment_id:
            return None
        name = called(kwargs, answer)
        known = catalog.facts_of_deployment(deployment_id, name) if catalog else None
        return known or self.catalog.facts_of_deployment(deployment_id, name)

    def is_name(self, model: str) -> bool:
        """Whether models are asked for like this. LiteLLM also takes the id of a deployment, which no limit, list or
        rule knows as what it is.
        """
        router = proxy_server.llm_router
        if router is None or model in group_names(router) or model in aliases(router):
            return True
        return arrives_as_written(model) and not is_deployment_id(router, model) and group_of(model) is None

    def behind(self, name: str) -> tuple[str, ...]:
        """The groups that may serve a virtual model, listed or not and however it is spelled, or an alias of one;
        nothing for every other name.
        """
        router, name = proxy_server.llm_router, self._meant(name)
        if router is None or name in group_names(router) or len(name) > LONGEST_MODEL:
            return ()
        hosts = (self._host, self._tried) if self._tried else (self._host,)
        return self._behind.of(name, hosts, self.catalog)

    def unalias(self, data: dict[str, Any]) -> str | None:
        """Ask for the virtual model that an alias of the router's stands for, as LiteLLM would after us, too late.

        Returns:
            The alias that was asked for; None where it was none of a virtual model.
        """
        name = data.get("model")
        meant = self._meant(name) if isinstance(name, str) else ""
        if meant == name or not meant or not self.behind(meant):
            return None
        data["model"] = meant
        return str(name)

    def _meant(self, name: str) -> str:
        router = proxy_server.llm_router
        alias = None if router is None else aliases(router).get(name)
        return name if alias is None else _stands_for(alias)

    def offered(self) -> list[str]:
        """Names to ask for: the virtual ones, then those of the proxy's list."""
        return list(dict.fromkeys((*self._virtual, *self.catalog.offered)))

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
        list_besides(lambda: self._virtual)
        describe_besides(self.behind)
        self._task = asyncio.get_running_loop().create_task(self._list_again_and_again())

    async def _list_again_and_again(self) -> None:
        while True:
            try:
                self._list()
            except Exception:  # LiteLLM's router may change under us; listing must survive the surprise
                log.exception("virtual models could not be listed")
            await asyncio.sleep(_WHILE_STARTING_S if proxy_server.llm_router is None else _LOOK_AGAIN_S)

    def list_now(self) -> None:
        """List them, where that has not happened yet."""
        self._list()
        self._listed(proxy_server.llm_router, self._virtual)

    def _list(self) -> None:
        """Make the virtual models models of the router.

        Each is an alias of itself: known to access checks and to the check of a caller's fallbacks, and no key that
        may call a target gets the virtual name with it. Aliases alone are not listed, so `list_besides` tells them too.
        A router that LiteLLM makes anew, or whose settings it loads from its database, gets all this again.
        """
        router = proxy_server.llm_router
        if router is None:
            return
        self._behind.forget()
        before = self._virtual
        listed = listable(self.catalog)
        tried = () if self._tried is None else self._tried.virtual_models(listed)
        self._virtual = tuple(dict.fromkeys((*self._host.virtual_models(listed), *tried)))
        gone = frozenset(before).difference(self._virtual)
        groups, renamed = group_names(router), aliases(router)
        # One of that name that stands for something else is the operator's.
        wanted = {name: alias for name, alias in renamed.items() if name not in gone or _stands_for(alias) != name}
        missing = {name: {"model": name, "hidden": False} for name in self._virtual if name not in groups}
        if len(wanted) != len(renamed) or not missing.keys() <= wanted.keys():
            set_aliases(router, {**wanted, **missing})
        self._listed(router, self._virtual)

    def _teach_wildcards(self) -> None:
        """Let the model list of a key with `fast/*` name the virtual models that this means."""
        known = getattr(model_checks, "get_known_models_from_wildcard", None)
        if known is None:
            return

        @wraps(known)
        def with_virtual(wildcard_model: str, *args: Any, **kwargs: Any) -> list[str]:
            ours = fnmatch.filter(self._virtual, wildcard_model)
            if ours and wildcard_model != "*":
                return ours
            return [*known(wildcard_model, *args, **kwargs), *ours]

        model_checks.get_known_models_from_wildcard = with_virtual


def _same(served: Sequence[Any], entries: Sequence[Any]) -> bool:
    return len(served) == len(entries) and all(map(operator.is_, served, entries))


def _deployments() -> Sequence[Any]:
    router = proxy_server.llm_router
    return [] if router is None else deployments(router)


def _other_names(
    served: Sequence[Any], aliases: Mapping[str, str], united: Mapping[str, Sequence[str]], catalog: Catalog
) -> dict[str, frozenset[str]]:
    """The groups that aliases, routing groups, ids of deployments and, where nothing else has their name, their models
    stand for.
    """
    found: dict[str, set[str]] = {}
    for deployment in served:
        group = str(deployment.get("model_name", ""))
        info, params = deployment.get("model_info") or {}, deployment.get("litellm_params") or {}
        model = str(params.get("model"))
        for name in (str(info.get("id")), *([model] if catalog.call_name(model) != model else [])):
            found.setdefault(name, set()).add(group)
    for name, group in aliases.items():
        found.setdefault(name, set()).add(group)
    for name, members in united.items():
        found.setdefault(name, set()).update(members if name in catalog.routes.unions else ())
    return {name: frozenset(groups - {name, ""}) for name, groups in found.items()}


def _stands_for(alias: Any) -> str:
    return str(alias.get("model", "") if isinstance(alias, dict) else alias)
