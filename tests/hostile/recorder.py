"""A provider of every kind that keeps what it was sent, and the only way out of the proxy, which leads nowhere.

Whatever API it is asked in, it answers: as the fake providers of the demo do where they know the path, else with one
answer that has a bit of every API. It tells the same usage each time, so that what is counted can be compared.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import Any, Final

import httpx
import uvicorn

from governance.demo.providers import ENDPOINTS, app
from tests.patience import ANSWER_S, tries

INPUT_TOKENS: Final = 1_000
# No more than any request can ask for, so that it is believed whatever the request says.
OUTPUT_TOKENS: Final = 1
_PLAYED: Final = re.compile(
    "|".join(r"/[^/]+" + re.sub(r"\\\{.*?\\\}", ".+", re.escape(endpoint.path)) for endpoint in ENDPOINTS)
)
_TOLD_INPUT: Final = re.compile(rb'"(?:prompt_tokens|input_tokens|promptTokenCount|inputTokens)":\s*1000\b')
_TOLD_OUTPUT: Final = re.compile(rb'"(?:completion_tokens|output_tokens|candidatesTokenCount|outputTokens)":\s*1\b')
_TEXT: Final = "Recorded."
_ANYTHING: Final = {
    "id": "recorded-1",
    "object": "recorded",
    "created": 1,
    "created_at": 1,
    "model": "recorded",
    "status": "completed",
    "data": [],
    "results": [],
    "choices": [{"index": 0, "message": {"role": "assistant", "content": _TEXT}, "finish_reason": "stop"}],
    "output": {"message": {"role": "assistant", "content": [{"text": _TEXT}]}},
    "stopReason": "end_turn",
    "pages": [{"index": 0, "markdown": _TEXT, "images": []}],
    "usage_info": {"pages_processed": 1, "doc_size_bytes": 10},
    "usage": {
        "prompt_tokens": INPUT_TOKENS,
        "completion_tokens": OUTPUT_TOKENS,
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
        "inputTokens": INPUT_TOKENS,
        "outputTokens": OUTPUT_TOKENS,
        "totalTokens": INPUT_TOKENS + OUTPUT_TOKENS,
    },
}

# LiteLLM reads this one closely, and takes another answer for a failure of the provider.
_IMAGES: Final = {"created": 1, "data": [{"b64_json": "aGk="}]}

Message = MutableMapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One request that left the proxy.

    Args:
        method: CONNECT for one to a host that is not ours.
        told_tokens: the usage that its answer told, input and output together.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    told_tokens: int = 0

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Recorder:
    """Both servers, on loopback, in threads of this process."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._played = app()
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._answer,
                log_level="error",
                lifespan="off",
                ws="websockets-sansio",
                interface="asgi3",
                # Longer than any client keeps an idle connection: it is never us who closes one as it is reused.
                timeout_keep_alive=3600,
            )
        )
        listener, self._outside = _listener(), _listener()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.outside = f"http://127.0.0.1:{self._outside.getsockname()[1]}"
        threading.Thread(target=self._server.run, args=([listener],), daemon=True).start()
        threading.Thread(target=self._turn_away, daemon=True).start()
        for _ in tries():
            if self._server.started:
                break
        usage = {"*": {"usage": {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS}}}
        httpx.post(f"{self.url}/_control", json=usage, timeout=ANSWER_S, trust_env=False).raise_for_status()

    def taken(self) -> list[Call]:
        """What came since this was asked last."""
        calls, self._calls = self._calls, []
        return calls

    def close(self) -> None:
        self._server.should_exit = True
        self._outside.close()

    async def _answer(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] == "websocket":
            await self._talk(scope, receive, send)
            return
        if scope["path"] == "/_control":
            await self._played(scope, receive, send)
            return
        body = await _body(receive)
        calls, at, sent = self._calls, len(self._calls), bytearray()
        call = Call(scope["method"], scope["path"], _headers(scope), body)
        calls.append(call)

        async def note(message: Message) -> None:
            # Before it is sent: whoever has the answer finds the call complete.
            sent.extend(message.get("body", b""))
            tokens = INPUT_TOKENS * bool(_TOLD_INPUT.search(sent)) + OUTPUT_TOKENS * bool(_TOLD_OUTPUT.search(sent))
            calls[at] = replace(call, told_tokens=tokens)
            await send(message)

        if scope["method"] == "POST" and _PLAYED.fullmatch(scope["path"]):
            await self._played(scope, _again(body, receive), note)
            return
        content = json.dumps(_IMAGES if scope["path"].endswith("/images/edits") else _ANYTHING).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        # Only what is asked to make something has a usage.
        last = note if scope["method"] == "POST" else send
        await last({"type": "http.response.body", "body": content})

    async def _talk(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Any) -> None:
        """A session in which everything that is said gets an answer with a usage."""
        self._calls.append(Call("WEBSOCKET", scope["path"], _headers(scope), b"", 0))
        while True:
            message = await receive()
            if message["type"] == "websocket.connect":
                await send({"type": "websocket.accept"})
                await send({"type": "websocket.send", "text": json.dumps({"type": "session.created", "session": {}})})
            elif message["type"] == "websocket.disconnect":
                return
            else:
                usage = {
                    "input_tokens": INPUT_TOKENS,
                    "output_tokens": OUTPUT_TOKENS,
                    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
                }
                done = {"type": "response.done", "response": {"id": "r", "status": "completed", "usage": usage}}
                await send({"type": "websocket.send", "text": json.dumps(done)})

    def _turn_away(self) -> None:
        while True:
            try:
                connection, _ = self._outside.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    first = connection.recv(65_536).partition(b"\r\n")[0].decode("latin-1").split(" ")
                except OSError:
                    continue
                self._calls.append(Call(first[0], first[1] if len(first) > 1 else "?", {}, b""))
                connection.sendall(b"HTTP/1.1 502 Nowhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=128)


def _headers(scope: Message) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def _body(receive: Callable[[], Awaitable[Message]]) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Callable[[], Awaitable[Message]]) -> Callable[[], Awaitable[Message]]:
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def read() -> Message:
        return first.pop() if first else await receive()

    return read
