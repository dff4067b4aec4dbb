"""One pipelining connection to one Redis server: what is sent in one turn of the event loop leaves in one write.

redis-py costs 60 us of CPU and more for a call; this costs about 10, and a request waits for exactly one call.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from itertools import chain
from typing import Any, Final, NamedTuple

import hiredis

from governance.ledger.reasons import reason

# An event loop that is later than this was busy elsewhere: it has sent and read nothing meanwhile. That is not the
# server's fault, and does not count as waiting for it; a connection that is being made gets this long on top.
STALLED_S: Final = 0.02
GRACE_S: Final = 0.25
_MOST_TIMEOUTS: Final = 4  # that one call may take of a server that goes on answering the calls before it
_TICK_S: Final = 0.05
# Calls on their way at once. A server answers all that one process has sent before it turns to the next, so what many
# send at once is a silence to the last of them; the rest waits here.
_MOST_SENT: Final = 32


class ConnectionLost(Exception):
    """The connection ended before the answer came. Its words are ours."""


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


# The answer to come, when it expires, and how much this loop had been busy elsewhere when it was asked for.
_Call = tuple["asyncio.Future[Any]", float, float]


class Connection(asyncio.Protocol):
    """Answers come in the order of the commands, so a queue of futures is all the bookkeeping.

    What is waited for is the end of silence: while a server answers the calls before it, a call is in a queue that this
    process has made. A call that has waited in vain fails alone, for what was sent after it may still be answered; when
    it has been silent for two timeouts the connection is given up. While more calls wait than may be on their way, a
    silence may last four timeouts.

    Args:
        timeout_s: how long one silence may last.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._heard_at = 0.0
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[_Call] = deque()
        self._unsent: deque[tuple[bytes, _Call]] = deque()
        self._flushing = False
        self._timer: asyncio.TimerHandle | None = None
        self._tick_at = 0.0
        self._stalled_s = 0.0  # all the time that this loop was busy elsewhere, as far as ticks have shown
        self.lost: Exception | None = None

    @classmethod
    async def open(cls, address: Address, expires_at: float, timeout_s: float) -> Connection:
        """Connect and log in. Raises OSError, NoAnswer, ConnectionLost or hiredis.ReplyError.

        Args:
            expires_at: by the event loop's clock.
            timeout_s: of calls on it.
        """
        loop = asyncio.get_running_loop()

        def new() -> Connection:
            return cls(timeout_s)

        if address.path is not None:
            opening: Any = loop.create_unix_connection(new, address.path)
        else:
            name = address.host if address.tls else None
            opening = loop.create_connection(new, address.host, address.port, ssl=address.tls, server_hostname=name)
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
        self._unsent.append((command, (future, expires_at, self._stalled_s)))
        if not self._flushing and len(self._waiting) < _MOST_SENT:
            self._flushing = True
            self._loop.call_soon(self._flush)
        if self._timer is None:
            self._tick(self._loop.time() + _TICK_S)
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
        calls = [*self._waiting, *(call for _, call in self._unsent)]
        self._waiting.clear()
        self._unsent.clear()
        for future, _, _ in calls:
            if not future.done():
                future.set_exception(reason)

    def _flush(self) -> None:
        self._flushing = False
        commands = []
        while self._unsent and len(self._waiting) < _MOST_SENT:
            unsent = self._unsent.popleft()
            if not _failed(unsent):
                commands.append(unsent[0])
                self._waiting.append(unsent[1])
        if commands and self._transport is not None and self.lost is None:
            self._transport.write(b"".join(commands))

    def _tick(self, at: float) -> None:
        self._tick_at = at
        self._timer = self._loop.call_at(at, self._check)

    def _check(self) -> None:
        # One timer for all: the oldest waits longest.
        self._timer = None
        now = self._loop.time()
        late_s = now - self._tick_at
        if late_s > STALLED_S:
            self._stalled_s += late_s
        if not self._waiting and not self._unsent:
            return
        oldest = self._waiting[0] if self._waiting else None
        # Where more wait than may be on their way, this process asks for more than the machine gives.
        silence_s = self._timeout_s * (_MOST_TIMEOUTS if self._unsent else 1)
        for call in chain(self._waiting, (call for _, call in self._unsent)):
            future, expires_at, stalled_s = call
            latest_at = expires_at + (_MOST_TIMEOUTS - 1) * self._timeout_s
            ends_at = min(max(expires_at, self._heard_at + silence_s), latest_at) + self._stalled_s - stalled_s
            if ends_at > now:
                break
            if call is oldest and ends_at + self._timeout_s <= now:
                self.lose(NoAnswer("no answer in time"))
                return
            if not future.done():
                future.set_exception(NoAnswer("no answer in time"))
        while self._unsent and _failed(self._unsent[0]):
            self._unsent.popleft()
        self._tick(min(ends_at, now + _TICK_S) if ends_at > now else now + _TICK_S)

    # --- asyncio.Protocol -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        reader, waiting = self._reader, self._waiting
        self._heard_at = self._loop.time()
        try:
            reader.feed(data)
            while (answer := reader.gets()) is not False:
                future, _, _ = waiting.popleft()
                if not future.done():
                    future.set_result(answer)
        except (hiredis.ProtocolError, IndexError) as error:
            self.lose(ConnectionLost(f"not the Redis protocol: {type(error).__name__}"))
        if self._unsent and not self._flushing:
            self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lose(ConnectionLost(reason(exc)))


def _failed(unsent: tuple[bytes, _Call]) -> bool:
    """Whether who asked was told that it failed; who went away has still asked."""
    future = unsent[1][0]
    return future.done() and not future.cancelled()
