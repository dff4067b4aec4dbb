"""A call as it came in to a `Request`: what it asks for, what it needs and about how long it is.

Bodies of every API that LiteLLM speaks are read as they are; whatever has an unexpected shape is passed over,
because judging a body is the provider's business.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from governance.model import NOBODY, NOTHING, Identity, Models, Request
from governance.vocabulary import request_type

LONGEST_TEXT: Final = 8 * 1024
_SAMPLED_CHARACTERS: Final = 16 * 1024
_TOKENS_PER_IMAGE: Final = 800
_MOST_NODES: Final = 20_000
# Each is put to the plugins.
_MOST_FALLBACKS: Final = 16

_PART_NEEDS: Final = {
    "image_url": "vision",
    "image": "vision",
    "input_image": "vision",
    "input_audio": "audio_input",
    "audio": "audio_input",
    "audio_url": "audio_input",
    "video": "video_input",
    "video_url": "video_input",
    "input_video": "video_input",
    "file": "pdf_input",
    "document": "pdf_input",
    "input_file": "pdf_input",
}
_MODALITY_OF: Final = {"vision": "image", "audio_input": "audio", "video_input": "video"}
_MIME_NEEDS: Final = {
    "image/": "vision",
    "audio/": "audio_input",
    "video/": "video_input",
    "application/pdf": "pdf_input",
}
_PRODUCES: Final = {"image_generation": "image_generation", "speech": "audio_generation", "embedding": "embedding"}
_MESSAGE_KEYS: Final = (
    "messages",
    "input",
    "prompt",
    "contents",
    "query",
    "documents",
    "system",
    "instructions",
    "systemInstruction",
    "system_instruction",
)
_NEST_KEYS: Final = (
    "content",
    "parts",
    "output",
    "text",
    "source",
    "inlineData",
    "inline_data",
    "fileData",
    "file_data",
    "arguments",
    "function",
    "tool_calls",
)


def read_request(
    call_type: str,
    body: Mapping[str, Any],
    *,
    identity: Identity = NOBODY,
    headers: Mapping[str, Any] = NOTHING,
    tags: Sequence[str] = (),
    task: str | None = None,
    models: Models | None = None,
    draw: Callable[[], float] = random.random,
) -> Request:
    """Normalise one call.

    Args:
        call_type: LiteLLM's name for it (`acompletion`) or ours (`chat`); unknown ones are kept as they are.
        body: what the client sent, as parsed JSON or form fields.
    """
    kind = request_type(call_type) or call_type
    content = _Content(body)
    needs = content.needs | _asked_for(body)
    streaming = body.get("stream") is True or call_type.endswith("_stream")
    produced = {_PRODUCES[kind]} if kind in _PRODUCES else set()
    if "audio" in _list(body.get("modalities")):
        produced.add("audio_generation")
    if kind == "transcription":
        produced.add("audio")
    model = body.get("model")
    return Request(
        model=model if isinstance(model, str) else "",
        request_type=kind,
        identity=identity,
        modalities=frozenset({"text", *(_MODALITY_OF[n] for n in needs if n in _MODALITY_OF), *produced}),
        capabilities=frozenset(needs),
        headers={str(k).lower(): _short(v) for k, v in headers.items()},
        params={str(k).lower(): _short(v) for k, v in body.items() if isinstance(v, (str, int, float, bool))},
        tags=tuple(_short(tag) for tag in tags if isinstance(tag, (str, int, float))),
        task=task,
        prompt_tokens=content.tokens,
        max_output_tokens=_max_output_tokens(body),
        choices=_positive(body.get("n")) or 1,
        streaming=streaming,
        fallbacks=tuple(islice(fallback_names(body.get("fallbacks")), _MOST_FALLBACKS)),
        models=models,
        draw=draw,
    )


def fallback_names(fallbacks: Any) -> Iterator[str]:
    """The models in a caller's `fallbacks`: names, or mappings with a `model`."""
    for entry in _list(fallbacks):
        name = entry.get("model") if isinstance(entry, dict) else entry
        if isinstance(name, str) and name:
            yield name


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has: one per four bytes of UTF-8, in constant time for any length."""
    if text.isascii():
        return -(-len(text) // 4)
    sample = text[:_SAMPLED_CHARACTERS]
    size = len(sample.encode("utf-8", "surrogatepass"))
    return -(-size * len(text) // (4 * len(sample)))


class _Content:
    """Everything in a body that the model reads, walked once and with a bound."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.needs: set[str] = set()
        self.tokens = 0
        self.nodes = 0
        for key in _MESSAGE_KEYS:
            if key in body:
                self.walk(body[key], 0)
        for key in ("tools", "functions"):
            self.size(body.get(key), 0)

    def walk(self, value: Any, depth: int) -> None:
        self.nodes += 1
        if self.nodes > _MOST_NODES or depth > 8:
            return
        if isinstance(value, str):
            self.tokens += estimate_tokens(value)
        elif isinstance(value, list):
            if value and all(type(item) is int for item in value[:8]):
                self.tokens += len(value)
                return
            for item in value:
                self.walk(item, depth + 1)
        elif isinstance(value, dict):
            self.part(value, depth)

    def part(self, part: dict[str, Any], depth: int) -> None:
        mime = part.get("mime_type") or part.get("mimeType") or part.get("media_type")
        kind = part.get("type")
        need = (_PART_NEEDS.get(kind) if isinstance(kind, str) else None) or next(
            (need for prefix, need in _MIME_NEEDS.items() if isinstance(mime, str) and mime.startswith(prefix)), None
        )
        if need:
            self.needs.add(need)
            self.tokens += _TOKENS_PER_IMAGE
            return
        for key in _NEST_KEYS:
            if key in part:
                self.walk(part[key], depth + 1)

    def size(self, value: Any, depth: int) -> None:
        self.nodes += 1
        if self.nodes > _MOST_NODES or depth > 12:
            return
        if isinstance(value, str):
            self.tokens += estimate_tokens(value)
        elif isinstance(value, dict):
            for key, item in value.items():
                self.tokens += estimate_tokens(str(key))
                self.size(item, depth + 1)
        elif isinstance(value, list):
            for item in value:
                self.size(item, depth + 1)


def _asked_for(body: Mapping[str, Any]) -> set[str]:
    needs = set()
    if body.get("tools") or body.get("functions"):
        needs.add("tools")
    text, google = _dict(body.get("text")), _dict(body.get("generationConfig") or body.get("config"))
    formats = (_dict(body.get("response_format")).get("type"), _dict(text.get("format")).get("type"))
    if any(name in ("json_schema", "json_object") for name in formats) or google.get("responseSchema"):
        needs.add("structured_output")
    thinking = _dict(body.get("thinking")).get("type")
    effort = body.get("reasoning_effort") or _dict(body.get("reasoning")).get("effort")
    if thinking in ("enabled", "adaptive") or (effort and effort != "none"):
        needs.add("reasoning")
    return needs


def _max_output_tokens(body: Mapping[str, Any]) -> int | None:
    google = _dict(body.get("generationConfig") or body.get("config"))
    found = (
        body.get("max_completion_tokens"),
        body.get("max_tokens"),
        body.get("max_output_tokens"),
        google.get("maxOutputTokens"),
    )
    return next((_positive(value) for value in found if _positive(value)), None)


def _positive(value: Any) -> int | None:
    try:
        number = int(value) if not isinstance(value, bool) else 0
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 < number <= 10**12 else None


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:LONGEST_TEXT]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
