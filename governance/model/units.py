"""The units that windows count, how a limit works, and the types of requests: the words that all nouns share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def nothing() -> Mapping[str, Any]:
    """`NOTHING`, as the default of a field."""
    return NOTHING


Unit = Literal["requests", "tokens", "input_tokens", "output_tokens", "usd_micros", "concurrent"]
Mode = Literal["enforce", "shadow"]

REQUEST_TYPES: Final = (
    "chat",
    "completion",
    "responses",
    "messages",
    "embedding",
    "image_generation",
    "transcription",
    "speech",
    "rerank",
    "moderation",
    "ocr",
    "video_generation",
)
MICROS_PER_USD: Final = 1_000_000
