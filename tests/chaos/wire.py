"""A small TCP proxy before a server: it delays, holds back, drops replies, cuts connections, and goes elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable


class Wire:
    """Connections to one server, which a test can spoil while they are in use.

    Attributes:
        port: where it listens.
        delay_s: how much later each piece of a reply arrives.
        deaf: what is asked arrives, and no reply comes back.
    """

    def __init__(self, to_port: int) -> None:
        self.port = 0
        self.delay_s = 0.0
        self.deaf = False
        self._passing = asyncio.Event()
        self._passing.set()
        self._to_port = to_port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()

    def cut(self) -> None:
        """Every connection ends now, in the middle of whatever it was doing."""
        for writer in list(self._writers):
            writer.transport.abort()

    def hold(self) -> None:
        """Nothing goes through in either direction until `let_go`; connections are accepted."""
        self._passing.clear()

    def let_go(self) -> None:
        self._passing.set()

    def lead_to(self, port: int) -> None:
        """From now on another server; the connections to the one before end."""
        self._to_port = port
        self.cut()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, there_writer}
        for source, sink, lost in (
            (reader, there_writer, lambda: False),
            (there_reader, writer, lambda: self.deaf),
        ):
            task = asyncio.ensure_future(self._carry(source, sink, lost, replies=sink is writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, lost: Callable[[], bool], *, replies: bool
    ) -> None:
        loop = asyncio.get_running_loop()
        late: deque[bytes] = deque()  # no piece overtakes another
        last_at = 0.0
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while data := await source.read(65_536):
                await self._passing.wait()
                if lost():
                    continue
                if replies and (self.delay_s or late):
                    late.append(data)
                    last_at = max(last_at, loop.time() + self.delay_s)
                    loop.call_at(last_at, lambda: _write(sink, late.popleft()))
                else:
                    _write(sink, data)
        sink.transport.abort()
        self._writers.discard(sink)


def _write(sink: asyncio.StreamWriter, data: bytes) -> None:
    if not sink.is_closing():
        sink.write(data)
