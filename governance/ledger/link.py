"""Calls that survive: connects when needed, finds the new master, repeats once, gives up in time, and probes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from hashlib import sha1
from typing import Any, Final, Protocol

import hiredis
from redis.exceptions import RedisError

from governance.ledger.address import Directory
from governance.ledger.breaker import FAILURES, PROBE_S, Breaker, NotAsked
from governance.ledger.connection import GRACE_S, STALLED_S, Connection, ConnectionLost, NoAnswer
from governance.ledger.reasons import reason
from governance.ledger.scripts import Script
from governance.model.errors import LedgerUnavailable

TIMEOUT_S: Final = 0.25
CONNECT_S: Final = 1.0
# The server is there but is no longer, or not yet, the one to ask.
_ELSEWHERE: Final = ("MOVED", "READONLY", "MASTERDOWN", "LOADING", "CLUSTERDOWN")

# hiredis' stub knows only tuples of one.
pack: Callable[[tuple[str | bytes | int, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment]
_log = logging.getLogger("governance.ledger")


Probe = tuple[Script, Sequence[str], Sequence[str | bytes | int]]
_ANSWER: Final = b"return 1"
_ANSWERS: Final[Probe] = (Script(sha1(_ANSWER, usedforsecurity=False).hexdigest().encode(), _ANSWER), (), ())


class Link(Protocol):
    """Runs scripts on the server that holds a realm. `connected`: how often it has found one."""

    kind: str
    connected: int

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """The script's reply. Raises LedgerUnavailable."""

    async def close(self) -> None: ...


class Wire:
    """A link over a network: one connection, one timeout for everything a call needs, one repetition, one breaker.

    Scripts can be repeated: each is written so that a second run counts nothing. While the breaker is open no call
    waits: a task beside them finds out whether the server is well.

    Args:
        key: any key of the realm; it says which node of a cluster to ask.
        failures, probe_s: of the breaker.
        told: what it is the link to, for messages.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        directory: Directory,
        key: str,
        timeout_s: float = TIMEOUT_S,
        told: str = "ledger",
        *,
        failures: int = FAILURES,
        probe_s: float = PROBE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kind, self._told = directory.kind, told
        self._directory, self._key, self._timeout_s = directory, key, timeout_s
        self._breaker = Breaker(self._breaker_changed, clock, failures=failures, probe_s=probe_s)
        self._probing: asyncio.Task[None] | None = None
        self.probe: Probe | None = None  # what shows that the server is well; without, that it answers
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[Connection] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._send_whole = False
        self._last_error = ""
        self.connected = 0

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        if self._breaker.open:
            self._find_out()
            raise NotAsked(f"the {self._told} does not answer ({self._last_error}); asking again and again")
        began_at = self._breaker.now()
        try:
            answer = await self._run(script, keys, args)
        except LedgerUnavailable as error:
            self._last_error = str(error)
            self._breaker.failed(began_at)
            if self._breaker.open:
                self._find_out()
            raise
        self._breaker.succeeded()
        return answer

    async def close(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
        if self._connection is not None:
            self._connection.lose(ConnectionLost("closed"))
        self._connection = self._connecting = None

    async def _run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        loop = asyncio.get_running_loop()
        expires_at = loop.time() + self._timeout_s
        whole, repeated = self._send_whole, False
        while True:
            try:
                connection = self._connection
                if connection is None or connection.lost is not None or loop is not self._loop:
                    connection = await self._connect(loop, expires_at)
                verb, body = ("EVAL", script.text) if whole else ("EVALSHA", script.sha)
                command = pack((verb, body, len(keys), *keys, *args))
                answer = await connection.send(command, expires_at)
            except (OSError, RedisError, ValueError) as error:  # ValueError: an address that the resolver cannot read
                if repeated:
                    raise LedgerUnavailable(reason(error)) from None
                repeated = True
                continue
            except ConnectionLost as error:
                if repeated:
                    raise LedgerUnavailable(str(error)) from None
                repeated = True
                continue
            except NoAnswer as error:
                raise LedgerUnavailable(f"{error} ({self._timeout_s * 1000:.0f} ms)") from error
            if not isinstance(answer, hiredis.ReplyError):
                return answer
            message = str(answer)
            if not whole and message.startswith(("NOSCRIPT", "NOPERM")):
                whole = True
                # Where EVALSHA is forbidden it stays so; a script that was flushed is known again from now on.
                self._send_whole = message.startswith("NOPERM")
            elif message.startswith(_ELSEWHERE) and not repeated:
                connection.lose(ConnectionLost(reason(answer)))
                repeated = True
            else:
                raise LedgerUnavailable(reason(answer))

    async def _connect(self, loop: asyncio.AbstractEventLoop, expires_at: float) -> Connection:
        """Everybody who needs a connection waits for the same one."""
        if self._connecting is None or self._connecting.done() or loop is not self._loop:
            self._loop = loop
            # It may take longer than who asked for it waits; the next one then finds it done.
            self._connecting = loop.create_task(self._open(loop.time() + max(self._timeout_s, CONNECT_S)))
            # When all who waited have given up, nobody else looks at its error.
            self._connecting.add_done_callback(lambda task: task.cancelled() or task.exception())
        connecting = self._connecting
        # A caller that goes away must not take the connection from the others.
        done, _ = await asyncio.wait([connecting], timeout=max(0.0, expires_at - loop.time()))
        if not done and loop.time() - expires_at > STALLED_S:
            done, _ = await asyncio.wait([connecting], timeout=GRACE_S)
        if not done:
            raise NoAnswer("no connection in time")
        return connecting.result()

    async def _open(self, expires_at: float) -> Connection:
        loop = asyncio.get_running_loop()
        self._connection = None
        try:
            remaining_s = max(0.001, expires_at - loop.time())
            address = await asyncio.wait_for(self._directory.find(self._key, remaining_s), remaining_s)
        except (asyncio.TimeoutError, TimeoutError):
            raise NoAnswer("nobody names the server in time") from None
        try:
            self._connection = await Connection.open(address, expires_at, self._timeout_s)
        except hiredis.ReplyError as error:
            raise ConnectionLost(reason(error)) from None
        self.connected += 1
        return self._connection

    def _find_out(self) -> None:
        loop = asyncio.get_running_loop()
        if self._probing is None or self._probing.done() or self._probing.get_loop() is not loop:
            self._probing = loop.create_task(self._probe_until_well())

    async def _probe_until_well(self) -> None:
        while self._breaker.open:
            await asyncio.sleep(self._breaker.pause_s())
            try:
                await self._run(*(self.probe or _ANSWERS))
            except LedgerUnavailable as error:
                self._last_error = str(error)
            else:
                self._breaker.succeeded()

    def _breaker_changed(self, is_open: bool) -> None:
        if is_open:
            why = self._last_error
            _log.error("%s (%s) does not answer: %s; asking again and again", self._told, self.kind, why)
        else:
            _log.warning("%s (%s) answers again", self._told, self.kind)
