"""The windows of the memory ledger: begun when first charged, changed as reservations end, swept when empty."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from governance.ledger.reservation import Counted, Key, Part, Record, key_of, lease_of
from governance.ledger.windows import Calendar, Concurrent, Counter, Rolling, counter
from governance.model import Charge, Window

_SWEPT_PER_CALL: Final = 2


class Counters:
    """Every window that counts something, by what it is."""

    def __init__(self) -> None:
        self.by_key: dict[Key, Counter] = {}
        self._order: deque[Key] = deque()  # the same keys; the sweep walks round it
        self._created = 0

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
            if charge.amount < 0:
                raise ValueError(f"cannot charge {charge.amount} {of.unit} to {of.limit}: amounts are not negative")
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
        up_ms = part.up_ms
        for index, (window, charge) in enumerate(zip(counters, part.charges, strict=True)):
            if isinstance(window, Concurrent):
                window.take(lease_of(reservation_id, part, index), charge.amount, record.deadline_ms)
            else:
                window.charge(up_ms, charge.amount, charge.window.amount)
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
        # In the zone that it follows now: a change of what was counted begins no period.
        window = self.by_key.get(key_of(charge.window)) or self._begin(charge.window)
        if isinstance(window, Concurrent):
            lease = lease_of(reservation_id, part, index)
            if want:
                window.take(lease, want, record.deadline_ms)
            else:
                window.give_back(lease)
            return
        counts = part.counted == "all" or (part.counted == "requests" and charge.window.unit == "requests")
        window.roll(now_ms)
        counted_ms = part.up_ms if isinstance(window, Rolling) else part.down_ms
        window.adjust(counted_ms, want - (charge.amount if counts else 0), charge.window.amount, now_ms)

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
