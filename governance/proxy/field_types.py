"""Of which type the fields of a body are, as far as LiteLLM fails on another one before it asks any provider."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from governance.proxy.http_values import are_headers, are_headers_for_providers, is_visible

# Posted as forms, where every value is a text.
FORMS: Final = frozenset({"transcription", "atranscription", "image_edit", "aimage_edit", "avideo_generation", "aocr"})


_PLAIN: Final = 10**15


def _number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return False
    try:
        return math.isfinite(float(value))
    except (ValueError, OverflowError):
        return False


def _integer(value: Any) -> bool:
    if type(value) is int and -_PLAIN < value < _PLAIN:
        return True
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
    if not isinstance(value, list):
        return False
    for message in value:
        if not isinstance(message, Mapping):
            return False
        content = message.get("content")
        if content is not None and not isinstance(content, str) and not _content(content):
            return False
    return True


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


def _tokens(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(token, int) and not isinstance(token, bool) for token in value)


def _prompt(value: Any) -> bool:
    return (
        isinstance(value, str)
        or _tokens(value)
        or (isinstance(value, list) and all(isinstance(entry, str) or _tokens(entry) for entry in value))
    )


def _input(value: Any) -> bool:
    return _prompt(value) or _objects(value) or (isinstance(value, list) and all(map(_text_or_object, value)))


def _text_or_object(value: Any) -> bool:
    return isinstance(value, (str, Mapping))


def _texts_or_objects(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text_or_object, value))


def _anything(value: Any) -> bool:
    return True


_TYPES: Final[tuple[tuple[str, Callable[[Any], bool], str], ...]] = (
    (
        "a number",
        _number,
        "temperature top_p presence_penalty frequency_penalty timeout stream_timeout request_timeout force_timeout",
    ),
    (
        "a whole number",
        _integer,
        "n best_of max_tokens max_completion_tokens max_output_tokens top_k top_n seed dimensions top_logprobs "
        "num_retries max_retries max_tool_calls partial_images max_chunks_per_doc max_tokens_per_doc max_fallbacks "
        "keepalive_seconds output_compression",
    ),
    (
        "true or false",
        _boolean,
        "stream parallel_tool_calls echo store background no-log caching disable_fallbacks return_documents "
        "client_side_timeout turn_off_message_logging enable_json_schema_validation drop_params "
        "merge_reasoning_content_in_choices include_fallback_errors ensure_alternating_roles enable_prompt_caching "
        "include_server_side_tool_invocations",
    ),
    ("true, false or a whole number", _either(_boolean, _integer), "logprobs"),
    (
        "a text",
        _text,
        "model user suffix service_tier previous_response_id encoding_format size style language verbosity "
        "safety_identifier prompt_cache_key prompt_cache_retention prompt_id prompt_label prompt_environment "
        "input_type cachedContent litellm_call_id litellm_trace_id litellm_session_id session_id trace_id "
        "vector_store_id search_tool_name cache_key preset_cache_key data_residency quality output_format moderation "
        "input_fidelity truncation",
    ),
    (
        "a text of visible ASCII characters, and not empty",
        is_visible,
        "api_key api_base base_url api_version",
    ),
    (
        "an object of HTTP headers, each a name and a text of ASCII characters in one line, without those that frame "
        "a request",
        are_headers,
        "extra_headers headers",
    ),
    (
        "an object with a `custom_llm_provider` and its `extra_headers`, or a list of these",
        are_headers_for_providers,
        "provider_specific_header",
    ),
    (
        "an object",
        _object,
        "stream_options response_format logit_bias extra_body text reasoning thinking audio prediction "
        "web_search_options generationConfig config prompt_variables output_config toolConfig tool_config cache "
        "guardrail_config spend_logs_metadata metadata litellm_metadata user_continue_message "
        "assistant_continue_message prompt_cache_options model_group_retry_policy",
    ),
    ("a list of objects", _objects, "tools functions mcp_servers safetySettings cache_control_injection_points"),
    ("a list of messages, each an object with its content", _messages, "messages"),
    (
        "a list of texts",
        _texts,
        "modalities include tags allowed_openai_params additional_drop_params rank_fields policies keywords languages "
        "timestamp_granularities",
    ),
    ("a list of texts or objects", _texts_or_objects, "guardrails documents"),
    ("a list of model names, or of objects with a `model`", _fallbacks, "fallbacks"),
    ("a list", _list, "context_window_fallbacks content_policy_fallbacks"),
    ("a text, a list of texts, or tokens", _prompt, "prompt"),
    ("a text, tokens, or a list of texts, tokens or objects", _input, "input"),
    ("a text or a list of texts", _either(_text, _texts), "stop stop_sequences"),
    ("a text or a list of texts or objects", _either(_text, _texts_or_objects), "instructions system"),
    ("a list, an object or a text", _either(_texts_or_objects, _object, _text), "contents context_management"),
    ("a text or an object", _text_or_object, "tool_choice function_call query voice conversation container"),
    ("a text or an object", _text_or_object, "reasoning_effort systemInstruction system_instruction text_format"),
    ("a text or an object", _text_or_object, "chunking_strategy"),
    ("a text or a number", _either(_text, _number), "prompt_version ttl speed"),
    # Files of forms, and in bodies as each provider has them.
    ("a file", _anything, "file image mask"),
)
_ONE_TEXT: Final = (_text, "a text")
_IMAGES: Final = dict.fromkeys(("prompt", "response_format", "background"), _ONE_TEXT)
# Fields that another API means otherwise.
_BY_CALL_TYPE: Final[Mapping[str, Mapping[str, tuple[Callable[[Any], bool], str]]]] = {
    "anthropic_messages": {"tool_choice": (_object, "an object")},
    "aimage_generation": _IMAGES,
    "image_edit": _IMAGES,
    "aimage_edit": _IMAGES,
    "aspeech": dict.fromkeys(("input", "response_format", "instructions"), _ONE_TEXT),
    "atranscription": dict.fromkeys(("prompt", "response_format"), _ONE_TEXT),
    "avideo_generation": dict.fromkeys(("prompt",), _ONE_TEXT),
}
_NO_SPECIALS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {}
_TYPE_OF: Final = {name: (check, kind) for kind, check, names in _TYPES for name in names.split()}
# What is as a text in a form, too.
_OF_FORMS: Final = frozenset({"a number", "a whole number", "a text of visible ASCII characters, and not empty"})


def check_of(name: str, call_type: str) -> Callable[[Any], bool] | None:
    """Says whether a value is of the right type for a field; None where that does not matter."""
    found = _BY_CALL_TYPE.get(call_type, _NO_SPECIALS).get(name) or _TYPE_OF.get(name)
    return found[0] if found else None


def mistake(name: str, value: Any, call_type: str) -> str | None:
    """What a field must be and is not; None where it is, or where it does not matter. `null` is always taken."""
    found = _BY_CALL_TYPE.get(call_type, _NO_SPECIALS).get(name) or _TYPE_OF.get(name)
    if found is None or value is None or found[0](value):
        return None
    kind = found[1]
    if call_type in FORMS and isinstance(value, str) and kind not in _OF_FORMS:
        return None
    return kind


def typed() -> frozenset[str]:
    """Every field whose type is looked at."""
    return frozenset(_TYPE_OF)
