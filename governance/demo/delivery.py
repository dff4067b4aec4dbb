"""Delivery: one answer on its way to the client, with the faults it meets and a client that may leave at any time."""

import asyncio
import json

from starlette.types import Message, Receive, Scope, Send

from governance.demo.faults import Fault
from governance.demo.tally import Ending, Visit
from governance.demo.wire import Answer, BadRequest, Call, Endpoint


class ClientLeft(Exception):
    """The client closed the connection before the end of its answer."""


class Line:
    """The connection back to the client. Notices when the client hangs up, also while nothing is being sent."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._send = send
        self._left = asyncio.ensure_future(_left(receive))

    async def wait(self, seconds: float | None) -> None:
        """Let time pass, without end if `seconds` is None.

        Raises:
            ClientLeft: the client hung up before or meanwhile.
        """
        # Even a wait of 0 gives the watcher one turn, so a client that is gone already is noticed.
        await asyncio.sleep(0)
        if seconds != 0:
            await asyncio.wait({self._left}, timeout=seconds)
        if self._left.done():
            raise ClientLeft

    async def send(self, message: Message) -> None:
        """Raises: ClientLeft: the client hung up before."""
        if self._left.done():
            raise ClientLeft
        await self._send(message)

    def close(self) -> None:
        self._left.cancel()


class Delivery:
    """An ASGI response that delivers what an endpoint answers and records how that ended.

    The visit is ended in the same turn of the event loop that sends the last byte: a client that has read its answer
    to the end finds it counted.
    """

    def __init__(self, endpoint: Endpoint, call: Call, visit: Visit) -> None:
        self._endpoint = endpoint
        self._call = call
        self._visit = visit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ending: Ending = "failed"
        line = Line(receive, send)
        try:
            ending = await self._deliver(line)
        except ClientLeft:
            ending = "disconnected"
        finally:
            line.close()
            self._visit.end(ending)

    async def _deliver(self, line: Line) -> Ending:
        fault = self._call.fault
        await line.wait(fault.latency_ms / 1000)
        if fault.status is not None:
            return await self._fail(line, fault.status, fault.message or f"told to fail with {fault.status}")
        try:
            answer = self._endpoint.answer(self._call)
        except BadRequest as error:
            return await self._fail(line, 400, str(error))
        if fault.garbage:
            payload = b'data: {"id": "gar\n\n' if answer.streamed else b'{"id": "gar'
            await _start(line, 200, answer.media_type, None if answer.streamed else len(payload))
            await _finish(line, payload)
            return "failed"
        return await self._send(line, answer, fault)

    async def _fail(self, line: Line, status: int, message: str) -> Ending:
        payload = json.dumps(self._endpoint.wire.error(status, message)).encode()
        await _start(line, status, "application/json", len(payload), self._call.fault.retry_after_s)
        await _finish(line, payload)
        return "failed"

    async def _send(self, line: Line, answer: Answer, fault: Fault) -> Ending:
        break_after = fault.break_after_chunks
        if fault.break_kind == "error_event" and not answer.streamed:
            break_after = None
        await _start(line, 200, answer.media_type, None if answer.streamed else len(answer.chunks[0].payload))
        texts = 0
        for position, chunk in enumerate(answer.chunks, start=1):
            if texts == break_after and (texts or chunk.is_text):
                return await self._break_off(line, fault)
            if chunk.is_text:
                texts += 1
                if fault.chunk_delay_ms and answer.streamed:
                    await line.wait(fault.chunk_delay_ms / 1000)
            # The end goes out together with the last chunk: SDKs hang up at the last event, without reading on.
            await line.send(
                {"type": "http.response.body", "body": chunk.payload, "more_body": position < len(answer.chunks)}
            )
            if chunk.usage is not None:
                self._visit.told(chunk.usage)
        return "ok"

    async def _break_off(self, line: Line, fault: Fault) -> Ending:
        if fault.break_kind == "hang":
            await line.wait(None)
        if fault.break_kind == "error_event":
            event = self._endpoint.wire.error_event(503, fault.message or "told to break off")
            await _finish(line, event)
        # For `close`, an ASGI server drops a connection whose response was not completed.
        return "failed"


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _start(
    line: Line, status: int, media_type: str, length: int | None, retry_after_s: int | None = None
) -> None:
    headers = [(b"content-type", media_type.encode())]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    if retry_after_s is not None:
        headers.append((b"retry-after", str(retry_after_s).encode()))
    await line.send({"type": "http.response.start", "status": status, "headers": headers})


async def _finish(line: Line, payload: bytes) -> None:
    await line.send({"type": "http.response.body", "body": payload, "more_body": False})
