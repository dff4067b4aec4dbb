"""When a model retires, and whether the date that somebody tells is about the deployment at all."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any, Final
from urllib.parse import urlsplit

from governance.catalog.addresses import KNOWN_ADDRESSES, provider_at
from governance.catalog.deployments import Deployment
from governance.catalog.sources import DEPLOYMENT, POLICY, Said

KEY: Final = "deprecation_date"
"""In LiteLLM's model map: the day on which the provider switches a model off."""
NEVER: Final = "never"

_DAY_CHARACTERS: Final = 10
# Where providers are; of those that are in no list, every deployment has an address of its own.
_DOMAINS: Final = {
    "openai": "openai.com",
    "anthropic": "anthropic.com",
    "gemini": "googleapis.com",
    "xai": "x.ai",
    "cohere": "cohere.com",
    "cohere_chat": "cohere.com",
    "openrouter": "openrouter.ai",
    "fireworks_ai": "fireworks.ai",
    "cerebras": "cerebras.ai",
    "azure": "azure.com",
    "azure_ai": "azure.com",
}
_AT_KNOWN_ADDRESSES: Final = frozenset(KNOWN_ADDRESSES.values())


def retires_at_s(value: Any) -> float | None:
    """Unix seconds of the beginning of that day in UTC; None for what is no day.

    >>> retires_at_s("1970-01-02")
    86400.0
    """
    try:
        day = date.fromisoformat(str(value)[:_DAY_CHARACTERS])
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp()


def day_of(at_s: float) -> str:
    """That moment's day in UTC, as 2027-01-14."""
    return datetime.fromtimestamp(at_s, timezone.utc).date().isoformat()


def about(deployment: Deployment, said: Said) -> Said:
    """What is said of a deployment's model, without a day on which somebody else stops serving it.

    A model of this name on a machine of one's own, or at another provider, outlives the one at its maker's.
    """
    if KEY not in said.entry or said.by[KEY] in (POLICY, DEPLOYMENT):
        return said
    maker = str(said.entry.get("litellm_provider", ""))
    provider = deployment.identity.provider
    other = bool(maker and provider) and not (maker.startswith(provider) or provider.startswith(maker))
    if not other and not _is_elsewhere(provider, deployment.address):
        return said
    return Said(
        {key: value for key, value in said.entry.items() if key != KEY},
        {key: value for key, value in said.by.items() if key != KEY},
    )


def _is_elsewhere(provider: str, address: str) -> bool:
    if not address:
        return False
    domain = _DOMAINS.get(provider)
    if domain is None:
        return provider in _AT_KNOWN_ADDRESSES and provider_at(address) != provider
    try:
        host = urlsplit(address if "://" in address else f"https://{address}").hostname or ""
    except ValueError:
        return True
    return host != domain and not host.endswith(f".{domain}")
