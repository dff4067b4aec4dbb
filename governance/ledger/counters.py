"""The windows of the memory ledger: begun when first charged, changed as reservations end, swept when empty."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from governance.ledger.reservation import Counted, Key, Part, Record, key_of, lease_of
from governance.ledger.windows import (
    LARGEST_CHARGE,
    MOST_LEASES,
    Calendar,
    Concurrent,
    Counter,
    Rolling,
    checked,
    counter,
)
from governance.model import Charge, Window

_SWEPT_PER_CALL: Final = 2


class Counters:
    """Every window that counts something, by what it is."""

    def __init__(self) -> None:
        self.by_key: dict[Key, Counter] = {}
        self._order: deque[Key] = deque()  # the same keys; the sweep walks round it
        self._created = 0
        self._shown_ms = self._before_ms = 0  # by the clock: the latest since it went back, and the latest before
        self._went_back = 0  # how often

    def note_clock(self, now_ms: int) -> None:
        """Something is to be counted at this time."""
        if now_ms < self._shown_ms:
            self._before_ms = max(self._before_ms, self._shown_ms)
            self._went_back += 1
        self._shown_ms = now_ms

    def of(self, charges: Sequence[Charge], now_ms: int) -> list[Counter]:
        """The windows of these charges. Raises ValueError, before anything is counted, for what cannot be counted."""
        windows = self.by_key
        found = []
        for charge in charges:
            of = charge.window
            key = (of.limit, of.subject, of.unit, of.period)
            window = windows.get(key)
            if window is None:
                window = self._begin(of)
            elif window.__class__ is Calendar and window.timezone != of.timezone:
                window.follow(of.timezone, now_ms)
            amount = charge.amount
            if not 0 <= amount <= LARGEST_CHARGE or (amount > MOST_LEASES and of.period is None):
                checked(charge)
            found.append(window)
        return found

    def to_read(self, windows: Iterable[Window], now_ms: int) -> list[Counter]:
        """These windows, of which none begins by being read. Raises ValueError for what cannot be counted."""
        found = []
        for of in windows:
            window = self.by_key.get(key_of(of))
            if window is None:
                window = counter(of)
            elif isinstance(window, Calendar) and window.timezone != of.timezone:
                window.follow(of.timezone, now_ms)
            found.append(window)
        return found

    def _begin(self, of: Window) -> Counter:
        key = key_of(of)
        window = self.by_key[key] = counter(of)
        self._order.append(key)
        self._created += 1
        return window

    def count(self, reservation_id: str, record: Record, part: Part, counters: Iterable[Counter]) -> None:
        """Charge these windows, and note in the record that they were."""
        up_ms, down_ms = part.up_ms, part.down_ms
        part.went_back = self._went_back
        for index, (window, charge) in enumerate(zip(counters, part.charges, strict=True)):
            if isinstance(window, Concurrent):
                window.take(lease_of(reservation_id, part, index), charge.amount, record.deadline_ms)
                continue
            now_ms = up_ms if isinstance(window, Rolling) else down_ms
            at_ms = window.charge(now_ms, charge.amount, charge.window.amount)
            if at_ms != now_ms:
                part.later_ms = {**(part.later_ms or {}), index: at_ms}
        record.parts.append(part)

    def recount(self, reservation_id: str, record: Record, part: Part, counted: Counted, now_ms: int) -> None:
        """Leave all of a part counted, only its requests, or nothing."""
        for index, charge in enumerate(part.charges):
            keep = counted == "all" or (counted == "requests" and charge.window.unit == "requests")
            self.correct(reservation_id, record, part, index, charge.amount if keep else 0, now_ms)
        part.counted = counted

    def correct(self, reservation_id: str, record: Record, part: Part, index: int, want: int, now_ms: int) -> None:
        """Make the window of one charge count `want` for it, at the time when it was counted."""
        charge = part.charges[index]
        of = charge.window
        # In the zone that it follows now: a change of what was counted begins no period.
        window = self.by_key.get((of.limit, of.subject, of.unit, of.period)) or self._begin(of)
        if isinstance(window, Concurrent):
            lease = lease_of(reservation_id, part, index)
            if want:
                window.take(lease, want, record.deadline_ms)
            else:
                window.give_back(lease)
            return
        counts = part.counted == "all" or (part.counted == "requests" and of.unit == "requests")
        difference = want - (charge.amount if counts else 0)
        if not difference:
            return
        if window.gone_ms <= now_ms or not window.used:
            window.roll(now_ms)
        counted_ms = part.counted_ms(index, window)
        # What had left its window before the clock went back must not be given back again: others have its place.
        if part.went_back != self._went_back and not window.counts(counted_ms, max(now_ms, self._before_ms)):
            return
        window.adjust(counted_ms, difference, of.amount, now_ms)

    def give_back(self, reservation_id: str, record: Record, attempted: bool, now_ms: int) -> None:
        """Count nothing of a reservation any more, but for the requests of attempts that were made."""
        for part in record.parts:
            if part.counted == "nothing":
                continue
            if attempted or part.hop != record.hop:
                self.recount(reservation_id, record, part, "requests", now_ms)
            else:
                self.recount(reservation_id, record, part, "nothing", now_ms)

    def sweep(self, now_ms: int) -> None:
        """Bounded work: forget empty windows."""
        order, windows = self._order, self.by_key
        for _ in range(min(len(order), _SWEPT_PER_CALL + self._created)):
            key = order[0]
            window = windows[key]
            if window.gone_ms <= now_ms and not isinstance(window, Calendar):
                window.roll(now_ms)
            if not window.used or (isinstance(window, Calendar) and window.gone_ms <= now_ms):
                del windows[key]
                order.popleft()
            else:
                order.rotate(-1)
        self._created = 0
