"""One pipelining connection to one Redis server: what is sent in one turn of the event loop leaves in one write.

redis-py costs 60 us of CPU and more for a call; this costs about 10, and a request waits for exactly one call.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import Any, Final, NamedTuple

import hiredis

# An event loop that comes to a deadline later than this was busy elsewhere, and has not read what the server may have
# answered in time; it then gets this long to do so.
STALLED_S: Final = 0.02
GRACE_S: Final = 0.25


class ConnectionLost(Exception):
    """The connection ended before the answer came."""


class NoAnswer(Exception):
    """The server did not answer in time."""


class Address(NamedTuple):
    """Where a server listens and how to introduce oneself. `path`: of a Unix socket, instead of host and port."""

    host: str
    port: int
    path: str | None = None
    username: str | None = None
    password: str | None = None
    db: int = 0
    tls: ssl.SSLContext | None = None


class Connection(asyncio.Protocol):
    """Answers come in the order of the commands, so a queue of futures is all the bookkeeping."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._unsent: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._graced = False
        self.lost: Exception | None = None

    @classmethod
    async def open(cls, address: Address, expires_at: float) -> Connection:
        """Connect and log in. Raises OSError, NoAnswer, ConnectionLost or hiredis.ReplyError.

        Args:
            expires_at: by the event loop's clock.
        """
        loop = asyncio.get_running_loop()
        if address.path is not None:
            opening: Any = loop.create_unix_connection(cls, address.path)
        else:
            name = address.host if address.tls else None
            opening = loop.create_connection(cls, address.host, address.port, ssl=address.tls, server_hostname=name)
        try:
            _, connection = await asyncio.wait_for(opening, max(0.001, expires_at - loop.time()))
        except (asyncio.TimeoutError, TimeoutError):
            raise NoAnswer("no connection in time") from None
        try:
            await connection._introduce(address, expires_at)
        except BaseException:  # cancelled or failed, nobody else knows this connection to close it
            connection.lose(ConnectionLost("closed"))
            raise
        return connection  # type: ignore[no-any-return]

    async def _introduce(self, address: Address, expires_at: float) -> None:
        commands: list[Any] = []
        if address.password is not None:
            commands.append(("AUTH", *([address.username] if address.username else []), address.password))
        if address.db:
            commands.append(("SELECT", address.db))
        # The answer also proves that the server is awake: a stopped one still accepts connections.
        commands.append(("PING",))
        answers = [self.send(hiredis.pack_command(command), expires_at) for command in commands]
        for answer in await asyncio.gather(*answers):
            if isinstance(answer, hiredis.ReplyError):
                raise answer

    def send(self, command: bytes, expires_at: float) -> asyncio.Future[Any]:
        """The answer to come, an error reply included. Fails with ConnectionLost, or NoAnswer at `expires_at`."""
        future = self._loop.create_future()
        if self.lost is not None:
            future.set_exception(ConnectionLost(str(self.lost)))
            return future
        self._waiting.append((future, expires_at))
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(command)
        if self._timer is None:
            self._timer = self._loop.call_at(expires_at, self._check)
        return future

    def lose(self, reason: Exception) -> None:
        """Close at once; everything that waits fails with `reason`."""
        if self.lost is None:
            self.lost = reason
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()
        waiting, self._waiting = self._waiting, deque()
        for future, _ in waiting:
            if not future.done():
                future.set_exception(reason)

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self._transport is not None and self.lost is None:
            self._transport.write(b"".join(unsent))

    def _check(self) -> None:
        # One timer for all: the oldest waits longest. It looks again when the next one would be late.
        self._timer = None
        if not self._waiting:
            return
        late_at, now = self._waiting[0][1], self._loop.time()
        if now - late_at > STALLED_S and not self._graced:
            self._graced = True
            self._timer = self._loop.call_at(now + GRACE_S, self._check)
        elif late_at <= now:
            self.lose(NoAnswer("no answer in time"))
        else:
            self._timer = self._loop.call_at(late_at, self._check)

    # --- asyncio.Protocol -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        reader, waiting, self._graced = self._reader, self._waiting, False
        try:
            reader.feed(data)
            while (answer := reader.gets()) is not False:
                future, _ = waiting.popleft()
                if not future.done():
                    future.set_result(answer)
        except (hiredis.ProtocolError, IndexError) as error:
            self.lose(ConnectionLost(f"not the Redis protocol: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.lose(ConnectionLost(str(exc or "closed by the server")))
