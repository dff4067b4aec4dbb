"""Ollama: `GET /api/tags` names the models that are there, `POST /api/show` tells what each of them can do.

Source: https://docs.ollama.com/api, "List models" and "Show model details".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from governance.discovery.fields import count, inside, model_name, said, text, words
from governance.discovery.kinds.listing import bearer, listing_url, models_of
from governance.discovery.outbound import Outbound
from governance.discovery.source import DiscoveryFailed, Found, Source

_AT_ONCE: Final = 4
_MOST_SHOWN: Final = 500
_SEES: Final = frozenset({"clip", "mllama"})


async def read(outbound: Outbound) -> list[Found]:
    """All models; where one cannot be shown, with what the list says of it."""
    source = _without_api_path(outbound.source)
    answer = await outbound.json(listing_url(source), bearer(source))
    named = [(item, name) for item in models_of(answer, "models") if (name := model_name(item.get("name")))]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def show(item: Mapping[str, Any], name: str) -> Found:
        async with gate:
            try:
                shown = await outbound.json(f"{source.api_base}/api/show", bearer(source), {"model": name})
            except DiscoveryFailed:
                shown = {}
        return Found(name, entry(item, shown))

    found = await asyncio.gather(*(show(item, name) for item, name in named[:_MOST_SHOWN]))
    return [*found, *(Found(name, entry(item, {})) for item, name in named[_MOST_SHOWN:])]


def entry(item: Mapping[str, Any], shown: Any) -> dict[str, Any]:
    """What the list and the details say together. A model on one's own machine costs nothing by the token."""
    able = words(inside(shown, "capabilities"))
    families = set(words(inside(item, "details", "families")) or ())
    context = next((n for key, n in _model_info(shown) if key.endswith(".context_length")), None)
    hosted = text(item.get("remote_host"))
    return said(
        mode=None if able is None else "chat" if "completion" in able else "embedding" if "embedding" in able else None,
        max_input_tokens=count(context),
        input_cost_per_token=None if hosted else 0.0,
        output_cost_per_token=None if hosted else 0.0,
        supports_vision=(True if families & _SEES else None) if able is None else "vision" in able,
        supports_audio_input=None if able is None else "audio" in able,
        supports_function_calling=None if able is None else "tools" in able,
        supports_reasoning=None if able is None else "thinking" in able,
    )


def _model_info(shown: Any) -> list[tuple[str, Any]]:
    info = inside(shown, "model_info")
    return list(info.items()) if isinstance(info, Mapping) else []


def _without_api_path(source: Source) -> Source:
    # OLLAMA_API_BASE often points at the OpenAI-like API below the same host.
    base = source.api_base.rstrip("/")
    return replace(source, api_base=base.removesuffix("/v1").removesuffix("/api"))
