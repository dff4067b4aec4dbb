"""What happens while the store does not answer: refuse or allow, told and counted, and made good afterwards."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from governance.ledger import Health, Ledger, Option, OptionReading, Reading, Reserved
from governance.ledger.breaker import NotAsked
from governance.ledger.pins import Asked, Pinning
from governance.model import Charge, Window
from governance.model.errors import LedgerUnavailable

MOST_OWED: Final = 10_000
RETRY_S: Final = 1.0

_log = logging.getLogger("governance.ledger")


class Guarded:
    """A ledger that always answers, and says so when the store did not.

    Settles and releases that the store did not take are kept here, the newest 10,000, and sent when it answers again.

    Args:
        on_unavailable: for windows that do not say it themselves.
    """

    def __init__(self, ledger: Ledger, on_unavailable: Literal["refuse", "allow"] = "refuse") -> None:
        self._ledger = ledger
        self._allow = on_unavailable == "allow"
        self._away = False
        self._allowed = self._refused = self._lost = 0
        self._owed: dict[str, Mapping[str, int] | bool] = {}  # what was used, or whether a provider was attempted
        self._paying: asyncio.Task[None] | None = None
        self.read, self.reserved = ledger.read, ledger.reserved
        self.announce, self.listed = ledger.announce, ledger.listed
        self.survey, self.known, self.rank = ledger.survey, ledger.known, ledger.rank

    async def reserve(
        self,
        shared: Sequence[Charge],
        options: Sequence[Option],
        *,
        reservation_id: str,
        deadline_s: float,
        dry_run: bool = False,
        pinned: Asked | None = None,
    ) -> Reserved:
        try:
            reserved = await self._ledger.reserve(
                shared,
                options,
                reservation_id=reservation_id,
                deadline_s=deadline_s,
                dry_run=dry_run,
                pinned=pinned,
            )
        except LedgerUnavailable as error:
            answer = self._judge(shared, options)
            if dry_run:
                return answer
            self._left(error)
            if answer.granted:
                self._allowed += 1
            else:
                self._refused += 1
                if not isinstance(error, NotAsked):
                    # It may have been counted, only the answer did not come.
                    self._owe(reservation_id, False)
            return answer
        self._answered()
        return reserved

    async def move(
        self,
        reservation_id: str,
        hop: int,
        option: Option,
        shared: Sequence[Charge] = (),
        *,
        force: bool = False,
        unasked: bool = False,
    ) -> OptionReading:
        try:
            reading = await self._ledger.move(reservation_id, hop, option, shared, force=force, unasked=unasked)
        except LedgerUnavailable as error:
            self._left(error)
            judged = self._judge((), (Option(option.name, (*option.charges, *shared)),)).options[0]
            if judged.fits or force:
                self._allowed += 1
            else:
                self._refused += 1
            return judged
        self._answered()
        return reading

    async def settle(self, reservation_id: str, actual: Mapping[str, int], *, pinning: Pinning | None = None) -> bool:
        try:
            first = await self._ledger.settle(reservation_id, actual, pinning=pinning)
        except LedgerUnavailable as error:
            self._left(error)
            self._owe(reservation_id, dict(actual))
            return True
        self._owed.pop(reservation_id, None)
        self._answered()
        return first

    async def release(self, reservation_id: str, *, attempted: bool = False) -> bool:
        try:
            first = await self._ledger.release(reservation_id, attempted=attempted)
        except LedgerUnavailable as error:
            self._left(error)
            if not isinstance(self._owed.get(reservation_id), Mapping):
                self._owe(reservation_id, attempted)
            return True
        self._answered()
        return first

    async def renew(self, reservation_id: str, deadline_s: float, *, attempted: bool = False) -> bool:
        try:
            renewed = await self._ledger.renew(reservation_id, deadline_s, attempted=attempted)
        except LedgerUnavailable as error:
            self._left(error)
            return False
        self._answered()
        return renewed

    async def cool_down(self, name: str, seconds: float) -> None:
        try:
            await self._ledger.cool_down(name, seconds)
        except LedgerUnavailable as error:
            self._left(error)

    async def recovered(self, name: str, well: bool = True) -> None:
        try:
            await self._ledger.recovered(name, well)
        except LedgerUnavailable as error:
            self._left(error)

    async def health(self) -> Health:
        health = await self._ledger.health()
        if health.reachable:
            self._answered()
        return health._replace(allowed=self._allowed, refused=self._refused, owed=len(self._owed), lost=self._lost)

    async def close(self) -> None:
        """Send what is owed if the store takes it now, and let go."""
        if self._paying is not None:
            self._paying.cancel()
        await self._pay()
        self._lost += len(self._owed)
        if self._owed:
            _log.error("ledger: closed with %d settles and releases unsent; deadlines end them", len(self._owed))
        await self._ledger.close()

    # --- the pieces -------------------------------------------------------------------------------------------------

    def _judge(self, shared: Sequence[Charge], options: Sequence[Option]) -> Reserved:
        """The answer in place of the store's: nothing is known to be used, and who insists on counting is refused."""
        now_s = time.time()

        def readings(charges: Sequence[Charge]) -> tuple[bool, tuple[Reading, ...]]:
            told = tuple(
                Reading(charge.window, 0, charge.amount, self._allows(charge.window), now_s + RETRY_S, None)
                for charge in charges
            )
            return all(reading.fits or reading.window.mode == "shadow" for reading in told), told

        fits, shared_readings = readings(shared)
        weighed = tuple(OptionReading(ok, None, told, False) for ok, told in (readings(o.charges) for o in options))
        chosen = next((index for index, option in enumerate(weighed) if option.fits), None)
        granted = fits and (chosen is not None or not options)
        if not granted:
            return Reserved(False, None, shared_readings, weighed, now_s, False)
        counted_nowhere = [*shared, *(options[chosen].charges if chosen is not None else ())]
        return Reserved(
            True, chosen, shared_readings, weighed, now_s, False, tuple(charge.window for charge in counted_nowhere)
        )

    def _allows(self, window: Window) -> bool:
        return self._allow if window.on_unavailable is None else window.on_unavailable == "allow"

    def _left(self, error: LedgerUnavailable) -> None:
        if not self._away:
            self._away = True
            _log.error("ledger unavailable: %s; limits are now refused or let through uncounted, as each says", error)

    def _answered(self) -> None:
        if self._away:
            self._away = False
            _log.warning(
                "ledger available again; since the start %d requests were let through uncounted and %d refused",
                self._allowed,
                self._refused,
            )
        if self._owed and (self._paying is None or self._paying.done()):
            self._paying = asyncio.get_running_loop().create_task(self._pay())

    def _owe(self, reservation_id: str, what: Mapping[str, int] | bool) -> None:
        self._owed.pop(reservation_id, None)
        if len(self._owed) >= MOST_OWED:
            del self._owed[next(iter(self._owed))]
            self._lost += 1
        self._owed[reservation_id] = what

    async def _pay(self) -> None:
        """Send what is owed, oldest first, until the store is away again."""
        while self._owed:
            reservation_id, what = next(iter(self._owed.items()))
            try:
                if isinstance(what, Mapping):
                    await self._ledger.settle(reservation_id, what)
                else:
                    await self._ledger.release(reservation_id, attempted=what)
            except LedgerUnavailable:
                return
            if self._owed.get(reservation_id) is what:
                del self._owed[reservation_id]
