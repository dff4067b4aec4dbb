"""Which deployments LiteLLM's router takes for a name: groups, aliases, wildcards, in its own order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from governance.catalog.deployments import Deployment
from governance.catalog.identity import Identity, inferred_provider

_COUNTS_AS_COMPLEX: Final = frozenset("*+?\\^$|()")
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

    Source: LiteLLM 1.106-1.110, router.py `_common_checks_available_deployment`, pattern_match_deployments.py.
    """

    def __init__(
        self, deployments: Iterable[Deployment], aliases: Mapping[str, str], model_map: Mapping[str, Any]
    ) -> None:
        self._model_map = model_map
        self._aliases = aliases
        self._of_teams: dict[str, list[Deployment]] = {}
        self.by_id: dict[str, Deployment] = {}
        groups: dict[str, list[Deployment]] = {}
        for deployment in deployments:
            if deployment.id:
                self.by_id[deployment.id] = deployment
            if deployment.team:
                # One team's own: LiteLLM serves it to nobody else, and to that team under another name.
                for name in {deployment.group, deployment.team_name}:
                    self._of_teams.setdefault(name, []).append(deployment)
            else:
                groups.setdefault(deployment.group, []).append(deployment)
        self.groups: dict[str, Deployments] = {name: tuple(group) for name, group in groups.items()}
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

    def asked(self, name: str) -> Deployments:
        """Those of which LiteLLM picks one when it is asked for this name; none: it serves no such name."""
        if name not in self.groups and name in self.by_id:
            return (self.by_id[name],)
        name = self._aliases.get(name) or name
        if name in self.groups:
            return self.groups[name]
        matched = self._matched(name)
        if matched:
            return matched
        return tuple(self._of_teams.get(name, ())) or self._written(name)

    def group(self, name: str) -> Deployments:
        """Those of a group or an alias of this very name, none where there is no such."""
        return () if "*" in name or (name not in self.groups and name not in self._aliases) else self.asked(name)

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
