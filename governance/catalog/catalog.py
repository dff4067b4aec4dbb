"""The models that one proxy serves, by its own model list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from governance.catalog.prices import facts_of, price_entry
from governance.model import ModelFacts

Deployment = Mapping[str, Any]


class Catalog:
    """What `provider/model` means to a proxy with this model list.

    Args:
        deployments: entries of LiteLLM's `model_list`; None = unknown: every model is taken to be served.
        prices: LiteLLM's model map: prices, context windows and capabilities by model name.
    """

    def __init__(self, deployments: Iterable[Deployment] | None, prices: Mapping[str, Any]) -> None:
        self.prices = prices
        by_name: dict[str, list[Deployment]] = {}
        for deployment in deployments or ():
            if (deployment.get("model_info") or {}).get("team_id"):
                # One team's own: LiteLLM serves it to nobody else, and to that team under another name.
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

    def _find_facts(self, target: str) -> ModelFacts:
        deployments = self._call(target)[1]
        own: Deployment = deployments[0] if deployments else {}
        info, params = own.get("model_info") or {}, own.get("litellm_params") or {}
        served = str(params.get("model", "")) if "*" not in str(params.get("model", "")) else ""
        entry: dict[str, Any] = {}
        for name in (info.get("base_model"), served, target):
            found = price_entry(self.prices, str(name)) if name else None
            if found is not None:
                entry.update(found)
                break
        for override in (info, params):
            entry.update({k: v for k, v in override.items() if v is not None})
        return facts_of(entry)


def _serves(deployment: Deployment) -> str:
    params = deployment.get("litellm_params") or {}
    model, provider = str(params.get("model", "")), params.get("custom_llm_provider")
    return f"{provider}/{model}" if provider and not model.startswith(f"{provider}/") else model


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, name.split("*"))), re.DOTALL)
