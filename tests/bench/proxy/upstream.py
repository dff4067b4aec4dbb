"""A provider that answers at once and always alike, plain or streamed: `python -m tests.bench.proxy.upstream PORT`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

USAGE = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
WORDS = ("Hello", " there", ", it", " is", " sunny")


def answer(**fields: Any) -> bytes:
    return json.dumps({"id": "chatcmpl-1", "created": 1, "model": "m", **fields}).encode()


def plain() -> bytes:
    message = {"role": "assistant", "content": "".join(WORDS)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = answer(object="chat.completion", choices=[choice], usage=USAGE)
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def streamed() -> bytes:
    kind = "chat.completion.chunk"
    events = [answer(object=kind, choices=[{"index": 0, "delta": {"content": word}}]) for word in WORDS]
    events.append(answer(object=kind, choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]))
    events.append(answer(object=kind, choices=[], usage=USAGE))
    body = b"".join(b"data: %s\n\n" % event for event in (*events, b"[DONE]"))
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(body) + body


PLAIN, STREAMED = plain(), streamed()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
            body = await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""
            writer.write(STREAMED if b'"stream":true' in body.replace(b" ", b"") else PLAIN)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
