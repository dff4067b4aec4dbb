"""Of which type the fields of a body are, as far as LiteLLM fails on another one before it asks any provider."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

# Posted as forms, where every value is a text.
FORMS: Final = frozenset({"transcription", "atranscription", "image_edit", "aimage_edit", "avideo_generation", "aocr"})


def _number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return False
    try:
        return math.isfinite(float(value))
    except (ValueError, OverflowError):
        return False


def _integer(value: Any) -> bool:
    return _number(value) and float(value).is_integer()


def _boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _list(value: Any) -> bool:
    return isinstance(value, list)


def _objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


def _messages(value: Any) -> bool:
    return _objects(value) and all(
        message.get("content") is None or _content(message["content"]) for message in value if "content" in message
    )


def _content(value: Any) -> bool:
    return isinstance(value, (str, Mapping)) or (
        isinstance(value, list) and all(isinstance(part, (str, Mapping)) for part in value)
    )


def _either(*kinds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: any(kind(value) for kind in kinds)


def _fallbacks(value: Any) -> bool:
    # A mapping of one model to others, as the router's own settings have it, would name models that nobody reads.
    return isinstance(value, list) and all(
        isinstance(entry, str) or (isinstance(entry, Mapping) and isinstance(entry.get("model"), str))
        for entry in value
    )


_TYPES: Final[tuple[tuple[str, Callable[[Any], bool], str], ...]] = (
    (
        "a number",
        _number,
        "temperature top_p presence_penalty frequency_penalty timeout stream_timeout request_timeout speed",
    ),
    (
        "a whole number",
        _integer,
        "n best_of max_tokens max_completion_tokens max_output_tokens top_k top_n seed dimensions top_logprobs "
        "num_retries max_retries max_tool_calls partial_images max_chunks_per_doc max_tokens_per_doc max_fallbacks ttl "
        "keepalive_seconds",
    ),
    (
        "true or false",
        _boolean,
        "stream parallel_tool_calls echo store background no-log caching disable_fallbacks return_documents "
        "client_side_timeout turn_off_message_logging enable_json_schema_validation drop_params "
        "merge_reasoning_content_in_choices include_fallback_errors ensure_alternating_roles",
    ),
    ("true, false or a whole number", _either(_boolean, _integer), "logprobs"),
    (
        "a text",
        _text,
        "model user suffix service_tier previous_response_id encoding_format size style language verbosity "
        "safety_identifier prompt_cache_key api_key api_base base_url api_version prompt_id input_type cachedContent",
    ),
    (
        "an object",
        _object,
        "stream_options response_format logit_bias extra_headers headers extra_body text reasoning thinking audio "
        "web_search_options generationConfig config prompt_variables output_config toolConfig tool_config cache "
        "provider_specific_header guardrail_config spend_logs_metadata",
    ),
    ("an object", _either(_object, _text), "metadata litellm_metadata"),
    ("a list of objects", _objects, "tools functions mcp_servers safetySettings cache_control_injection_points"),
    ("a list of messages, each an object with its content", _messages, "messages"),
    ("a list", _list, "documents rank_fields"),
    ("a list of texts", _texts, "modalities include tags allowed_openai_params additional_drop_params"),
    ("a list of model names, or of objects with a `model`", _fallbacks, "fallbacks"),
    ("a list", _list, "context_window_fallbacks content_policy_fallbacks"),
    ("a text or a list", _either(_text, _list), "input prompt instructions system stop stop_sequences"),
    ("a list, an object or a text", _either(_list, _object, _text), "contents"),
    ("a text or an object", _either(_text, _object), "tool_choice function_call query voice conversation container"),
    ("a text or an object", _either(_text, _object), "reasoning_effort systemInstruction system_instruction"),
)
_TYPE_OF: Final = {name: (check, kind) for kind, check, names in _TYPES for name in names.split()}
_OF_FORMS: Final = frozenset({"a number", "a whole number"})


def mistake(name: str, value: Any, call_type: str) -> str | None:
    """What a field must be and is not; None where it is, or where it does not matter. `null` is always taken."""
    check, kind = _TYPE_OF.get(name, (None, ""))
    if check is None or value is None or check(value):
        return None
    if call_type in FORMS and isinstance(value, str) and kind not in _OF_FORMS:
        return None
    return kind
