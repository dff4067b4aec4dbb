"""Tokens of any API's usage, by one rule: never fewer than in any reading under which the numbers agree."""

from __future__ import annotations

from typing import Any, Final

from governance.model.quantities import Quantities
from governance.proxy.usage.fields import count, field, first_of, items
from governance.proxy.usage.plain import plain_tokens

_INPUT: Final = ("prompt_tokens", "input_tokens", "promptTokenCount", "inputTokens")
_OUTPUT: Final = ("completion_tokens", "output_tokens", "candidatesTokenCount", "outputTokens")
_TOTAL: Final = ("total_tokens", "totalTokenCount", "totalTokens")
_REASONING: Final = ("reasoning_tokens", "thinking_tokens")
_CACHED: Final = ("cached_tokens", "cache_read_input_tokens", "prompt_cache_hit_tokens", "cacheReadInputTokens")
_WRITTEN: Final = (
    "cache_write_tokens",
    "cache_creation_tokens",
    "cache_creation_input_tokens",
    "cacheWriteInputTokens",
)
_5M: Final = "ephemeral_5m_input_tokens"
_1H: Final = "ephemeral_1h_input_tokens"
INPUT_DETAILS: Final = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
OUTPUT_DETAILS: Final = ("completion_tokens_details", "output_tokens_details", "output_token_details")
_MODALITIES: Final = ("text_tokens", "audio_tokens", "image_tokens", "video_tokens")


def tokens(reported: Any, *, answers: bool = True) -> Quantities:
    """Quantities of any API's usage; all of a side is in its total.

    Args:
        answers: the request is answered with tokens. For one that is not, such as an embedding, all that is counted
            is its input.
    """
    if reported is None:
        return Quantities()
    plain = plain_tokens(reported)
    if plain is not None:
        return plain
    if any(field(reported, name) is not None for name in ("promptTokenCount", "candidatesTokenCount")):
        used = _google(reported)
    else:
        used = _openai_or_anthropic(reported)
    return _in_agreement(used, count(reported, *_TOTAL), answers)


def _in_agreement(used: Quantities, total: int, answers: bool) -> Quantities:
    """The same with what only the total, or only a part, tells of a side."""
    inputs, outputs = used.input_tokens, used.output_tokens
    cached = used.cached_input_tokens + used.cache_write_tokens
    if cached > inputs:
        # What is a part of the prompt cannot be longer: it is counted beside it.
        inputs += cached
    beside = max(0, total - inputs - outputs)
    if beside:
        # Where the numbers do not say which side it is of, it is of the dearer one.
        if not answers or (beside == used.cached_input_tokens + used.cache_write_tokens != used.reasoning_tokens):
            inputs += beside
        else:
            outputs += beside
    if used.reasoning_tokens > outputs:
        outputs += used.reasoning_tokens
    return used._replace(input_tokens=inputs, output_tokens=outputs)


def _openai_or_anthropic(reported: Any) -> Quantities:
    given, made = first_of(reported, INPUT_DETAILS), first_of(reported, OUTPUT_DETAILS)
    by_age = field(given, "cache_creation_token_details") or field(reported, "cache_creation")
    written_1h = count(by_age, _1H)
    told_by_age = count(by_age, _5M) + written_1h
    cached = max(count(given, *_CACHED), count(reported, *_CACHED))
    written = max(count(given, *_WRITTEN), count(reported, *_WRITTEN), told_by_age)
    inputs = max(count(reported, *_INPUT), sum(count(given, modality) for modality in _MODALITIES))
    outputs = max(count(reported, *_OUTPUT), sum(count(made, modality) for modality in _MODALITIES))
    if _is_anthropics_own(reported):
        # These count what is in the cache beside the input; LiteLLM's translation counts it in it.
        inputs += cached + written
    return Quantities(
        inputs,
        outputs,
        cached_input_tokens=cached,
        cached_audio_tokens=count(field(given, "cached_tokens_details"), "audio_tokens"),
        cache_write_tokens=written,
        cache_write_1h_tokens=written_1h,
        audio_input_tokens=count(given, "audio_tokens"),
        image_input_tokens=count(given, "image_tokens"),
        video_input_tokens=count(given, "video_tokens"),
        reasoning_tokens=max(count(made, *_REASONING), count(reported, *_REASONING)),
        audio_output_tokens=count(made, "audio_tokens"),
        image_output_tokens=count(made, "image_tokens"),
        video_output_tokens=count(made, "video_tokens"),
        images_in=count(given, "image_count"),
    )


def _is_anthropics_own(reported: Any) -> bool:
    if field(reported, "prompt_tokens") is not None:
        return False
    own = ("cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation", "cacheReadInputTokens")
    return first_of(reported, own) is not None


def _google(reported: Any) -> Quantities:
    """Google counts what it cached in the prompt, and thoughts and what tools gave beside their side."""
    given, cached = items(reported, "promptTokensDetails"), items(reported, "cacheTokensDetails")
    made, thoughts = items(reported, "candidatesTokensDetails"), count(reported, "thoughtsTokenCount")
    inputs = count(reported, "promptTokenCount") + count(reported, "toolUsePromptTokenCount")
    outputs = count(reported, "candidatesTokenCount")
    if thoughts > outputs or inputs + outputs != count(reported, *_TOTAL):
        # Some of its models count thoughts in the candidates; only the total tells.
        outputs += thoughts
    return Quantities(
        inputs,
        outputs,
        cached_input_tokens=count(reported, "cachedContentTokenCount"),
        cached_audio_tokens=_of_modality(cached, "AUDIO"),
        audio_input_tokens=_of_modality(given, "AUDIO"),
        image_input_tokens=_of_modality(given, "IMAGE"),
        video_input_tokens=_of_modality(given, "VIDEO"),
        reasoning_tokens=thoughts,
        audio_output_tokens=_of_modality(made, "AUDIO"),
        image_output_tokens=_of_modality(made, "IMAGE"),
        video_output_tokens=_of_modality(made, "VIDEO"),
    )


def _of_modality(details: list[Any], modality: str) -> int:
    return sum(count(one, "tokenCount") for one in details if field(one, "modality") == modality)
