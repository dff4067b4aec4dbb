"""What all listings of models have in common: their address, the key's header, and the end of their pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from governance.discovery.fields import objects
from governance.discovery.source import DiscoveryFailed, Kind, Source

MOST_PAGES: Final = 100

# The path of the API where `api_base` names a host only, and the path of the listing below it.
_PATHS: Final[Mapping[Kind, tuple[str, str]]] = {
    "openai": ("/v1", "/models"),
    "openai_compatible": ("/v1", "/models"),
    "anthropic": ("/v1", "/models"),
    "google": ("/v1beta", "/models"),
    "groq": ("/openai/v1", "/models"),
    "openrouter": ("/api/v1", "/models"),
    "vercel_ai_gateway": ("/v1", "/models"),
    "ollama": ("", "/api/tags"),
}


def listing_url(source: Source, **query: str | int | None) -> str:
    """Where the source lists its models; parameters that are None are left out."""
    api, listing = _PATHS[source.kind]
    base = source.api_base.rstrip("/")
    _, _, path = base.partition("://")[2].partition("/")
    given = {name: value for name, value in query.items() if value is not None}
    return base + ("" if path else api) + listing + (f"?{urlencode(given)}" if given else "")


def bearer(source: Source) -> dict[str, str]:
    """The key, as most APIs take it."""
    return {"authorization": f"Bearer {source.key}"} if source.key else {}


def models_of(answer: object, name: str) -> list[Mapping[str, Any]]:
    """The objects of the list that an answer has under this name.

    Raises:
        DiscoveryFailed: it has no such list.
    """
    listed = answer.get(name) if isinstance(answer, Mapping) else None
    if not isinstance(listed, list):
        raise DiscoveryFailed("the answer is no list of models")
    return list(objects(listed))


def check_page(source: Source, pages: int, mark: object, seen: set[object]) -> None:
    """Pages must end: a mark that comes again, or too many of them, is an error of the provider."""
    if pages > MOST_PAGES or mark in seen:
        raise DiscoveryFailed(f"{source.name} lists its models on pages without end")
    seen.add(mark)
