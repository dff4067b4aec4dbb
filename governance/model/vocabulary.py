"""Words that policies, requests and other gateways use for the same thing, and the one that is meant."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, WithJsonSchema

from governance.model import REQUEST_TYPES

FailureKind = Literal[
    "rate_limited",
    "overloaded",
    "server_error",
    "timeout",
    "connection_error",
    "auth",
    "account_exhausted",
    "not_found",
    "invalid_request",
    "content_policy",
    "context_window_exceeded",
    "output_limit_exceeded",
    "unsupported",
    "unknown",
]
"""How an attempt can fail: `Failure.kind`. What follows from each: `governance.model.failure_kinds`."""

# LiteLLM's call types and the names that other gateways give to request types.
_REQUEST_TYPE: Final = {name: name for name in REQUEST_TYPES} | {
    "acompletion": "chat",
    "chat_completion": "chat",
    "chat_completions": "chat",
    "atext_completion": "completion",
    "text_completion": "completion",
    "completions": "completion",
    "aresponses": "responses",
    "acompact_responses": "responses",
    "response": "responses",
    "anthropic_messages": "messages",
    "message": "messages",
    "agenerate_content": "chat",
    "generate_content": "chat",
    "agenerate_content_stream": "chat",
    "aembedding": "embedding",
    "embeddings": "embedding",
    "aimage_generation": "image_generation",
    "image": "image_generation",
    "images": "image_generation",
    "image_generations": "image_generation",
    "aimage_edit": "image_generation",
    "image_edit": "image_generation",
    "atranscription": "transcription",
    "transcriptions": "transcription",
    "audio_transcription": "transcription",
    "aspeech": "speech",
    "audio_speech": "speech",
    "text_to_speech": "speech",
    "arerank": "rerank",
    "amoderation": "moderation",
    "moderations": "moderation",
    "aocr": "ocr",
    "avideo_generation": "video_generation",
    "video": "video_generation",
    "videos": "video_generation",
    "pass_through_endpoint": "pass_through",
    "allm_passthrough_route": "pass_through",
}

CAPABILITIES: Final = (
    "vision",
    "audio_input",
    "video_input",
    "pdf_input",
    "tools",
    "structured_output",
    "reasoning",
    "streaming",
    "text",
)
_CAPABILITY: Final = {name: name for name in CAPABILITIES} | {
    "image": "vision",
    "images": "vision",
    "image_input": "vision",
    "image_url": "vision",
    "audio": "audio_input",
    "video": "video_input",
    "pdf": "pdf_input",
    "documents": "pdf_input",
    "file": "pdf_input",
    "tool": "tools",
    "tool_use": "tools",
    "function_calling": "tools",
    "functions": "tools",
    "json": "structured_output",
    "json_schema": "structured_output",
    "json_mode": "structured_output",
    "response_format": "structured_output",
    "response_schema": "structured_output",
    "thinking": "reasoning",
    "stream": "streaming",
}

# Every target is taken to offer these: a list of capabilities names what is special about a model.
ALWAYS_OFFERED: Final = frozenset({"text", "streaming"})


def request_type(word: str) -> str | None:
    """The request type that `word` names (`chat_completion_stream` -> `chat`); None when it names none."""
    name = word.strip().lower()
    return _REQUEST_TYPE.get(name) or _REQUEST_TYPE.get(name.removesuffix("_stream"))


def capability(word: str) -> str | None:
    """The capability that `word` names (`image` -> `vision`); None when it names none."""
    return _CAPABILITY.get(word.strip().lower().replace("-", "_"))


def _known_request_type(value: Any) -> str:
    name = request_type(value) if isinstance(value, str) else None
    if name is None:
        raise ValueError(f"must be a type of request: {', '.join(REQUEST_TYPES)}")
    return name


def _known_capability(value: Any) -> str:
    name = capability(value) if isinstance(value, str) else None
    if name is None:
        raise ValueError(f"must be a capability: {', '.join(CAPABILITIES)}")
    return name


RequestType = Annotated[
    str, BeforeValidator(_known_request_type), WithJsonSchema({"type": "string", "examples": list(REQUEST_TYPES)})
]
Capability = Annotated[
    str, BeforeValidator(_known_capability), WithJsonSchema({"type": "string", "examples": list(CAPABILITIES)})
]
