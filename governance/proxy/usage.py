"""What an answer used, read from whichever shape the provider's answer has."""

from __future__ import annotations

import math
from typing import Any, Final

from governance.engine.decision import Decision
from governance.model import MICROS_PER_USD, NO_FACTS, Request, Usage
from governance.model.facts import Quantities

_INPUT: Final = ("prompt_tokens", "input_tokens", "promptTokenCount")
_OUTPUT: Final = ("completion_tokens", "output_tokens", "candidatesTokenCount")
_INPUT_DETAILS: Final = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
_OUTPUT_DETAILS: Final = ("completion_tokens_details", "output_tokens_details", "output_token_details")
# LiteLLM's names of Google's words (cost_calculator.py), and the words for the standard tier.
_TIER_OF_TRAFFIC: Final = {"ON_DEMAND_PRIORITY": "priority", "FLEX": "flex", "ON_DEMAND_FLEX": "flex"}
_TIERS: Final = {"fast": "priority", "default": "", "standard": "", "auto": ""}


def usage_of(kwargs: dict[str, Any], answer: Any, decision: Decision, target: str) -> Usage:
    """Tokens as the provider reported them; money by the prices of the model that served.

    What LiteLLM gives as zero because it does not know (no usage in the answer, no price for the model) is None here,
    so that what was reserved stays counted. An answer from a cache costs nothing and uses nothing.

    Args:
        kwargs, answer: of LiteLLM's success event.
        target: the `provider/model` that served.
    """
    if kwargs.get("cache_hit") is True:
        return Usage()
    request = decision.request
    reported = _field(answer, "usage") or _field(answer, "usageMetadata")
    used = _tokens(reported)
    if not used.input_tokens and not used.output_tokens:
        standard = kwargs.get("standard_logging_object") or {}
        used = Quantities(_count(standard, "prompt_tokens"), _count(standard, "completion_tokens"))
    known = used.input_tokens > 0 or used.output_tokens > 0
    used = _with_pieces(used, request, answer, reported)
    facts = (request.models.facts(target) if request.models else None) or NO_FACTS
    cost, litellm = None, _litellm_cost(kwargs)
    # What comes on top of tokens (a search that the provider made) and what depends on the hour only LiteLLM prices.
    if litellm is None or not (facts.prices.varies or _has_extras(reported)):
        cost = facts.cost_of(used, _tier(request, answer, reported)) if known or any(used) else None
    cost = litellm if cost is None else cost
    return Usage(used.input_tokens, used.output_tokens, cost) if known else Usage(None, None, cost)


def _tokens(reported: Any) -> Quantities:
    """Quantities of any API's usage, by one rule: all of a side is in its total."""
    if reported is None:
        return Quantities()
    if _field(reported, "promptTokenCount") is not None:
        return _google_tokens(reported)
    inputs, outputs = _first(reported, _INPUT), _first(reported, _OUTPUT)
    given, made = _first_of(reported, _INPUT_DETAILS), _first_of(reported, _OUTPUT_DETAILS)
    cached = _count(given, "cached_tokens")
    written = _count(given, "cache_write_tokens") or _count(given, "cache_creation_tokens")
    by_age = _field(given, "cache_creation_token_details") or _field(reported, "cache_creation")
    read, created = _count(reported, "cache_read_input_tokens"), _count(reported, "cache_creation_input_tokens")
    if (read or created) and _field(reported, "prompt_tokens") is None:
        # Anthropic's own answers count these beside the input; LiteLLM's translation counts them in it.
        inputs += read + created
    cached, written = cached or read, written or created
    return Quantities(
        inputs,
        outputs,
        cached_input_tokens=cached,
        cached_audio_tokens=_count(_field(given, "cached_tokens_details"), "audio_tokens"),
        cache_write_tokens=written,
        cache_write_1h_tokens=_count(by_age, "ephemeral_1h_input_tokens"),
        audio_input_tokens=_count(given, "audio_tokens"),
        image_input_tokens=_count(given, "image_tokens"),
        video_input_tokens=_count(given, "video_tokens"),
        reasoning_tokens=_count(made, "reasoning_tokens"),
        audio_output_tokens=_count(made, "audio_tokens"),
        image_output_tokens=_count(made, "image_tokens"),
        video_output_tokens=_count(made, "video_tokens"),
        images_in=_count(given, "image_count"),
    )


def _google_tokens(reported: Any) -> Quantities:
    """Google counts what it cached in the prompt, and thoughts and what tools gave beside their side."""
    given, cached = _field(reported, "promptTokensDetails"), _field(reported, "cacheTokensDetails")
    made, thoughts = _field(reported, "candidatesTokensDetails"), _count(reported, "thoughtsTokenCount")
    return Quantities(
        _count(reported, "promptTokenCount") + _count(reported, "toolUsePromptTokenCount"),
        _count(reported, "candidatesTokenCount") + thoughts,
        cached_input_tokens=_count(reported, "cachedContentTokenCount"),
        cached_audio_tokens=_of_modality(cached, "AUDIO"),
        audio_input_tokens=_of_modality(given, "AUDIO"),
        image_input_tokens=_of_modality(given, "IMAGE"),
        video_input_tokens=_of_modality(given, "VIDEO"),
        reasoning_tokens=thoughts,
        audio_output_tokens=_of_modality(made, "AUDIO"),
        image_output_tokens=_of_modality(made, "IMAGE"),
        video_output_tokens=_of_modality(made, "VIDEO"),
    )


def _with_pieces(used: Quantities, request: Request, answer: Any, reported: Any) -> Quantities:
    """The same with what is not billed by tokens."""
    kind = request.request_type
    if kind == "image_generation":
        images = _field(answer, "data")
        itemised = _first_of(reported, _OUTPUT_DETAILS) is not None
        return used._replace(
            images_out=len(images) if isinstance(images, list) else 0,
            image_output_tokens=used.image_output_tokens if itemised else used.output_tokens,
        )
    if kind == "transcription":
        hidden = _field(answer, "_hidden_params")
        seconds = (
            _number(hidden, "audio_transcription_duration")
            or _number(answer, "duration")
            or _number(reported, "seconds")
        )
        return used._replace(duration_ms=math.ceil(seconds * 1000))
    if kind == "speech":
        # Of speech the model made nothing else.
        return used._replace(characters=request.characters, audio_output_tokens=used.output_tokens)
    if kind == "rerank":
        billed = _field(_field(answer, "meta"), "billed_units")
        return used._replace(queries=_count(billed, "search_units") or 1)
    return used


def _tier(request: Request, answer: Any, reported: Any) -> str:
    """The service tier that the provider says it served; what was asked for, where it does not say."""
    traffic = _field(_field(_field(answer, "_hidden_params"), "provider_specific_fields"), "traffic_type")
    traffic = traffic or _field(reported, "trafficType")
    if isinstance(traffic, str):
        return _TIER_OF_TRAFFIC.get(traffic.upper(), "")
    for told in (_field(answer, "service_tier"), _field(reported, "service_tier"), request.params.get("service_tier")):
        if isinstance(told, str) and told.lower() != "auto":
            return _TIERS.get(told.lower(), told.lower())
    return ""


def _has_extras(reported: Any) -> bool:
    tools = _field(reported, "server_tool_use")
    searches = _field(tools, "web_search_requests") or _field(
        _first_of(reported, _INPUT_DETAILS), "web_search_requests"
    )
    return isinstance(searches, int) and searches > 0


def _litellm_cost(kwargs: dict[str, Any]) -> int | None:
    cost = kwargs.get("response_cost")
    return round(cost * MICROS_PER_USD) if isinstance(cost, (int, float)) and cost > 0 else None


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)


def _first_of(value: Any, names: tuple[str, ...]) -> Any:
    return next((found for found in (_field(value, name) for name in names) if found is not None), None)


def _first(reported: Any, names: tuple[str, ...]) -> int:
    for name in names:
        value = _field(reported, name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _count(reported, name)
    return 0


def _number(value: Any, name: str) -> float:
    """A count or duration; 0 where there is none that can be."""
    found = _field(value, name)
    if not isinstance(found, (int, float)) or isinstance(found, bool) or not math.isfinite(found):
        return 0
    return max(0, found)


def _count(value: Any, name: str) -> int:
    return int(_number(value, name))


def _of_modality(details: Any, modality: str) -> int:
    found = [one for one in details if _field(one, "modality") == modality] if isinstance(details, list) else []
    return sum(_count(one, "tokenCount") for one in found)
