"""Streams of providers, listened to on their way to whoever reads them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from governance.proxy.wire import listen

STREAM = (
    b'data: {"choices": [{"delta": {"content": "nothing here"}}]}\n\n'
    b'event: end\r\ndata: {"x_groq": {"usage": {"prompt_tokens": 7}}}\r\n\r\n'
    b'data: {"usage": broken\n\n'
    b'data: {"usage": {"prompt_tokens": 8}}'
)
TOLD = [{"x_groq": {"usage": {"prompt_tokens": 7}}}, {"usage": {"prompt_tokens": 8}}]


@pytest.fixture
def told() -> Iterator[list[Any]]:
    """What was noted; nobody listens any more after the test."""
    noted: list[Any] = []
    listen(lambda: lambda event: noted.append(event) if "usage" in json.dumps(event) else None)
    yield noted
    listen(lambda: None)


class Pieces(httpx.AsyncByteStream):
    def __init__(self, content: bytes, size: int) -> None:
        self._content, self._size = content, size
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._content), self._size):
            yield self._content[at : at + self._size]

    async def aclose(self) -> None:
        self.closed = True


def client(pieces: Pieces, media_type: str = "text/event-stream; charset=utf-8") -> httpx.AsyncClient:
    answer = httpx.Response(200, headers={"content-type": media_type}, stream=pieces)
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda request: answer))


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_usage_is_noted_however_the_stream_is_cut(told: list[Any], size: int) -> None:
    async with client(Pieces(STREAM, size)) as asking, asking.stream("POST", "http://provider/") as answer:
        read = b"".join([chunk async for chunk in answer.aiter_bytes()])

    assert read == STREAM
    assert told == TOLD


async def test_lines_are_listened_to_as_well(told: list[Any]) -> None:
    async with client(Pieces(STREAM, 50)) as asking, asking.stream("POST", "http://provider/") as answer:
        lines = [line async for line in answer.aiter_lines()]

    assert len(lines) > 5
    assert told == TOLD


async def test_what_is_no_stream_is_let_alone(told: list[Any]) -> None:
    async with client(Pieces(STREAM, 50), "application/json") as asking:
        assert (await asking.post("http://provider/")).content == STREAM

    assert told == []


async def test_a_reader_that_leaves_closes_the_stream(told: list[Any]) -> None:
    pieces = Pieces(STREAM, 50)
    async with client(pieces) as asking, asking.stream("POST", "http://provider/") as answer:
        async for _ in answer.aiter_bytes():
            break

    assert pieces.closed


async def test_a_listener_that_stumbles_costs_the_reader_nothing(told: list[Any]) -> None:
    def stumble(event: Any) -> None:
        raise TypeError("stumbled")

    listen(lambda: stumble)
    async with client(Pieces(STREAM, 50)) as asking, asking.stream("POST", "http://provider/") as answer:
        assert b"".join([chunk async for chunk in answer.aiter_bytes()]) == STREAM


async def test_to_listen_twice_is_to_listen_once(told: list[Any]) -> None:
    listen(lambda: told.append)
    async with client(Pieces(STREAM, 50)) as asking, asking.stream("POST", "http://provider/") as answer:
        _ = [chunk async for chunk in answer.aiter_bytes()]

    assert told == TOLD
