"""What happens while the store does not answer: refused, allowed or shared, told, counted, and made good afterwards."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from governance.ledger import Health, Ledger, OnUnavailable, Option, OptionReading, Reserved
from governance.ledger.breaker import NotAsked
from governance.ledger.degraded import Degraded
from governance.ledger.owed import Debt, Late, Moved, Owed, Released, Settled
from governance.ledger.pins import Asked, Pinning
from governance.ledger.present import Present
from governance.ledger.seen import Seen
from governance.ledger.spool import Spool
from governance.model import Charge
from governance.model.errors import LedgerUnavailable

_PAID_AT_ONCE: Final = 64
_TAKEN_AT_ONCE: Final = 500

_log = logging.getLogger("governance.ledger")


class Store(Ledger, Protocol):
    """A ledger that can be away, and be told afterwards what it has missed."""

    async def late(self, reservation_id: str, debt: Late) -> bool: ...

    def work_as(self, worker: str) -> None: ...

    def now_s(self) -> float: ...


class Guarded:
    """A ledger that always answers, and says so when the store did not.

    What was served meanwhile, and settles and releases that the store did not take, are kept here and sent when it
    answers again.

    Args:
        on_unavailable: for windows that do not say it themselves.
        spool: a folder in which they are kept too, for the case that this process ends first.
    """

    def __init__(self, ledger: Store, on_unavailable: OnUnavailable = "refuse", spool: Path | None = None) -> None:
        self._ledger = ledger
        self._seen, self._owed, self._present = Seen(), Owed(), Present(ledger, self._found)
        self._spool = Spool(spool) if spool else None
        self._otherwise: OnUnavailable = on_unavailable
        self._degraded = self._begin_anew()
        self._away = self._taking_over = False
        self._allowed = self._refused = self._shared = self._late = 0
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
        self._present.begin()
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
            self._left(error)
            answer = await self._degraded.reserve(
                shared, options, reservation_id, deadline_s, dry_run or self._owed.full
            )
            if dry_run:
                return answer
            if answer.granted and not self._owed.full:
                self._allowed += 1
                self._shared += answer.away == "share"
                charges = options[answer.chosen].charges if answer.chosen is not None else ()
                at_ms = round(answer.now_s * 1000)
                late = Late(at_ms, deadline_s, answer.chosen, tuple(shared), tuple(charges))
                await self._owe(reservation_id, late)
                return answer
            self._refused += 1
            if not isinstance(error, NotAsked):
                # It may have been counted, only the answer did not come.
                await self._owe(reservation_id, Released(False))
            return answer if not answer.granted else answer._replace(granted=False, chosen=None, uncounted=(), away="")
        self._seen.note(reserved)
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
            self._must_wait(reservation_id)
            reading = await self._ledger.move(reservation_id, hop, option, shared, force=force, unasked=unasked)
        except LedgerUnavailable as error:
            self._left(error)
            judged = await self._degraded.move(reservation_id, hop, option, shared, force, unasked)
            if judged.fits or force:
                self._allowed += 1
                await self._owe(reservation_id, Moved(hop, option, tuple(shared), unasked))
            else:
                self._refused += 1
            return judged
        self._seen.note_move(reading)
        self._answered()
        return reading

    async def settle(self, reservation_id: str, actual: Mapping[str, int], *, pinning: Pinning | None = None) -> bool:
        try:
            self._must_wait(reservation_id)
            first = await self._ledger.settle(reservation_id, actual, pinning=pinning)
        except LedgerUnavailable as error:
            self._left(error)
            await self._degraded.let_through.settle(reservation_id, actual)
            await self._owe(reservation_id, Settled(dict(actual)))
            return True
        self._answered()
        return first

    async def release(self, reservation_id: str, *, attempted: bool = False) -> bool:
        try:
            self._must_wait(reservation_id)
            first = await self._ledger.release(reservation_id, attempted=attempted)
        except LedgerUnavailable as error:
            self._left(error)
            await self._degraded.let_through.release(reservation_id, attempted=attempted)
            await self._owe(reservation_id, Released(attempted))
            return True
        self._answered()
        return first

    async def renew(self, reservation_id: str, deadline_s: float, *, attempted: bool = False) -> bool:
        try:
            self._must_wait(reservation_id)
            renewed = await self._ledger.renew(reservation_id, deadline_s, attempted=attempted)
        except LedgerUnavailable as error:
            self._left(error)
            return await self._degraded.let_through.renew(reservation_id, deadline_s, attempted=attempted)
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
            self._present.heard(health.workers)
            self._answered()
        return health._replace(
            allowed=self._allowed,
            refused=self._refused,
            owed=len(self._owed),
            lost=self._owed.lost,
            shared=self._shared,
            late=self._late,
            workers=self._present.known,
            spool_error=self._spool.error if self._spool else None,
        )

    async def close(self) -> None:
        """Send what is owed if the store takes it now, and let go."""
        self._present.end()
        if self._paying is not None:
            self._paying.cancel()
        await self._pay()
        if self._spool is not None:
            self._spool.close()
        elif self._owed:
            self._owed.lost += len(self._owed)
            _log.error("ledger: closed while %d reservations were owed to it; nothing keeps them", len(self._owed))
        await self._ledger.close()

    # --- the pieces -------------------------------------------------------------------------------------------------

    def _begin_anew(self) -> Degraded:
        return Degraded(self._otherwise, self._seen, self._ledger.now_s, lambda: self._present.workers)

    def _must_wait(self, reservation_id: str) -> None:
        """Whoever is owed comes after what it is owed already."""
        if reservation_id in self._owed:
            self._pay_soon()
            raise _Queued("what was served before is counted first")

    def _left(self, error: LedgerUnavailable) -> None:
        if not self._away and not isinstance(error, _Queued):
            self._away = True
            if not self._owed:
                self._degraded = self._begin_anew()
            _log.error("ledger unavailable: %s; requests are refused, allowed or shared, as each limit says", error)

    def _answered(self) -> None:
        if self._away:
            self._away = False
            _log.warning(
                "ledger available again; since the start %d requests were let through, to be counted now, %d refused",
                self._allowed,
                self._refused,
            )
        self._pay_soon()

    def _pay_soon(self, or_done: bool = False) -> None:
        if (self._owed or or_done) and (self._paying is None or self._paying.done()):
            self._paying = asyncio.get_running_loop().create_task(self._pay())

    async def _found(self) -> None:
        """The store has just answered: what a process that has ended left unpaid is owed by this one.

        Of one process at a time, so that it is never more than may be owed.
        """
        self._answered()
        if self._spool is None or self._owed:
            return
        self._taking_over = True
        try:
            left = await self._spool.adopt()
            for number, (reservation_id, debt) in enumerate(left, 1):
                self._owed.add(reservation_id, debt)
                if number % _TAKEN_AT_ONCE == 0:
                    await asyncio.sleep(0)
        finally:
            self._taking_over = False
        if left:
            self._pay_soon(or_done=True)

    async def _owe(self, reservation_id: str, debt: Debt) -> None:
        if self._owed.add(reservation_id, debt) and self._spool is not None:
            await self._spool.add(reservation_id, debt)

    async def _pay(self) -> None:
        """Send what is owed, oldest first, until the store is away again."""
        while first := self._owed.first(_PAID_AT_ONCE):
            paid = await asyncio.gather(*map(self._pay_all_of, first))
            if not all(paid):
                return
        # A file is removed when all of it is paid, of which some may not be owed yet.
        if self._spool is not None and not self._taking_over:
            self._spool.done()

    async def _pay_all_of(self, reservation_id: str) -> bool:
        while debt := self._owed.next(reservation_id):
            try:
                await self._pay_one(reservation_id, debt)
            except LedgerUnavailable:
                return False
            except ValueError as error:
                _log.error("ledger: what is owed for %s cannot be counted: %s", reservation_id, error)
            self._owed.paid(reservation_id)
        return True

    async def _pay_one(self, reservation_id: str, debt: Debt) -> None:
        if isinstance(debt, Late):
            first = await self._ledger.late(reservation_id, debt)
            self._late += first
        elif isinstance(debt, Moved):
            hop, option, shared, unasked = debt
            await self._ledger.move(reservation_id, hop, option, shared, force=True, unasked=unasked)
        elif isinstance(debt, Settled):
            await self._ledger.settle(reservation_id, debt.actual)
        else:
            await self._ledger.release(reservation_id, attempted=debt.attempted)


class _Queued(LedgerUnavailable):
    """The store answers, and this has to wait for its turn."""
