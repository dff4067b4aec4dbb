"""Where the models of one provider are listed, and what a listing says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from governance.model.errors import GovernanceError

Kind = Literal[
    "openai",
    "anthropic",
    "google",
    "groq",
    "openrouter",
    "vercel_ai_gateway",
    "ollama",
    "openai_compatible",
    "documentation",
]


class DiscoveryFailed(GovernanceError):
    """A provider's models could not be read; says why, and never what a provider answered or a key."""


@dataclass(frozen=True, slots=True)
class Found:
    """One model that a provider lists.

    Args:
        name: as the provider calls it.
        entry: what the listing says of it, in the keys of LiteLLM's model map; what it does not say is missing.
    """

    name: str
    entry: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the models of one provider are listed.

    Args:
        name: of this source, unique.
        provider: how LiteLLM calls the provider: the part of `provider/model` before the slash.
        kind: which payload the provider speaks.
        api_base: of the API; "" where there is none.
        key: sent to the scheme, host and port of `api_base` and to nobody else.
        docs_url: the provider's page about its models; "" when none is known.
        allowed_hosts: may be reached over http and at private addresses.
        selector: CSS selector of the model names on the page, for `documentation`.
        needs_key: the provider lists its models to those with a key only.
        key_names: environment variables in which a key was looked for.
        in_use: somebody uses this provider: the policy or a deployment names it, or there is a key for it. The others
            are read when they are asked for by name.
    """

    name: str
    provider: str
    kind: Kind
    api_base: str = ""
    key: str = field(default="", repr=False)
    docs_url: str = ""
    allowed_hosts: frozenset[str] = frozenset()
    selector: str = ""
    needs_key: bool = False
    key_names: tuple[str, ...] = ()
    in_use: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """What is built in about a provider.

    Args:
        api_base: unless the environment or the policy names another.
        key_names: environment variables, the first one set counts; LiteLLM's own.
        base_names: environment variables with another `api_base`; LiteLLM's own.
    """

    kind: Kind
    api_base: str
    docs_url: str
    key_names: tuple[str, ...] = ()
    base_names: tuple[str, ...] = ()
    needs_key: bool = True


KNOWN: Final[Mapping[str, Known]] = {
    "openai": Known(
        "openai",
        "https://api.openai.com/v1",
        "https://platform.openai.com/docs/models",
        ("OPENAI_API_KEY",),
        ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
    ),
    "anthropic": Known(
        "anthropic",
        "https://api.anthropic.com",
        "https://platform.claude.com/docs/en/about-claude/models/overview",
        ("ANTHROPIC_API_KEY",),
        ("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"),
    ),
    "gemini": Known(
        "google",
        "https://generativelanguage.googleapis.com/v1beta",
        "https://ai.google.dev/gemini-api/docs/models",
        ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        ("GEMINI_API_BASE",),
    ),
    "groq": Known(
        "groq",
        "https://api.groq.com/openai/v1",
        "https://console.groq.com/docs/models",
        ("GROQ_API_KEY",),
        ("GROQ_API_BASE",),
    ),
    "openrouter": Known(
        "openrouter",
        "https://openrouter.ai/api/v1",
        "https://openrouter.ai/models",
        ("OPENROUTER_API_KEY", "OR_API_KEY"),
        ("OPENROUTER_API_BASE",),
        needs_key=False,
    ),
    "vercel_ai_gateway": Known(
        "vercel_ai_gateway",
        "https://ai-gateway.vercel.sh/v1",
        "https://vercel.com/ai-gateway/models",
        ("VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"),
        ("VERCEL_AI_GATEWAY_API_BASE",),
        needs_key=False,
    ),
    "ollama": Known(
        "ollama",
        "http://localhost:11434",
        "https://ollama.com/library",
        ("OLLAMA_API_KEY",),
        ("OLLAMA_API_BASE",),
        needs_key=False,
    ),
}
"""Names, keys and addresses as in LiteLLM (litellm/utils.py, llms/*), so that one environment serves both."""
