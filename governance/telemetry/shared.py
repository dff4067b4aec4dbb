"""The recent decisions of all workers on one Redis: a stream, written in batches that no request waits for."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Final
from uuid import UUID

from governance.ledger.link import Link
from governance.ledger.scripts import Script
from governance.model.errors import LedgerUnavailable
from governance.telemetry.recent import Kept, Line

log = logging.getLogger("governance.telemetry")

MOST_PENDING: Final = 4_000
_BATCH: Final = 64
_LASTS_MS: Final = 30 * 86_400_000
_LOOKED_AT: Final = 250
# A decision is told when its request ends, so never before it was made; the clocks of hosts differ by less than this.
_SKEW_MS: Final = 60_000
_CLOSE_WITHIN_S: Final = 2.0
# Percent of its `maxmemory`: a server that is fuller is the ledger's alone, whose counts it must take to the last.
FULL_PERCENT: Final = 80
# Bytes of Redis that a decision takes besides its record: its id, and the node of the stream that it has for itself.
BESIDES_BYTES: Final = 250
_FULL: Final = f"the memory of its server is used to {FULL_PERCENT} %, and the ledger's counts come first"


class RecentOfAll:
    """The decisions of every process on the same Redis and realm.

    Redis away or too slow: decisions are dropped and counted. It costs no request anything.

    Args:
        link: its own, so that a batch of records never stands before a reservation.
        key: the stream.
        keep, most_bytes: whichever is reached first.
    """

    kind = "redis"

    def __init__(self, link: Link, key: str, keep: int, most_bytes: int) -> None:
        self._link, self._key, self._keep, self._most_bytes = link, key, keep, most_bytes
        self._pending: deque[tuple[str, bytes]] = deque()
        self._sending: asyncio.Task[None] | None = None
        self._closed = False
        self.error: str | None = None
        self.dropped = 0

    def put(self, decision_id: str, record: Line) -> None:
        if self._closed or len(self._pending) >= MOST_PENDING:
            self.dropped += 1
            return
        self._pending.append((decision_id, record() if callable(record) else record))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._send())

    async def before(self, position: str | None, count: int) -> Sequence[Kept]:
        last = "+" if position is None else f"({position}"
        told = await self._link.run(_script("before"), [self._key], [last, count])
        return [Kept(position.decode(), record) for position, record in zip(told[::2], told[1::2], strict=True)]

    async def find(self, decision_id: str) -> bytes | None:
        at_ms = UUID(decision_id).int >> 80
        start = str(max(0, at_ms - _SKEW_MS))
        for _ in range(1 + self._keep // _LOOKED_AT):
            told = await self._link.run(_script("find"), [self._key], [start, _LOOKED_AT, decision_id])
            if len(told) < 2:
                return bytes(told[0]) if told else None
            start = f"({told[1].decode()}"
        return None

    async def sent(self) -> None:
        """Wait until what was put is kept, or dropped."""
        if self._sending is not None:
            await asyncio.wait([self._sending])

    async def close(self) -> None:
        self._closed = True
        if self._sending is not None and not self._sending.done():
            await asyncio.wait([self._sending], timeout=_CLOSE_WITHIN_S)
            self._sending.cancel()
        self.dropped += len(self._pending)
        self._pending.clear()
        await self._link.close()

    async def _send(self) -> None:
        while self._pending:
            batch = [self._pending.popleft() for _ in range(min(_BATCH, len(self._pending)))]
            words: list[str | bytes | int] = [self._keep, _LASTS_MS, self._most_bytes, FULL_PERCENT, BESIDES_BYTES]
            for decision_id, record in batch:
                words += (decision_id, record)
            try:
                put = await self._link.run(_script("append"), [self._key, f"{self._key}:bytes"], words)
                if put < 0:
                    raise LedgerUnavailable(_FULL)
            except LedgerUnavailable as error:
                self.dropped += len(batch)
                if self.error is None:
                    log.error("recent decisions cannot be kept: %s", error)
                self.error = str(error)
            else:
                if self.error is not None:
                    log.warning("recent decisions are kept again; %d were dropped", self.dropped)
                self.error = None


@cache
def _script(name: str) -> Script:
    text = (files("governance.telemetry") / "lua" / f"{name}.lua").read_bytes()
    return Script(sha1(text, usedforsecurity=False).hexdigest().encode(), text)
