"""The models that one proxy serves, by its own model list."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from governance.catalog import retirement
from governance.catalog.accounts import accounts_of
from governance.catalog.adjustments import NO_ADJUSTMENTS, Adjustments
from governance.catalog.deployments import Deployment, Entry, deployment_of
from governance.catalog.identity import Identity, identity_of
from governance.catalog.known import facts_of_any, known_facts
from governance.catalog.remembered import remembered
from governance.catalog.resolution import Resolved, resolve, serves_any
from governance.catalog.routes import Deployments, Routes
from governance.catalog.sources import Said, Sources
from governance.model.adjustment import NO_ADJUSTMENT
from governance.model.facts import NO_FACTS, ModelFacts
from governance.model.held import Held
from governance.model.labels import Labels
from governance.model.target import group_of, member_of, member_target

Pairs = tuple[tuple[str, str], ...]
# Base models come from callers, so what is remembered of them is bounded.
_MOST_NAMES: Final = 4096
_MOST_HELD: Final = 1024
NO_ALIASES: Final[Mapping[str, str]] = MappingProxyType({})
NO_ROUTING_GROUPS: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})


class Catalog:
    """What targets mean to a proxy with this model list.

    Args:
        deployments: entries of LiteLLM's `model_list`; None = unknown: every model is taken to be served.
        sources: what is known of models; a bare mapping is LiteLLM's model map.
        aliases: LiteLLM's `model_group_alias`: other names of model groups.
        adjustments: the discounts and margins that the proxy applies.
        routing_groups: LiteLLM's: each name with the model groups that it is made of.
        team: whose requests these are; see `for_team`.
        elsewhere: the proxy has models in its database too, so that what the list lacks is taken to be served.
    """

    def __init__(
        self,
        deployments: Iterable[Entry] | None,
        sources: Sources | Mapping[str, Any],
        aliases: Mapping[str, str] = NO_ALIASES,
        adjustments: Adjustments = NO_ADJUSTMENTS,
        routing_groups: Mapping[str, Sequence[str]] = NO_ROUTING_GROUPS,
        team: str = "",
        *,
        elsewhere: bool = False,
    ) -> None:
        self.sources = sources if isinstance(sources, Sources) else Sources(sources)
        self._map = self.sources.model_map
        self._anything = deployments is None
        self._elsewhere = elsewhere
        self.aliases = aliases
        self.adjustments = adjustments
        self._entries = () if deployments is None else tuple(deployments)
        self._routing_groups = routing_groups
        found = [deployment_of(entry, self._map) for entry in self._entries]
        self.routes = Routes(found, aliases, self._map, routing_groups, team)
        self._teams = frozenset(deployment.team for deployment in found) - {""}
        self._of_teams: dict[str, Catalog] = {}

    def for_team(self, team: str) -> Catalog:
        """What targets mean where this team asks: its own deployments serve it too, or in the place of others."""
        if team not in self._teams:
            return self
        if team not in self._of_teams:
            self._of_teams[team] = Catalog(
                self._entries,
                self.sources,
                self.aliases,
                self.adjustments,
                self._routing_groups,
                team,
                elsewhere=self._elsewhere,
            )
        return self._of_teams[team]

    @property
    def given(self) -> dict[str, Any]:
        """What it was made of besides `sources`, for another process."""
        return {
            "deployments": None if self._anything else [dict(entry) for entry in self._entries],
            "aliases": dict(self.aliases),
            "adjustments": [dict(self.adjustments.discounts), dict(self.adjustments.margins)],
            "routing_groups": {name: list(groups) for name, groups in self._routing_groups.items()},
        }

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names the proxy serves, wildcards included; None when that is unknown."""
        return None if self._anything else self.routes.names

    @property
    def offered(self) -> tuple[str, ...]:
        """The names the proxy serves, and every `provider/model` that a target can name besides."""
        groups = self.routes.groups
        found = dict.fromkeys(self.routes.names)
        for name in groups:
            for deployment in groups[name] if "*" not in name else ():
                target = deployment.identity.name
                if target and self.call_name(target) is not None:
                    found.setdefault(target)
        return tuple(found)

    @remembered(_MOST_NAMES)
    def resolved(self, target: str) -> Resolved:
        """What LiteLLM is asked for, to be served by this target, and who may answer."""
        whole, _ = member_of(target)
        if self._anything:
            group = group_of(whole)
            return Resolved(whole if group is None else group)
        found = resolve(whole, self.routes, self._map)
        return Resolved(group_of(whole) or whole) if found.call_name is None and self._elsewhere else found

    @remembered(_MOST_NAMES)
    def call_name(self, target: str) -> str | None:
        """The name to ask LiteLLM for, so that what the target names serves it; None = not served."""
        return self.resolved(target).call_name

    @remembered(_MOST_NAMES)
    def meaning(self, target: str) -> Hashable:
        """Equal for targets that reach the same deployments: other case, words of an API, aliases and groups."""
        found = self.resolved(target)
        named = identity_of(target, "", self._map).folded if group_of(target) is None else target.lower()
        return frozenset(found.deployments) or named

    def why(self, target: str) -> str:
        """Why a target is not served, where its name alone does not tell."""
        return self.resolved(target).why

    def serves_any(self, provider: str) -> bool:
        """Whether some model of this provider is served."""
        return self._anything or self._elsewhere or serves_any(provider, self.routes)

    def is_unseen(self, target: str) -> bool:
        """Whether a target is only taken to be served, because the proxy has models that are not in this list.

        Args:
            target: as for `resolved`, or `provider/*` for any model of a provider.
        """
        if not self._elsewhere:
            return False
        if target.endswith("/*"):
            return not serves_any(target.removesuffix("/*"), self.routes)
        return resolve(member_of(target)[0], self.routes, self._map).call_name is None

    @remembered(_MOST_NAMES)
    def facts(self, target: str) -> ModelFacts:
        """What is known of a target; a deployment's own settings beat the model map.

        Where several deployments may serve: what all of them can, and what the dearest costs.
        """
        found = self.deployments(target)
        if not found:
            if group_of(target) is not None:
                return NO_FACTS
            identity = identity_of(target, "", self._map)
            return self._adjusted(known_facts(self.said(target).entry), identity.provider, (identity.model,))
        return facts_of_any([self._billed(each, (*each.names, target)) for each in found])

    @remembered(_MOST_NAMES)
    def facts_of_deployment(self, deployment_id: str, called: str = "") -> ModelFacts | None:
        """What is known of one deployment, whosever it is; None where no such is in the model list.

        Args:
            deployment_id: LiteLLM's.
            called: the `provider/model` that LiteLLM called; of a wildcard it alone tells which model that is.
        """
        found = self.routes.by_id.get(deployment_id)
        if found is None:
            return None
        if called and "*" in found.written:
            found = found.filled(called, self._map)
        names = (*found.names, called) if called else found.names
        return self._billed(found, names)

    def deployments(self, target: str) -> Deployments:
        """Those of which LiteLLM picks one for a target; none where it serves no such target."""
        whole, member = member_of(target)
        # A group may have the name of what it is not; whoever asks for that name gets the group.
        found = self.resolved(whole).deployments or (() if self._anything else self.routes.anybodys(whole))
        return tuple(each for each in found if member is None or each.identity.name == member)

    @remembered(_MOST_NAMES)
    def members(self, target: str) -> tuple[str, ...]:
        """The different `provider/model` that may serve a target, as names for `facts` and `served_by`; none where it
        is one.
        """
        different = dict.fromkeys(deployment.identity.name for deployment in self.deployments(target))
        return tuple(member_target(target, each) for each in different) if len(different) > 1 else ()

    def holds(self, target: str, held: Held) -> bool:
        """Whether one of the deployments that may serve a target has what a provider keeps for a request."""
        found = self.deployments(target)
        return not found or any(not deployment.id or self.has(deployment.id, held) for deployment in found)

    def has(self, deployment_id: str, held: Held) -> bool:
        """Whether this deployment has it: because it made it, or asks as the same customer as who did."""
        return deployment_id in self._held_by(held)

    @cached_property
    def _accounts(self) -> Mapping[str, str]:
        return accounts_of(self._entries, self._map)

    @remembered(_MOST_HELD)
    def _held_by(self, held: Held) -> frozenset[str]:
        if held.name:
            names = [name.strip() for name in held.name.split(",")]
            return frozenset(each.id for name in names for each in self.routes.anybodys(name))
        account = self._accounts.get(held.deployment)
        return frozenset(name for name, each in self._accounts.items() if each == account)

    @remembered(_MOST_NAMES)
    def labels(self, target: str) -> tuple[Labels, ...]:
        """The labels of each different deployment that may serve a target; none where none is known."""
        return tuple({frozenset(each.labels.items()): each.labels for each in self.deployments(target)}.values())

    @remembered(_MOST_NAMES)
    def served_by(self, name: str) -> Pairs:
        """Every provider and base model that may answer for a target, or to a name that the proxy is asked for.

        The provider is "" where nothing tells it. What the proxy does not serve is read as `provider/model`.
        """
        whole, member = member_of(name)
        asked = (
            () if self._anything or group_of(whole) is not None or member is not None else self.routes.anybodys(whole)
        )
        found = (*self.deployments(name), *asked)
        pairs = tuple(dict.fromkeys(self._pair(each.identity) for each in found if not each.unknown))
        return pairs or (self._pair(identity_of(group_of(whole) or whole, "", self._map)),)

    def said(self, target: str) -> Said:
        """What the sources say of a target, and which source says what; of several deployments, of the first."""
        found = self.deployments(target)
        own = () if group_of(target) is not None else (target,)
        return self._said(found[0], (*found[0].names, *own)) if found else self.sources.said(self._named(target))

    def _pair(self, identity: Identity) -> tuple[str, str]:
        """With the only provider that lists such a model, where LiteLLM knows none."""
        return identity.provider or self.sources.provider_of(identity.model), identity.model

    def _billed(self, deployment: Deployment, names: tuple[str, ...]) -> ModelFacts:
        facts = known_facts(self._said(deployment, names).entry)
        return self._adjusted(facts, deployment.identity.provider, deployment.names)

    def _adjusted(self, facts: ModelFacts, provider: str, names: tuple[str, ...]) -> ModelFacts:
        adjustment = self.adjustments.of(provider, *names)
        if adjustment == NO_ADJUSTMENT:
            return facts
        return replace(facts, prices=replace(facts.prices, adjustment=adjustment))

    def _said(self, deployment: Deployment, names: tuple[str, ...]) -> Said:
        return retirement.about(deployment, self.sources.said(names, deployment.stated))

    def _named(self, target: str) -> tuple[str, ...]:
        identity = identity_of(target, "", self._map)
        spelled = Deployment("", identity, target)
        return tuple(dict.fromkeys((target, *spelled.names)))
