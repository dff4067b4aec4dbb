"""A provider on loopback that answers what a test tells it to, and notes what it was asked."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from governance.discovery import Source
from governance.discovery.outbound import Bounds

QUICK = Bounds(total_s=5, request_s=2, answer_bytes=100_000)


class Asked(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What comes back: JSON unless it is bytes already."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False

    @property
    def payload(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class FakeProvider:
    """Answers by path; several answers for a path are given one after the other, the last one for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[Asked] = []
        self.port = 0

    def on(self, path: str, *answers: Answer) -> None:
        self.answers[path] = list(answers)

    def says(self, path: str, body: Any) -> None:
        self.on(path, Answer(body))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def source(self, kind: str, path: str = "", **more: Any) -> Source:
        given = {"name": kind, "provider": kind, "allowed_hosts": frozenset({"127.0.0.1"}), **more}
        return Source(kind=kind, api_base=self.url + path, **given)  # type: ignore[arg-type]

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeProvider]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *lines = head.strip().split("\r\n")
            headers = {n.lower(): v.strip() for n, _, v in (each.partition(":") for each in lines)}
            method, path, _ = line.split(" ")
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.asked.append(Asked(method, path, headers, body))
            waiting = self.answers.get(path, self.answers.get(path.partition("?")[0], [Answer({}, 404)]))
            answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if answer.hangs:
                await reader.read()
                return
            sent = {"content-length": str(len(answer.payload)), "connection": "close", **answer.headers}
            told = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
            writer.write(f"HTTP/1.1 {answer.status} X\r\n{told}\r\n".encode() + answer.payload)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client had heard enough
        finally:
            writer.close()
