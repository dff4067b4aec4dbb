"""The names of all providers, which LiteLLM lists several times a request."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from litellm.types.utils import LlmProviders


def providers_at_once() -> bool:
    """The name of a provider is read without Python's own way to an enumeration's value, which is a function."""
    providers: Any = LlmProviders
    if any(provider.value is not provider._value_ for provider in providers):
        return False
    providers.value = property(attrgetter("_value_"))
    return True
