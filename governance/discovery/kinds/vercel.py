"""The `GET /v1/models` of Vercel's AI Gateway: type, limits, tags and prices of each model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from governance.discovery.fields import count, inside, model_name, said, text, usd, words
from governance.discovery.kinds.listing import bearer, listing_url, models_of
from governance.discovery.outbound import Outbound
from governance.discovery.source import Found

_MODES: Final = {
    "language": "chat",
    "embedding": "embedding",
    "image": "image_generation",
    "video": "video_generation",
    "reranking": "rerank",
    "speech": "audio_speech",
    "transcription": "audio_transcription",
}
_TAGS: Final = {
    "supports_vision": "vision",
    "supports_function_calling": "tool-use",
    "supports_reasoning": "reasoning",
    "supports_pdf_input": "file-input",
}


async def read(outbound: Outbound) -> list[Found]:
    """All models; there is one page only."""
    answer = await outbound.json(listing_url(outbound.source), bearer(outbound.source))
    listed = models_of(answer, "data")
    return [Found(name, entry(item)) for item in listed if (name := model_name(item.get("id")))]


def entry(item: Mapping[str, Any]) -> dict[str, Any]:
    """What one item of the listing says. Tags are labels: one that is missing says nothing."""
    tags = words(item.get("tags")) or []
    origin, slash, _ = str(item.get("id")).partition("/")
    return said(
        mode=_MODES.get(str(item.get("type"))),
        display_name=text(item.get("name")),
        origin_provider=origin if slash else text(item.get("owned_by")),
        max_input_tokens=count(item.get("context_window")),
        max_output_tokens=count(item.get("max_tokens")),
        input_cost_per_token=usd(inside(item, "pricing", "input")),
        output_cost_per_token=usd(inside(item, "pricing", "output")),
        cache_read_input_token_cost=usd(inside(item, "pricing", "input_cache_read")),
        cache_creation_input_token_cost=usd(inside(item, "pricing", "input_cache_write")),
        **{key: True for key, tag in _TAGS.items() if tag in tags},
    )
