"""The models that one proxy serves, by its own model list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from governance.catalog.modalities import completed, made, taken, unsaid
from governance.catalog.prices import facts_of
from governance.catalog.providers import provider_and_model
from governance.catalog.sources import Said, Sources
from governance.model.facts import NO_FACTS, ModelFacts

Deployment = Mapping[str, Any]
# What a deployment may state about its model. The rest of it, such as keys and addresses, is nobody's business.
_IS_FACT: Final = re.compile(
    r"supports_|supported_|max_(input|output)_tokens$|mode$|display_name$|\w*(_cost|_pricing|_price)(_|$)"
)
Pairs = tuple[tuple[str, str], ...]
NO_ALIASES: Final[Mapping[str, str]] = MappingProxyType({})


class Catalog:
    """What `provider/model` means to a proxy with this model list.

    Args:
        deployments: entries of LiteLLM's `model_list`; None = unknown: every model is taken to be served.
        sources: what is known of models; a bare mapping is LiteLLM's model map.
        aliases: LiteLLM's `model_group_alias`: other names of model groups.
    """

    def __init__(
        self,
        deployments: Iterable[Deployment] | None,
        sources: Sources | Mapping[str, Any],
        aliases: Mapping[str, str] = NO_ALIASES,
    ) -> None:
        self.sources = sources if isinstance(sources, Sources) else Sources(sources)
        self._aliases = aliases
        by_name: dict[str, list[Deployment]] = {}
        self._of_teams: dict[str, list[Deployment]] = {}
        for deployment in deployments or ():
            info = deployment.get("model_info") or {}
            if info.get("team_id"):
                # One team's own: LiteLLM serves it to nobody else, and to that team under another name.
                for name in {str(deployment.get("model_name", "")), str(info.get("team_public_model_name", ""))}:
                    self._of_teams.setdefault(name, []).append(deployment)
                continue
            by_name.setdefault(str(deployment.get("model_name", "")), []).append(deployment)
        self._by_name = None if deployments is None else by_name
        self._groups: dict[str, str] = {}
        for name, group in by_name.items():
            served = {_serves(deployment) for deployment in group}
            if len(served) == 1:
                self._groups.setdefault(served.pop(), name)
        self._patterns = [(_pattern(name), name) for name in by_name if "*" in name]
        # LiteLLM prefers the most specific wildcard (router_utils/pattern_match_deployments.py).
        self._patterns.sort(key=lambda entry: len(entry[1]), reverse=True)
        # Base models come from callers, so what is remembered of them is bounded.
        self._call = lru_cache(maxsize=4096)(self._find_call)
        self._facts = lru_cache(maxsize=4096)(self._find_facts)
        self._served = lru_cache(maxsize=4096)(self._find_served)

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names the proxy serves, wildcards included; None when that is unknown."""
        return None if self._by_name is None else tuple(self._by_name)

    def call_name(self, target: str) -> str | None:
        """The name to ask LiteLLM for: the model of that very name, else a wildcard's, else a model group
        all of whose deployments are this `provider/model`. None = not served.

        Source: LiteLLM proxy/route_llm_request.py has the same precedence.
        """
        return self._call(target)[0]

    def facts(self, target: str) -> ModelFacts:
        """What is known of `provider/model`; a deployment's own settings beat the model map."""
        return self._facts(target)

    def served_by(self, name: str) -> Pairs:
        """Every provider and base model that may answer when the proxy is asked for `name`, in the model list's order.

        The model is what LiteLLM asks the provider for; the provider is "" where nothing tells it. A name that the
        proxy does not serve is read as `provider/model`.
        """
        return self._served(name)

    def _find_served(self, name: str) -> Pairs:
        name = self._aliases.get(name, name)
        if self._by_name is None:
            return (provider_and_model(name),)
        for asked in (name, f"{self.sources.provider_of(name)}/{name}"):
            # LiteLLM looks for a wildcard under the provider it infers when the bare name matches none.
            if asked in self._by_name:
                return self._pairs(asked, self._by_name[asked], None)
            for pattern, wildcard in self._patterns:
                matched = pattern.fullmatch(asked)
                if matched:
                    return self._pairs(asked, self._by_name[wildcard], matched)
        return self._pairs(name, self._of_teams.get(name, ()), None) or (provider_and_model(name),)

    def _pairs(self, name: str, deployments: Iterable[Deployment], matched: re.Match[str] | None) -> Pairs:
        served = (_filled(_serves(deployment), name, matched) or name for deployment in deployments)
        return tuple(dict.fromkeys(self._pair(model) for model in served))

    def _pair(self, served: str) -> tuple[str, str]:
        provider, model = provider_and_model(served)
        return provider or self.sources.provider_of(model), model

    def _find_call(self, target: str) -> tuple[str | None, tuple[Deployment, ...]]:
        if self._by_name is None:
            return target, ()
        if target in self._by_name:
            return target, tuple(self._by_name[target])
        for pattern, name in self._patterns:
            if pattern.fullmatch(target):
                return target, tuple(self._by_name[name])
        group = self._groups.get(target)
        return (group, tuple(self._by_name[group])) if group else (None, ())

    def said(self, target: str) -> Said:
        """What the sources say of `provider/model`, and which source says what."""
        call, deployments = self._call(target)
        own: Deployment = deployments[0] if deployments else {}
        info, params = own.get("model_info") or {}, own.get("litellm_params") or {}
        served = "/".join(filter(None, self._served(call)[0])) if call and deployments else ""
        names = [str(name) for name in (info.get("base_model"), served, target) if name]
        stated = {key: value for says in (info, params) for key, value in says.items() if _IS_FACT.match(key)}
        return self.sources.said(names, {key: value for key, value in stated.items() if value is not None})

    def _find_facts(self, target: str) -> ModelFacts:
        return known_facts(self.said(target).entry)


def known_facts(entry: Mapping[str, Any]) -> ModelFacts:
    """The facts in what the sources say of a model."""
    if not entry:
        return NO_FACTS
    entry = completed(entry)
    facts = facts_of(entry)
    return replace(
        facts,
        unsaid=frozenset() if facts.capabilities is None else unsaid(entry),
        input_modalities=taken(entry),
        output_modalities=made(entry),
        display_name=str(entry.get("display_name", "")),
        gone_since=str(entry.get("gone_since", "")),
    )


def _serves(deployment: Deployment) -> str:
    params = deployment.get("litellm_params") or {}
    model, provider = str(params.get("model", "")), params.get("custom_llm_provider")
    return f"{provider}/{model}" if provider and not model.startswith(f"{provider}/") else model


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("(.*)".join(map(re.escape, name.split("*"))), re.DOTALL)


def _filled(model: str, asked: str, matched: re.Match[str] | None) -> str:
    """What a wildcard deployment asks its provider for.

    Source: LiteLLM's PatternMatchRouter.set_deployment_model_name.
    """
    if matched is None or "*" not in model:
        return model
    if len(matched.groups()) > model.count("*"):
        return asked
    for segment in matched.groups():
        model = model.replace("*", segment, 1)
    return model
