"""Which deployments LiteLLM's router takes for a name: groups, aliases, wildcards, in its own order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from governance.catalog.deployments import Deployment
from governance.catalog.identity import Identity, inferred_provider

_COUNTS_AS_COMPLEX: Final = frozenset("*+?\\^$|()")
_NONE: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})
Deployments = tuple[Deployment, ...]


class Wildcard(NamedTuple):
    """A group whose name has a `*`."""

    name: str
    pattern: re.Pattern[str]
    deployments: Deployments


class Routes:
    """A router with these deployments.

    Args:
        aliases: `model_group_alias`.
        model_map: LiteLLM's.
        routing_groups: names of LiteLLM's `routing_groups` with the groups that each of them is made of.
        team: who asks: its own deployments are behind the names that it knows them by; "" is nobody's team.

    Source: LiteLLM 1.106-1.110, router.py `_common_checks_available_deployment`, pattern_match_deployments.py.
    """

    def __init__(
        self,
        deployments: Iterable[Deployment],
        aliases: Mapping[str, str],
        model_map: Mapping[str, Any],
        routing_groups: Mapping[str, Sequence[str]] = _NONE,
        team: str = "",
    ) -> None:
        self._model_map = model_map
        self._aliases = aliases
        self._of_teams: dict[str, list[Deployment]] = {}
        ids: dict[str, list[Deployment]] = {}
        groups: dict[str, list[Deployment]] = {}
        own: dict[str, list[Deployment]] = {}
        for deployment in deployments:
            ids.setdefault(deployment.id, []).append(deployment)
            if not deployment.team or deployment.team == team:
                groups.setdefault(deployment.group, []).append(deployment)
            if deployment.team and deployment.team == team and deployment.team_name:
                own.setdefault(deployment.team_name, []).append(deployment)
            elif deployment.team and deployment.team != team:
                # LiteLLM serves it to nobody else, and to its team under another name.
                for name in {deployment.group, deployment.team_name}:
                    self._of_teams.setdefault(name, []).append(deployment)
        # An id that different models have tells nothing.
        self.by_id = {name: found[0] for name, found in ids.items() if name and len({e.identity for e in found}) == 1}
        self.groups: dict[str, Deployments] = {name: tuple(group) for name, group in {**groups, **own}.items()}
        self.unions = dict(self._unions(routing_groups, groups))
        self.wildcards = sorted(
            (Wildcard(name, _pattern(name), group) for name, group in self.groups.items() if "*" in name),
            key=_specificity,
            reverse=True,
        )

        # By who they are; base models come from callers, and each of them is looked up once.
        self.of_one: dict[Identity, list[str]] = {}
        self.of_several: dict[Identity, list[str]] = {}
        for name in self.groups:
            different = {found.identity.folded for found in self.asked(name)} if "*" not in name else ()
            for identity in different:
                kind = self.of_one if len(different) == 1 else self.of_several
                kind.setdefault(identity, []).append(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name under which something is served, wildcards included, aliases left out."""
        return (*self.groups, *self.unions)

    def asked(self, name: str) -> Deployments:
        """Those of which LiteLLM picks one when it is asked for this name; none: it serves no such name."""
        if name not in self.groups and name in self.by_id:
            return (self.by_id[name],)
        name = self._aliases.get(name) or name
        return self.groups.get(name) or self.unions.get(name) or self._matched(name) or self._written(name)

    def anybodys(self, name: str) -> Deployments:
        """The same, and where there are none, those that teams have under this name for themselves."""
        return self.asked(name) or tuple(self._of_teams.get(self._aliases.get(name) or name, ()))

    def group(self, name: str) -> Deployments:
        """Those of a group, a routing group or an alias of this very name, none where there is no such."""
        known = name in self.groups or name in self.unions or name in self._aliases
        return self.asked(name) if known and "*" not in name else ()

    def names_for(self, wildcard: Wildcard, target: Identity) -> Iterator[str]:
        """Names that may lead through this wildcard to a deployment that is `target`."""
        yield target.name
        yield target.model
        for deployment in wildcard.deployments:
            models = (target.model,) if deployment.custom_provider else (target.name, target.model)
            for model in models if deployment.written.count("*") == wildcard.name.count("*") else ():
                found = _pattern(deployment.written, re.IGNORECASE).fullmatch(model)
                if found:
                    pieces = iter(found.groups())
                    yield re.sub(r"\*", lambda _: next(pieces), wildcard.name)  # noqa: B023 - used at once
        yield wildcard.name.replace("*", target.model)
        yield wildcard.name.replace("*", "")

    def _unions(
        self, routing_groups: Mapping[str, Sequence[str]], groups: Mapping[str, Sequence[Deployment]]
    ) -> Iterator[tuple[str, Deployments]]:
        # Seen in 1.106-1.110: a group or an alias of that name goes before, and what is no group is left out.
        for name, members in routing_groups.items():
            found = tuple(each for member in dict.fromkeys(members) for each in groups.get(member, ()))
            if found and name not in self.groups and name not in self._aliases:
                yield name, found

    def _matched(self, name: str) -> Deployments:
        # LiteLLM looks for a wildcard under the provider it infers when the bare name matches none.
        for asked in (name, f"{inferred_provider(name, self._model_map)}/{name}"):
            for wildcard in self.wildcards:
                found = wildcard.pattern.match(asked)
                if found:
                    return tuple(self._filled(deployment, found) for deployment in wildcard.deployments)
        return ()

    def _filled(self, deployment: Deployment, found: re.Match[str]) -> Deployment:
        """Source: LiteLLM's PatternMatchRouter.set_deployment_model_name."""
        written = deployment.written
        if "*" not in written:
            return deployment
        if len(found.groups()) > written.count("*"):
            return deployment.filled(found.string, self._model_map)
        for segment in found.groups():
            written = written.replace("*", segment, 1)
        return deployment.filled(written, self._model_map)

    def _written(self, name: str) -> Deployments:
        """LiteLLM's last resort: the `model` of deployments is a name too."""
        return tuple(d for group in self.groups.values() for d in group if d.written == name and "*" not in d.group)


def _pattern(name: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(re.escape(name).replace(r"\*", "(.*)"), flags)


def _specificity(wildcard: Wildcard) -> tuple[int, int]:
    text = wildcard.pattern.pattern
    return len(text), sum(letter in _COUNTS_AS_COMPLEX for letter in text)
