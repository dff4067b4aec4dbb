"""What the fake providers say: every word and every token number follows from the request alone."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.demo.wire import BadRequest, Call, Usage


@dataclass(frozen=True)
class Turn:
    """One message of a conversation, reduced to its text."""

    role: str
    text: str


@dataclass(frozen=True)
class Tool:
    """A function that the client offers, with the JSON schema of its parameters."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class Speech:
    """An answer, before any wire format: text in pieces of one word, or the arguments of a call to `tool`."""

    pieces: tuple[str, ...]
    usage: Usage
    tool: str | None = None
    cut: bool = False
    """The client's token limit ended it early."""

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def token_count(text: str) -> int:
    """Prompt tokens of a text: a quarter of its characters, rounded down, at least 1."""
    return max(1, len(text) // 4)


def speak(call: Call, turns: Sequence[Turn], tools: Sequence[Tool] = (), limit_field: str = "max_tokens") -> Speech:
    """Answer a conversation.

    Input tokens are `token_count` of all turns' texts put together; tools are not counted. Output tokens are the words
    of the answer, at most the client's limit. The answer calls the first tool when the last turn is a user's that
    contains the word "tool"; such a call is never cut short, only its count is capped.

    Args:
        limit_field: the body's name for the most tokens to answer with.

    Raises:
        BadRequest: there is nothing to answer, or the limit is not a positive integer.
    """
    if not turns:
        raise BadRequest("the conversation is empty")
    most = _limit(call.body.get(limit_field), limit_field)
    asked = token_count("".join(turn.text for turn in turns))
    if tools and turns[-1].role == "user" and re.search(r"\btool\b", turns[-1].text, re.IGNORECASE):
        pieces = _pieces(json.dumps(_example(tools[0].schema)))
        return Speech(pieces, Usage(asked, min(len(pieces), most or len(pieces))), tool=tools[0].name)
    heard = next((turn.text for turn in reversed(turns) if turn.role == "user" and turn.text), "")
    pieces = _pieces(f"Hello from {call.provider}/{call.model}. You said: {heard[:60]}")
    said = pieces[:most]
    return Speech(said, Usage(asked, len(said)), cut=len(said) < len(pieces))


def text_of(content: object) -> str:
    """The text in a message's content: a string, or parts of which some have a `text`; anything else is silent."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(
            part if isinstance(part, str) else part["text"]
            for part in content
            if isinstance(part, str) or (isinstance(part, Mapping) and isinstance(part.get("text"), str))
        )
    return ""


def objects(value: object, field: str) -> list[Mapping[str, Any]]:
    """The value as a list of JSON objects; None is an empty list.

    Raises:
        BadRequest: it is something else.
    """
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise BadRequest(f"`{field}` must be a list of objects")
    return value


def turns_of(value: object, field: str, content: str = "content", silent: str = "") -> list[Turn]:
    """The messages of a conversation.

    Args:
        content: where a message has its text.
        silent: the role of a message that names none.
    """
    return [Turn(str(one.get("role") or silent), text_of(one.get(content))) for one in objects(value, field)]


def whole_number(value: object, field: str, most: int) -> int:
    """How many choices or pictures are asked for; 1 when the body does not say. Raises: BadRequest."""
    if value is None:
        return 1
    if not isinstance(value, int) or not 1 <= value <= most:
        raise BadRequest(f"`{field}` must be an integer from 1 to {most}, not {value!r}")
    return value


def _limit(value: object, field: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadRequest(f"`{field}` must be a positive integer, not {value!r}")
    return value


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\S+\s*", text))


def _example(schema: object) -> object:
    """The smallest value that a client's JSON schema would accept, as far as its types say."""
    if not isinstance(schema, Mapping):
        return {}
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    kind = str(schema.get("type", "object")).lower()
    if kind == "object":
        properties = schema.get("properties") or {}
        return {name: _example(properties.get(name)) for name in schema.get("required") or []}
    return {"string": "demo", "integer": 1, "number": 1.0, "boolean": True, "array": []}.get(kind)
