"""The last thing that the user of a request said, in the body of any API, at a cost that its length does not change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

from governance.intake.speech import HEAD_CHARACTERS, TAIL_CHARACTERS

_MOST_MESSAGES: Final = 256
_MOST_PARTS: Final = 32
_CONVERSATIONS: Final = ("messages", "input", "contents", "prompt", "query")
_TEXT_PARTS: Final = (None, "text", "input_text")


def last_user_text(body: Mapping[str, Any]) -> str:
    """The text of the last message that is the user's and has any; the beginning and the end of a long one.

    Chat, messages, responses, completions and Google's contents are read; what has an unexpected shape is passed over.
    """
    for key in _CONVERSATIONS:
        said = body.get(key)
        text = _shortened(said) if isinstance(said, str) else _last_of(said) if isinstance(said, list) else ""
        if text:
            return text
    return ""


def _last_of(conversation: list[Any]) -> str:
    for message in islice(reversed(conversation), _MOST_MESSAGES):
        if isinstance(message, str):
            text = _shortened(message)
        elif isinstance(message, dict) and message.get("role", "user") == "user":
            # A part of an input may stand there without a message around it.
            content = message.get("content", message.get("parts", message.get("text")))
            text = _shortened(content) if isinstance(content, str) else _of_parts(content)
        else:
            continue
        if text:
            return text
    return ""


def _of_parts(parts: Any) -> str:
    if isinstance(parts, dict):
        parts = [parts]
    if not isinstance(parts, list):
        return ""
    if len(parts) <= _MOST_PARTS:
        return _shortened("\n".join(_texts(parts)))
    half = _MOST_PARTS // 2
    return _shortened("\n".join([*_texts(parts[:half]), *_texts(parts[-half:])]))


def _texts(parts: Iterable[Any]) -> Iterable[str]:
    for part in parts:
        text = part.get("text") if isinstance(part, dict) and part.get("type") in _TEXT_PARTS else part
        if isinstance(text, str):
            yield _shortened(text)


def _shortened(text: str) -> str:
    if len(text) > HEAD_CHARACTERS + TAIL_CHARACTERS:
        text = f"{text[:HEAD_CHARACTERS]}\n{text[-TAIL_CHARACTERS:]}"
    return text.strip()
