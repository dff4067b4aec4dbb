"""A provider that answers word for word what a test has written for a model, whatever API is asked."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.e2e.beside import served


class Scripted:
    """`answers` by model, or by the end of the path of a GET: a JSON object, or a list of events of a stream."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.url = ""

    async def answer(self, request: Request) -> Response:
        content = await request.body()
        body = json.loads(content) if content.startswith(b"{") else {}
        path = request.url.path
        self.asked.append((path, body))
        model = body.get("model") or next((name for name in self.answers if name in path), "")
        given = self.answers[model if request.method == "POST" else path.rsplit("/", 1)[-1]]
        if isinstance(given, list):
            return Response("".join(f"{_event(one)}\n\n" for one in given), media_type="text/event-stream")
        return Response(given if isinstance(given, bytes) else json.dumps(given), media_type="application/json")


def _event(given: Any) -> str:
    if isinstance(given, str):
        return f"data: {given}"
    named = f"event: {given['type']}\n" if isinstance(given.get("type"), str) else ""
    return f"{named}data: {json.dumps(given)}"


@contextlib.contextmanager
def scripted() -> Iterator[Scripted]:
    """One of these on a port of its own, for as long as the test needs it."""
    provider = Scripted()
    app = Starlette(routes=[Route("/{path:path}", provider.answer, methods=["GET", "POST"])])
    with served(app) as provider.url:
        yield provider


def chat(usage: Any, text: str = "Hello", **more: Any) -> dict[str, Any]:
    """An answer of a chat."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
        # LiteLLM 1.106 takes Groq's answers for broken without it.
        "service_tier": "default",
        **more,
    }


def chunk(text: str | None = None, **more: Any) -> dict[str, Any]:
    """An event of a streamed chat."""
    choices = more.pop("choices", [{"index": 0, "delta": {"content": text} if text else {}, "finish_reason": None}])
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}


def end(**more: Any) -> dict[str, Any]:
    """The event that ends the text of a streamed chat; `more` is of its choice."""
    return chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop", **more}])
