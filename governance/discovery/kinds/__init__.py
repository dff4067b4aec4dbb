"""One module for each payload that providers speak; `READERS` says who reads which."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from governance.discovery.kinds import anthropic, documentation, google, ollama, openai, openrouter, vercel
from governance.discovery.outbound import Outbound
from governance.discovery.source import Found, Kind

Reader = Callable[[Outbound], Awaitable[list[Found]]]

READERS: Final[Mapping[Kind, Reader]] = {
    "openai": openai.read,
    "anthropic": anthropic.read,
    "google": google.read,
    "groq": openai.read,
    "openrouter": openrouter.read,
    "vercel_ai_gateway": vercel.read,
    "ollama": ollama.read,
    "openai_compatible": openai.read,
    "documentation": documentation.read,
}
