"""What providers answer, as their documentation shows it: one file a provider, one case an answer."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any, Literal

import yaml
from packaging.version import Version
from pydantic import BaseModel, ConfigDict, Field, model_validator

HERE = Path(__file__).parent


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Counted(_Closed):
    """What governance is to count of an answer, at the prices of the test."""

    input_tokens: int
    cached_tokens: int
    output_tokens: int
    usd_micros: int


class Fails(_Closed):
    """What governance is to make of a refusal."""

    kind: str
    status: int = Field(description="what LiteLLM answers the caller with, when nobody else is left to ask")
    moves_on: bool = Field(True, description="whether the next target is tried")
    cools: bool = Field(False, description="whether the target is left alone afterwards")
    says_s: float | None = Field(None, description="seconds that the provider says to wait; None is not looked at")
    before: dict[str, dict[str, Any]] = Field({}, description="what LiteLLM did otherwise before this line of it")

    def by(self, litellm: str) -> Fails:
        """What is to be made of it with this version of LiteLLM."""
        told = self.model_dump(exclude={"before"})
        for line, otherwise in self.before.items():
            if Version(litellm) < Version(line):
                told |= otherwise
        return Fails.model_validate(told)


class Case(_Closed):
    """One answer, whole or as the events of a stream."""

    source: str
    asks: Literal["chat", "messages", "responses"] = "chat"
    status: int = 200
    headers: dict[str, str] = {}
    body: str = ""
    events: list[str] = []
    counted: Counted | None = None
    fails: Fails | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Case:
        assert bool(self.body) != bool(self.events), "either a body or events"
        assert bool(self.counted) != bool(self.fails), "either counted or failed"
        return self


class Provider(_Closed):
    """A provider's answers, and how LiteLLM is told to ask it."""

    sources: dict[str, str] = Field(description="the pages of its documentation that show the shapes")
    litellm: dict[str, str]
    paths: dict[str, str] = Field(description="at which it is asked, by what is asked; `stream` where that differs")
    headers: dict[str, str]
    cases: dict[str, Case]

    @model_validator(mode="after")
    def _has_sources(self) -> Provider:
        assert {case.source for case in self.cases.values()} <= set(self.sources)
        return self

    def path(self, case: Case) -> str:
        return self.paths.get("stream", self.paths[case.asks]) if case.events else self.paths[case.asks]


def providers() -> dict[str, Provider]:
    """By the name of the file."""
    return {path.stem: Provider.model_validate(yaml.safe_load(path.read_text("utf-8"))) for path in HERE.glob("*.yaml")}


def content(name: str, case: Case) -> tuple[bytes, str]:
    """The bytes that the provider sends, and their type."""
    if case.body:
        return case.body.encode(), "text/html" if case.body.startswith("<") else "application/json"
    if name == "bedrock":
        return b"".join(map(_amazon, case.events)), "application/vnd.amazon.eventstream"
    return b"".join(map(_server_sent, case.events)), "text/event-stream"


def _server_sent(event: str) -> bytes:
    named: Any = json.loads(event) if event.startswith("{") else {}
    kind = f"event: {named['type']}\n" if isinstance(named.get("type"), str) else ""
    return f"{kind}data: {event}\n\n".encode()


def _amazon(event: str) -> bytes:
    """`name {...}`, or `!name {...}` for an exception, as a message of an event stream.

    Source: smithy.io, Amazon Event Stream specification (prelude, headers of type 7, two CRC-32).
    """
    kind, _, payload = event.partition(" ")
    exception = kind.startswith("!")
    told = {
        ":exception-type" if exception else ":event-type": kind.removeprefix("!"),
        ":content-type": "application/json",
        ":message-type": "exception" if exception else "event",
    }
    headers = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in told.items()
    )
    prelude = struct.pack("!II", 16 + len(headers) + len(payload.encode()), len(headers))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload.encode()
    return message + struct.pack("!I", zlib.crc32(message))
