"""A ledger whose calls are timed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import perf_counter
from typing import TypeVar

from governance.ledger import Health, Ledger, Option, OptionReading, Reading, Reserved
from governance.model import Charge, Window

T = TypeVar("T")


class Timed:
    """Every promise of the ledger inside, and a word on how long each call took.

    Args:
        took: is given the name of the call and its seconds, also when it failed.
    """

    def __init__(self, ledger: Ledger, took: Callable[[str, float], None]) -> None:
        self._ledger = ledger
        self._took = took

    async def reserve(
        self,
        shared: Sequence[Charge],
        options: Sequence[Option],
        *,
        reservation_id: str,
        deadline_s: float,
        dry_run: bool = False,
    ) -> Reserved:
        # Written out here and in the other calls of every request: one more coroutine would cost as much again.
        began_s = perf_counter()
        try:
            return await self._ledger.reserve(
                shared, options, reservation_id=reservation_id, deadline_s=deadline_s, dry_run=dry_run
            )
        finally:
            self._took("reserve", perf_counter() - began_s)

    async def move(
        self, reservation_id: str, hop: int, option: Option, shared: Sequence[Charge] = (), *, force: bool = False
    ) -> OptionReading:
        return await self._time("move", self._ledger.move(reservation_id, hop, option, shared, force=force))

    async def settle(self, reservation_id: str, actual: Mapping[str, int]) -> bool:
        began_s = perf_counter()
        try:
            return await self._ledger.settle(reservation_id, actual)
        finally:
            self._took("settle", perf_counter() - began_s)

    async def release(self, reservation_id: str, *, attempted: bool = False) -> bool:
        return await self._time("release", self._ledger.release(reservation_id, attempted=attempted))

    async def renew(self, reservation_id: str, deadline_s: float, *, attempted: bool = False) -> bool:
        began_s = perf_counter()
        try:
            return await self._ledger.renew(reservation_id, deadline_s, attempted=attempted)
        finally:
            self._took("renew", perf_counter() - began_s)

    async def cool_down(self, name: str, seconds: float) -> None:
        await self._time("cool_down", self._ledger.cool_down(name, seconds))

    async def read(self, windows: Sequence[Window]) -> tuple[Reading, ...]:
        return await self._time("read", self._ledger.read(windows))

    async def reserved(self, windows: Sequence[Window]) -> tuple[int, ...]:
        return await self._time("reserved", self._ledger.reserved(windows))

    async def announce(self, windows: Sequence[Window]) -> None:
        await self._time("announce", self._ledger.announce(windows))

    async def announced(self) -> tuple[Window, ...]:
        return await self._time("announced", self._ledger.announced())

    async def health(self) -> Health:
        return await self._time("health", self._ledger.health())

    async def close(self) -> None:
        await self._ledger.close()

    async def _time(self, op: str, call: Awaitable[T]) -> T:
        began_s = perf_counter()
        try:
            return await call
        finally:
            self._took(op, perf_counter() - began_s)
