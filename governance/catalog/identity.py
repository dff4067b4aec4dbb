"""Who a deployment is: the provider and the model that LiteLLM infers from what is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from governance.catalog.addresses import provider_at
from governance.catalog.prices import installed_prices
from governance.catalog.providers import PROVIDERS, provider_of

# Words that choose an API of the provider and are no part of the model's name. Sources: LiteLLM 1.106-1.110,
# responses/bridge_check.py, llms/azure/{responses,chat}, llms/bedrock/common_utils.py, llms/vertex_ai/common_utils.py.
_ROUTES: Final[Mapping[str, frozenset[str]]] = {
    "azure": frozenset({"o_series", "gpt5_series"}),
    "bedrock": frozenset(
        {"converse", "converse_like", "invoke", "async_invoke", "chat_completions", "claude_platform", "mantle"}
        | {"openai", "nova", "nova-2"}
    ),
    "vertex_ai": frozenset({"gemini", "gemma", "openai", "bge"}),
}
_ROUTE_OF_ALL: Final = "responses"
_AWS_REGION: Final = re.compile(r"(?:[a-z]{2}|us-gov|us-iso[a-z]?)-[a-z]+-\d")
_AWS_GEOGRAPHY: Final = re.compile(r"(?:us|us-gov|eu|apac|au|jp|ca|global)\.(?=[a-z0-9-]+\.)")

# What LiteLLM calls a provider internally, depending on the model; nobody has to know which of the two it is.
_SAME: Final = {
    "cohere_chat": "cohere",
    "anthropic_text": "anthropic",
    "ai21_chat": "ai21",
    "azure_text": "azure",
    "text-completion-openai": "openai",
    "vertex_ai_beta": "vertex_ai",
}


class Identity(NamedTuple):
    """A provider ("" where nothing tells it) and a model, in the case in which they are written."""

    provider: str
    model: str

    @property
    def name(self) -> str:
        """`provider/model`."""
        return f"{self.provider}/{self.model}" if self.provider else self.model

    @property
    def folded(self) -> Identity:
        """For comparing: in lower case, and one name for each provider."""
        provider = self.provider.lower()
        return Identity(_SAME.get(provider, provider), self.model.lower())


def identity_of(written: str, custom_provider: str, model_map: Mapping[str, Any], address: str = "") -> Identity:
    """What LiteLLM asks whom for.

    Args:
        written: the `model` of a deployment, or `provider/model` as a policy writes it.
        custom_provider: the deployment's `custom_llm_provider`; "" where it is left out.
        address: its `api_base`; tells whose a name without a provider is, whatever that name is known as.

    Source: LiteLLM litellm_core_utils/get_llm_provider_logic.py.
    """
    prefix, slash, rest = written.partition("/")
    if custom_provider:
        provider, model = custom_provider, rest if slash and prefix == custom_provider else written
    elif slash and prefix.lower() in PROVIDERS:
        provider, model = prefix, rest
    else:
        provider, model = provider_at(address) or inferred_provider(written, model_map), written
    return Identity(provider, without_routes(provider, model))


def inferred_provider(model: str, model_map: Mapping[str, Any]) -> str:
    """The provider that LiteLLM takes a name without one to be of; "" where it knows none."""
    if model == "*" or model.startswith("gpt-image") or "ft:gpt-4" in model or "ft:gpt-3.5-turbo" in model:
        return "openai"
    return provider_of(model, model_map) or next((to for rule, to in _rules() if rule.search(model)), "")


def without_routes(provider: str, model: str) -> str:
    """The model's own name.

    >>> without_routes("bedrock", "converse/us.anthropic.claude-sonnet-4-5")
    'us.anthropic.claude-sonnet-4-5'
    >>> without_routes("bedrock", "us-east-1/anthropic.claude-v2")
    'anthropic.claude-v2'
    """
    words = _ROUTES.get(_SAME.get(provider.lower(), provider.lower()), frozenset[str]())
    prefix, slash, rest = model.partition("/")
    while slash and rest and (prefix == _ROUTE_OF_ALL or prefix in words or _is_region(provider, prefix)):
        model = rest
        prefix, slash, rest = model.partition("/")
    return model


def anywhere(model: str) -> str:
    """A model of Bedrock without the part of the world that it runs in; others as they are.

    >>> anywhere("us.anthropic.claude-sonnet-4-5")
    'anthropic.claude-sonnet-4-5'
    """
    return _AWS_GEOGRAPHY.sub("", model, count=1) if _AWS_GEOGRAPHY.match(model) else model


def spellings(provider: str, model: str) -> set[str]:
    """A model's name, and those of whom it is the same: of the provider as everybody calls it, wherever it runs.

    >>> sorted(spellings("cohere_chat", "command-r"))
    ['cohere/command-r', 'cohere_chat/command-r']
    """
    known = {provider, _SAME.get(provider.lower(), provider)}
    return {f"{each}/{name}" for each in known for name in (model, anywhere(model))}


def _is_region(provider: str, word: str) -> bool:
    return provider.lower() == "bedrock" and _AWS_REGION.fullmatch(word) is not None


@cache
def _rules() -> tuple[tuple[re.Pattern[str], str], ...]:
    """LiteLLM's rules for names that its map does not have yet; they are shipped in the map itself."""
    given = installed_prices().get("fallback_generalizations")
    rules = given.get("rules") if isinstance(given, Mapping) else None
    found = []
    for rule in rules if isinstance(rules, list) else ():
        info = rule.get("model_info") if isinstance(rule, Mapping) else None
        if isinstance(info, Mapping) and set(info) == {"litellm_provider"}:
            try:
                found.append((re.compile(str(rule.get("pattern")), re.IGNORECASE), str(info["litellm_provider"])))
            except re.error:
                continue
    return tuple(found)
