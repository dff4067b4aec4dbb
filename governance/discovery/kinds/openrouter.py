"""OpenRouter's `GET /api/v1/models`: prices, modalities and parameters of each model.

Source: https://openrouter.ai/docs/models, "Models API Standard".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from governance.discovery.fields import count, inside, model_name, said, text, usd, words
from governance.discovery.kinds.listing import bearer, listing_url, models_of
from governance.discovery.outbound import Outbound
from governance.discovery.source import Found

_INPUT: Final = ("text", "image", "audio", "video")
_OUTPUT: Final = ("text", "image", "audio", "video")
_ONLY: Final = {
    "embeddings": "embedding",
    "image": "image_generation",
    "audio": "audio_speech",
    "video": "video_generation",
    "rerank": "rerank",
}


async def read(outbound: Outbound) -> list[Found]:
    """All models, also those that make no text; there is one page only."""
    answer = await outbound.json(listing_url(outbound.source, output_modalities="all"), bearer(outbound.source))
    listed = models_of(answer, "data")
    return [Found(name, entry(item)) for item in listed if (name := model_name(item.get("id")))]


def entry(item: Mapping[str, Any]) -> dict[str, Any]:
    """What one item of the listing says."""
    takes, makes = _modalities(item.get("architecture"))
    parameters = words(item.get("supported_parameters"))
    return said(
        mode=_mode(makes),
        display_name=text(item.get("name")),
        origin_provider=_origin(item),
        max_input_tokens=count(inside(item, "top_provider", "context_length")) or count(item.get("context_length")),
        max_output_tokens=count(inside(item, "top_provider", "max_completion_tokens")),
        input_cost_per_token=usd(inside(item, "pricing", "prompt")),
        output_cost_per_token=usd(inside(item, "pricing", "completion")),
        cache_read_input_token_cost=usd(inside(item, "pricing", "input_cache_read")),
        cache_creation_input_token_cost=usd(inside(item, "pricing", "input_cache_write")),
        supported_modalities=None if takes is None else [m for m in takes if m in _INPUT],
        supported_output_modalities=None if makes is None else [m for m in makes if m in _OUTPUT],
        supports_vision=None if takes is None else "image" in takes,
        supports_audio_input=None if takes is None else "audio" in takes,
        supports_video_input=None if takes is None else "video" in takes,
        supports_pdf_input=None if takes is None else "file" in takes,
        supports_function_calling=None if parameters is None else "tools" in parameters,
        supports_response_schema=(
            None if parameters is None else bool({"structured_outputs", "response_format"} & set(parameters))
        ),
        supports_reasoning=None if parameters is None else "reasoning" in parameters,
    )


def _modalities(architecture: Any) -> tuple[list[str] | None, list[str] | None]:
    takes, makes = words(inside(architecture, "input_modalities")), words(inside(architecture, "output_modalities"))
    # The older form: text+image->text
    before, arrow, after = (text(inside(architecture, "modality")) or "").lower().partition("->")
    if arrow:
        takes = before.split("+") if takes is None else takes
        makes = after.split("+") if makes is None else makes
    return takes, makes


def _mode(makes: list[str] | None) -> str | None:
    if not makes:
        return None
    return "chat" if "text" in makes else next((_ONLY[m] for m in makes if m in _ONLY), None)


def _origin(item: Mapping[str, Any]) -> str | None:
    origin, slash, _ = str(item.get("id")).partition("/")
    return origin.lstrip("~") if slash else None
