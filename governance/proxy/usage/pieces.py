"""What an answer used that is not billed by tokens, and the service tier that it was served at."""

from __future__ import annotations

import math
from typing import Any, Final

from governance.model import Request
from governance.model.quantities import Quantities
from governance.model.sizes import AUDIO_TOKENS_PER_CHARACTER, pixels, video_ms
from governance.proxy.usage.fields import count, field, first_of, items, number
from governance.proxy.usage.tokens import OUTPUT_DETAILS

# LiteLLM's names of Google's words (cost_calculator.py), and the words for the standard tier.
_TIER_OF_TRAFFIC: Final = {"ON_DEMAND_PRIORITY": "priority", "FLEX": "flex", "ON_DEMAND_FLEX": "flex"}
_TIERS: Final = {"fast": "priority", "default": "", "standard": "", "auto": ""}


def with_pieces(used: Quantities, request: Request, answer: Any, reported: Any) -> Quantities:
    """The same with what is not billed by tokens."""
    kind = request.request_type
    if kind == "image_generation":
        images = field(answer, "data")
        itemised = first_of(reported, OUTPUT_DETAILS) is not None
        made = len(images) if isinstance(images, list) else 0
        return used._replace(
            images_out=made,
            pixels_out=made * pixels(request),
            image_output_tokens=used.image_output_tokens if itemised else used.output_tokens,
        )
    if kind == "transcription":
        hidden = field(answer, "_hidden_params")
        seconds = (
            number(hidden, "audio_transcription_duration") or number(answer, "duration") or number(reported, "seconds")
        )
        return used._replace(duration_ms=math.ceil(seconds * 1000))
    if kind == "speech":
        # Of speech the model made nothing else. What comes as sound tells no tokens: they are guessed as before.
        spoken = used.output_tokens or request.characters * AUDIO_TOKENS_PER_CHARACTER
        return used._replace(
            input_tokens=used.input_tokens or request.prompt_tokens,
            output_tokens=spoken,
            characters=request.characters,
            audio_output_tokens=spoken,
        )
    if kind == "ocr":
        told, read = field(answer, "usage_info"), items(answer, "pages")
        return used._replace(
            pages=count(told, "pages_processed") or len(read),
            annotated_pages=count(told, "pages_processed_annotation"),
            millicredits=math.ceil(1000 * number(told, "credits")),
        )
    if kind == "video_generation":
        seconds = number(reported, "duration_seconds") or number(answer, "seconds")
        made_ms = math.ceil(seconds * 1000) * max(1, count(reported, "video_count"))
        return used._replace(duration_ms=made_ms or video_ms(request))
    if kind in ("search", "vector_store"):
        return used._replace(queries=1)
    if kind == "rerank":
        billed = field(field(answer, "meta"), "billed_units")
        return used._replace(queries=count(billed, "search_units") or 1)
    return used


def tier(request: Request, answer: Any, reported: Any) -> str:
    """The service tier that the provider says it served; what was asked for, where it does not say."""
    traffic = field(field(field(answer, "_hidden_params"), "provider_specific_fields"), "traffic_type")
    traffic = traffic or field(reported, "trafficType")
    if isinstance(traffic, str):
        return _TIER_OF_TRAFFIC.get(traffic.upper(), "")
    for told in (field(answer, "service_tier"), field(reported, "service_tier"), request.params.get("service_tier")):
        if isinstance(told, str) and told.lower() != "auto":
            return _TIERS.get(told.lower(), told.lower())
    return ""
