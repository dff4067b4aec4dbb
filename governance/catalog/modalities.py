"""What a model takes and makes, by what its sources say of it; a source's silence is no "no"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

INPUT_MODALITIES: Final = ("text", "image", "audio", "video")
OUTPUT_MODALITIES: Final = ("text", "image_generation", "audio_generation", "video_generation", "embedding")

CAPABILITY_KEYS: Final = {
    "vision": "supports_vision",
    "audio_input": "supports_audio_input",
    "video_input": "supports_video_input",
    "pdf_input": "supports_pdf_input",
    "tools": "supports_function_calling",
    "structured_output": "supports_response_schema",
    "reasoning": "supports_reasoning",
}
"""Capabilities, and the keys of LiteLLM's model map that tell of them."""

TAKING: Final = {"image": "supports_vision", "audio": "supports_audio_input", "video": "supports_video_input"}
"""Modalities a model may take, and the keys that tell of them."""

_MAKES: Final = {
    "text": "text",
    "code": "text",
    "image": "image_generation",
    "audio": "audio_generation",
    "video": "video_generation",
}
_CHATS: Final = frozenset({"chat", "completion", "responses"})
_MADE_BY: Final = {
    "embedding": "embedding",
    "image_generation": "image_generation",
    "image_edit": "image_generation",
    "audio_speech": "audio_generation",
    "audio_transcription": "text",
    "video_generation": "video_generation",
}
_TAKEN_BY: Final = {"embedding": "text", "audio_speech": "text", "audio_transcription": "audio"}


def chats(mode: str | None) -> bool:
    """Whether a model of this mode (LiteLLM's word) can take part in a chat; where the mode is unknown, it may."""
    return mode is None or mode in _CHATS


def completed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry, with what its list of input modalities says of the capabilities that it does not name."""
    listed = entry.get("supported_modalities")
    if not isinstance(listed, list):
        return dict(entry)
    return {**{key: modality in listed for modality, key in TAKING.items()}, **entry}


def taken(entry: Mapping[str, Any]) -> frozenset[str] | None:
    """The input modalities; None where no source tells."""
    able = {modality for modality, key in TAKING.items() if entry.get(key) is True}
    unable = {modality for modality, key in TAKING.items() if entry.get(key) is False}
    listed = entry.get("supported_modalities")
    if isinstance(listed, list) and listed:
        return frozenset({m for m in listed if m in INPUT_MODALITIES} | able) - unable
    mode = entry.get("mode")
    if mode in _TAKEN_BY:
        image = {"image"} if entry.get("supports_embedding_image_input") else set()
        return frozenset({_TAKEN_BY[mode], *able, *image})
    # LiteLLM's model map names what a chat model takes besides text; other sources may just not have said it.
    return frozenset({"text", *able}) if mode in _CHATS and "litellm_provider" in entry else None


def made(entry: Mapping[str, Any]) -> frozenset[str] | None:
    """The output modalities; None where no source tells."""
    mode, listed = entry.get("mode"), entry.get("supported_output_modalities")
    if isinstance(listed, list) and listed and mode != "embedding":
        return frozenset(_MAKES[m] for m in listed if m in _MAKES)
    if mode in _MADE_BY:
        return frozenset({_MADE_BY[mode]})
    if mode in _CHATS and "litellm_provider" in entry:
        return frozenset({"text", *(("audio_generation",) if entry.get("supports_audio_output") else ())})
    return None


def unsaid(entry: Mapping[str, Any]) -> frozenset[str]:
    """The capabilities that no source says anything of. LiteLLM's model map always says: see ADR 5."""
    if "litellm_provider" in entry:
        return frozenset()
    return frozenset(name for name, key in CAPABILITY_KEYS.items() if entry.get(key) is None)
