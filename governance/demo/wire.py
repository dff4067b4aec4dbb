"""The nouns that all wire formats share: a call, its answer in chunks, and what an error looks like."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from governance.demo.faults import Fault


@dataclass(frozen=True)
class Usage:
    """Tokens as a provider reports them."""

    input_tokens: int
    output_tokens: int

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True)
class Call:
    """One request to a fake provider, read and parsed."""

    provider: str
    model: str
    body: Mapping[str, Any]
    query: Mapping[str, str]
    fault: Fault

    @property
    def streams(self) -> bool:
        """Whether the body asks for a stream."""
        return self.body.get("stream") is True

    def reported(self, counted: Usage) -> Usage | None:
        """The usage to tell the client: what was counted, unless a fault forces or withholds it."""
        if self.fault.no_usage:
            return None
        if self.fault.usage is not None:
            return Usage(self.fault.usage.input_tokens, self.fault.usage.output_tokens)
        return counted


@dataclass(frozen=True)
class Chunk:
    """Bytes that are sent in one go."""

    payload: bytes
    is_text: bool = False
    """It carries a piece of the answer, so delays and breaks count it."""
    usage: Usage | None = None
    """What these bytes tell the client about usage; a later chunk of the same answer replaces it."""


@dataclass(frozen=True)
class Answer:
    """A successful answer, complete before its first byte is sent."""

    chunks: tuple[Chunk, ...]
    media_type: str = "application/json"
    streamed: bool = False


@dataclass(frozen=True)
class Wire:
    """How one API family writes an error."""

    error: Callable[[int, str], object]
    """As the body of a response."""
    event: Callable[[int, str], bytes] | None = None
    """As an event in an open stream; None: the body, sent as an event without a name."""

    def error_event(self, status: int, message: str) -> bytes:
        return self.event(status, message) if self.event else server_sent(self.error(status, message))


@dataclass(frozen=True)
class Endpoint:
    """One path of an API below `/{provider}`, and the function that answers it."""

    path: str
    wire: Wire
    answer: Callable[[Call], Answer]
    default_model: str | None = None
    """The model when the request names none; None: it must name one."""
    always_streams: bool = False
    """It streams whatever the body says."""


class BadRequest(Exception):
    """The call's body is not what the API accepts; the text says why. Answered with status 400."""


def json_answer(body: object, usage: Usage | None = None) -> Answer:
    """A whole JSON body; `usage` is what that body reports."""
    return Answer((Chunk(json.dumps(body).encode(), is_text=True, usage=usage),))


def stream_answer(chunks: Iterable[Chunk]) -> Answer:
    """A stream of server-sent events."""
    return Answer(tuple(chunks), media_type="text/event-stream; charset=utf-8", streamed=True)


def server_sent(payload: object, event: str | None = None) -> bytes:
    """One server-sent event with a JSON payload."""
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(payload)}\n\n".encode()


def now_s() -> int:
    """Unix seconds, which many answers tell as the time when they were made."""
    return int(time.time())


def new_id(prefix: str) -> str:
    """An identifier that looks like the providers' own."""
    return prefix + uuid4().hex[:24]
