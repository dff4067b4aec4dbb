"""The embedded ledger: every promise of `Ledger`, for one process. What a second process counts, it does not see."""

from __future__ import annotations

import asyncio
import time
from collections import Counter as Sums
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Final, Literal

from governance.ledger import Health, Option, OptionReading, Reading, Reserved
from governance.ledger.announced import Announced
from governance.ledger.cooling import Cooling
from governance.ledger.counters import Counters
from governance.ledger.due import Due
from governance.ledger.listing import MOST_LISTED, Known, Listed, Listing, Mark, Ranked, slices
from governance.ledger.pins import Asked, Pinning, Pins
from governance.ledger.reservation import ADOPTED_S, MOST_OPEN, Key, Part, Record, check, held, key_of
from governance.ledger.settled import SettledReservations
from governance.ledger.windows import LARGEST_CHARGE, Counter, length_ms
from governance.model import Charge, Window

REMEMBERED_S: Final = 900  # a settle that comes this long after the end still applies its difference
_REAPED_PER_CALL: Final = 4
_FORGOTTEN_PER_CALL: Final = 8
_SUMMED_AT_ONCE: Final = 500


class MemoryLedger:
    """Windows of one process. Calls are atomic because none of them waits.

    Args:
        clock: Unix seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._counters = Counters()
        self._records: dict[str, Record] = {}
        self._due = Due()
        self._settled = SettledReservations(REMEMBERED_S)
        self._cooling = Cooling()
        self._pins = Pins()
        self._open: dict[str, Record] = {}
        self._expired = 0
        self._announced = Announced()
        self._epoch_s = clock()

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
        length = length_ms(deadline_s)
        down_ms, up_ms = self._begin()
        ours = self._counters.of(shared, down_ms)
        theirs = [self._counters.of(option.charges, down_ms) for option in options]
        fits, shared_readings = check(shared, ours, down_ms)
        chosen: int | None = None
        readings = []
        for index, option in enumerate(options):
            reading = self._weigh(option, theirs[index], down_ms)
            readings.append(reading)
            if chosen is None and reading.fits and reading.cooling_until_s is None:
                chosen = index
        pin = self._pins.find(pinned.key, down_ms) if pinned else None
        if pinned and pin and pin.target in pinned.targets:
            named = zip(pinned.targets, readings, strict=True)
            able = (i for i, (name, r) in enumerate(named) if name == pin.target and r.fits and not r.cooling_until_s)
            chosen = next(able, chosen)
        if chosen is None:
            probed = (index for index, reading in enumerate(readings) if reading.fits and reading.recovering)
            chosen = next(probed, None)
        for window in ours:
            window.asked = 0
        granted = fits and (chosen is not None or not options)
        known = None if dry_run else self._records.get(reservation_id) or self._settled.get(reservation_id, down_ms)
        if known is not None:
            granted, chosen = True, known.chosen
        elif not granted:
            chosen = None
        elif not dry_run:
            record = Record(chosen, down_ms + length, length, [])
            self._counters.count(reservation_id, record, Part(0, True, shared, down_ms, up_ms), ours)
            if chosen is not None:
                part = Part(0, False, options[chosen].charges, down_ms, up_ms)
                self._counters.count(reservation_id, record, part, theirs[chosen])
                self._cooling.charged(options[chosen].name, down_ms)
            self._remember(reservation_id, record)
        return Reserved(granted, chosen, shared_readings, tuple(readings), down_ms / 1000, pin=pin)

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
        down_ms, up_ms = self._begin()
        charges = (*option.charges, *shared)
        both = Option(option.name, charges)
        counters = self._counters.of(charges, down_ms)
        record = self._records.get(reservation_id)
        over = self._settled.get(reservation_id, down_ms) if record is None else None
        if over is not None:
            return self._weigh(both, counters, down_ms)._replace(fits=hop == over.hop and over.holds)
        if record is None:
            record = Record(None, down_ms + ADOPTED_S * 1000, ADOPTED_S * 1000, [], hop=hop - 1, holds=False)
            self._remember(reservation_id, record)
        if record.state == "released" or hop <= record.hop:
            reading = self._weigh(both, counters, down_ms)
            return reading._replace(fits=hop == record.hop and record.holds)
        if record.state == "expired":
            record.state, record.deadline_ms = "open", down_ms + record.length_ms
            self._open[reservation_id] = record
            self._due.add(record.deadline_ms, reservation_id)
            for part in record.parts:
                if part.counted == "nothing":  # the attempt was made after all
                    self._counters.recount(reservation_id, record, part, "requests", down_ms)
        for part in [part for part in record.parts if not part.shared and part.counted == "all"]:
            self._counters.recount(reservation_id, record, part, "nothing" if unasked else "requests", down_ms)
            if unasked:
                record.parts.remove(part)
        reading = self._weigh(both, counters, down_ms)
        record.hop, record.attempted = hop, False
        record.holds = force or (reading.fits and reading.cooling_until_s is None)
        if record.holds:
            self._cooling.charged(option.name, down_ms)
            ours = len(option.charges)
            self._counters.count(
                reservation_id, record, Part(hop, False, option.charges, down_ms, up_ms), counters[:ours]
            )
            self._counters.count(reservation_id, record, Part(hop, True, shared, down_ms, up_ms), counters[ours:])
        return reading

    async def settle(self, reservation_id: str, actual: Mapping[str, int], *, pinning: Pinning | None = None) -> bool:
        down_ms, _ = self._begin()
        record = self._records.get(reservation_id)
        if record is None:
            return False
        settled: set[Key] = set()
        for part in record.parts:
            if not part.shared and part.hop != record.hop:
                continue
            whole = part.counted == "all"
            for index, charge in enumerate(part.charges):
                of = charge.window
                if of.period is None:
                    self._counters.correct(reservation_id, record, part, index, 0, down_ms)
                    continue
                want = charge.amount
                if of.unit in actual:
                    key = key_of(of)
                    want = 0 if key in settled else min(max(0, actual[of.unit]), LARGEST_CHARGE)
                    settled.add(key)
                if want != charge.amount or not whole:
                    self._counters.correct(reservation_id, record, part, index, want, down_ms)
        self._settled.add(reservation_id, record.chosen, record.hop, record.holds, down_ms)
        self._open.pop(reservation_id, None)
        del self._records[reservation_id]
        self._due.forget_settled(self._records)
        if pinning:
            self._pins.put(pinning, down_ms)
        return True

    async def release(self, reservation_id: str, *, attempted: bool = False) -> bool:
        down_ms, _ = self._begin()
        record = self._records.get(reservation_id)
        if record is None or record.state == "released":
            return False
        if record.state == "expired":
            for part in record.parts if attempted else ():
                if part.counted == "nothing":  # the attempt was made after all
                    self._counters.recount(reservation_id, record, part, "requests", down_ms)
            record.state = "released"
            return False
        self._counters.give_back(reservation_id, record, attempted, down_ms)
        self._end(reservation_id, record, "released", down_ms)
        return True

    async def renew(self, reservation_id: str, deadline_s: float, *, attempted: bool = False) -> bool:
        down_ms, _ = self._begin()
        record = self._records.get(reservation_id)
        if record is None or record.state != "open":
            return False
        record.attempted = record.attempted or attempted
        record.length_ms = length_ms(deadline_s)
        record.deadline_ms = down_ms + record.length_ms
        self._due.add(record.deadline_ms, reservation_id)
        for part in record.parts:
            for index, charge in enumerate(part.charges):
                if charge.window.period is None and part.counted == "all":
                    self._counters.correct(reservation_id, record, part, index, charge.amount, down_ms)
        return True

    async def cool_down(self, name: str, seconds: float) -> None:
        self._cooling.begin(name, round(seconds * 1000), self._now_ms())

    async def recovered(self, name: str, well: bool = True) -> None:
        self._cooling.recovered(name, well, self._now_ms())

    async def read(self, windows: Sequence[Window]) -> tuple[Reading, ...]:
        down_ms, _ = self._begin()
        counters = self._counters.to_read(windows, down_ms)
        return check([Charge(window, 0) for window in windows], counters, down_ms)[1]

    async def reserved(self, windows: Sequence[Window]) -> tuple[int, ...]:
        sums: Sums[Key] = Sums()
        records = list(islice(reversed(self._open.values()), MOST_OPEN))
        for some in slices(len(records), _SUMMED_AT_ONCE):
            sums += held(records[some], self._counters.by_key, self._now_ms())
            # Tens of thousands of charges take longer than a request may wait.
            await asyncio.sleep(0)
        return tuple(sums[key_of(window)] for window in windows)

    async def announce(self, windows: Sequence[Window]) -> None:
        self._announced.add(windows, self._now_ms())

    async def listed(self, of: Listing, after: Mark | None = None, most: int = MOST_LISTED) -> Listed:
        return await self._announced.listed(of, after, min(most, MOST_LISTED), self._now_ms())

    async def survey(self, every_s: float) -> bool:
        return self._announced.turn(every_s, self._now_ms())

    async def known(self, cursor: int = 0, most: int = 100) -> tuple[int, tuple[Known, ...]]:
        return self._announced.walk(cursor, most, self._now_ms())

    async def rank(self, found: Sequence[Ranked], minute: int, *, last: bool = False) -> None:
        self._announced.rank(found, minute, last, self._now_ms() / 1000)

    async def health(self) -> Health:
        down_ms, _ = self._begin()
        return Health("memory", True, self._epoch_s, len(self._open), self._expired, down_ms / 1000)

    async def close(self) -> None:
        """Nothing to let go of."""

    # --- the pieces -------------------------------------------------------------------------------------------------

    def _now_ms(self) -> int:
        return round(self._clock() * 1_000_000) // 1000

    def _begin(self) -> tuple[int, int]:
        """Milliseconds now, rounded down and up, after bounded work on what is over.

        Releases reservations past their deadline, forgets old ones, forgets empty windows.
        """
        # To the microsecond first, because 1000.3 * 1000 is not 1000300.
        now_us = round(self._clock() * 1_000_000)
        down_ms = now_us // 1000
        self._counters.note_clock(down_ms)
        released = 0
        for _ in range(_FORGOTTEN_PER_CALL):
            reservation_id = None if released == _REAPED_PER_CALL else self._due.next(down_ms)
            if reservation_id is None:
                break
            record = self._records.get(reservation_id)
            if record is None:
                continue
            if record.state == "open":
                if record.deadline_ms <= down_ms:
                    self._counters.give_back(reservation_id, record, record.attempted, down_ms)
                    self._end(reservation_id, record, "expired", down_ms)
                    self._expired += 1
                    released += 1
            elif record.ended_ms + REMEMBERED_S * 1000 <= down_ms:
                del self._records[reservation_id]
        self._counters.sweep(down_ms)
        return down_ms, -(-now_us // 1000)

    def _weigh(self, option: Option, counters: list[Counter], now_ms: int) -> OptionReading:
        fits, readings = check(option.charges, counters, now_ms)
        for window, charge in zip(counters, option.charges, strict=True):
            window.asked -= charge.amount
        until_ms, recovering = self._cooling.state(option.name, now_ms)
        return OptionReading(fits, until_ms / 1000 if until_ms else None, readings, True, recovering)

    def _remember(self, reservation_id: str, record: Record) -> None:
        self._records[reservation_id] = record
        self._due.add(record.deadline_ms, reservation_id)
        self._open[reservation_id] = record

    def _end(self, reservation_id: str, record: Record, state: Literal["expired", "released"], now_ms: int) -> None:
        self._open.pop(reservation_id, None)
        record.state, record.ended_ms = state, now_ms
        self._due.add(now_ms + REMEMBERED_S * 1000, reservation_id)
