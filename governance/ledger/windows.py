"""Pure window arithmetic, in whole milliseconds and whole units: no clock, no I/O. The Lua scripts do the same sums.

**Rolling.** A window is a list of buckets, oldest first; a bucket counts *whole* until its newest charge has left the
window. So nothing ever leaves early, and in no interval `[t, t + period)` is more counted than the limit. A charge
joins the newest bucket only while the bucket is younger than 1/20 of the period and stays within 1/20 of the limit.
Hence

- what the oldest bucket counts too long is at most 1/20 of the limit, for at most 1/20 of the period: whatever the
  traffic looks like, 95 % of what an exact log admits is admitted. Buckets on a fixed grid cannot promise that: a
  `1/minute` asked for once a minute would be refused every second time, and so would a burst that comes every minute;
- with at most 20 charges in a window (slow limits) each has its own bucket: the window *is* an exact log;
- charges of the same millisecond always share a bucket: that loses nothing.

A charge lasts from the millisecond after it (rounded up) to the millisecond before it leaves (rounded down).

**Calendar.** One counter, begun anew at each period's start. **Concurrent.** A set of leases that end by themselves.

A clock that went back counts as one that stood still, for each window by itself. So what is charged then is counted
later than the clock says; `charge` tells when, and `adjust` has to be told just that.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final

from governance.ledger.calendar import period_ms
from governance.model import Charge, Window

BUCKETS: Final = 20
MOST_BUCKETS: Final = 28  # reserved amounts shrink when they are settled; then neighbours are merged
NEVER: Final = 1 << 62
LONGEST_S: Final = 7 * 86_400
MOST_COUNTED: Final = 2**53 - 1  # no window counts higher: the largest integer of which Lua knows its neighbours
LARGEST_CHARGE: Final = 10**15  # the largest amount of any limit
MOST_LEASES: Final = 1_000  # of one charge; each is a member of a set


class Rolling:
    """At most so many in any `period` milliseconds; `used` is right after `roll`."""

    __slots__ = ("asked", "closed", "ends_ms", "gone_ms", "last_ms", "newest", "period", "start_ms", "used")

    def __init__(self, period: int) -> None:
        self.period = period
        self.used = 0
        self.asked = 0  # scratch of one reserve call; 0 between calls
        # (when its newest charge was counted, amount); a handful, for which a deque would take 760 bytes at once.
        self.closed: list[tuple[int, int]] = []
        self.start_ms = self.last_ms = self.newest = 0  # the newest bucket: opened, last charged, amount
        self.gone_ms = NEVER  # when the oldest bucket leaves
        self.ends_ms = 0  # when all of them will have left

    def roll(self, now_ms: int) -> None:
        """Forget what has left the window at `now_ms` (rounded down)."""
        horizon_ms = now_ms - self.period
        while self.closed and self.closed[0][0] <= horizon_ms:
            self.used -= self.closed.pop(0)[1]
        if not self.closed and self.last_ms <= horizon_ms:
            self.used -= self.newest
            self.newest = 0
        self._note_ends()

    def charge(self, now_ms: int, amount: int, limit: int) -> int:
        """Count `amount` at `now_ms` (rounded up), or later where the clock went back. Returns when."""
        amount = min(amount, MOST_COUNTED - self.used)
        if not amount:
            return now_ms
        if not self.used:
            self._begin()
        if now_ms < self.last_ms:
            now_ms = self.last_ms
        if now_ms != self.last_ms and (
            (now_ms - self.start_ms) * BUCKETS >= self.period or (self.newest + amount) * BUCKETS > limit
        ):
            if self.newest:
                self._close(limit)
            self.start_ms = now_ms
            self.newest = 0
        self.last_ms = now_ms
        self.newest += amount
        self.used += amount
        self.ends_ms = now_ms + self.period
        if not self.closed:
            self.gone_ms = self.ends_ms
        return now_ms

    def adjust(self, counted_ms: int, difference: int, limit: int, now_ms: int) -> None:
        """Change what was counted at `counted_ms`; nothing when that has left the window. Call `roll` first."""
        if counted_ms + self.period <= now_ms or not difference:
            return
        difference = min(difference, MOST_COUNTED - self.used)
        if not self.used:
            self._begin()
        for index, (last_ms, amount) in enumerate(self.closed):
            if last_ms >= counted_ms:
                change = max(difference, -amount)
                self.closed[index] = (last_ms, amount + change)
                self.used += change
                self._note_ends()
                return
        if self.last_ms >= counted_ms:
            change = max(difference, -self.newest)
            self.newest += change
            self.used += change
            self._note_ends()
        elif difference > 0:
            self.charge(counted_ms, difference, limit)

    def counts(self, counted_ms: int, now_ms: int) -> bool:
        """Whether what was counted at `counted_ms` (rounded up) has not left yet."""
        return counted_ms + self.period > now_ms

    def room_ms(self, amount: int, limit: int, now_ms: int) -> int:
        """When `amount`, which is at most `limit`, fits if nothing else is counted."""
        missing = self.used + amount - limit
        if missing <= 0:
            return now_ms
        for last_ms, bucket in self.closed:
            missing -= bucket
            if missing <= 0:
                return last_ms + self.period
        return self.last_ms + self.period

    def _begin(self) -> None:
        """An empty window has no history; the Redis ledger does not even store it."""
        self.closed.clear()
        self.start_ms = self.last_ms = self.newest = 0

    def _note_ends(self) -> None:
        if self.newest:
            self.ends_ms = self.last_ms + self.period
        else:
            self.ends_ms = self.closed[-1][0] + self.period if self.used else 0
        self.gone_ms = self.closed[0][0] + self.period if self.closed else self.ends_ms or NEVER

    def _close(self, limit: int) -> None:
        self.closed.append((self.last_ms, self.newest))
        if len(self.closed) > MOST_BUCKETS:
            self._merge(limit)
        self.gone_ms = self.closed[0][0] + self.period

    def _merge(self, limit: int) -> None:
        most, span_ms = limit // BUCKETS, self.period // BUCKETS
        while len(self.closed) > BUCKETS:
            merged: list[tuple[int, int]] = []
            first_ms = 0
            for last_ms, amount in self.closed:
                if merged and merged[-1][1] + amount <= most and last_ms - first_ms <= span_ms:
                    merged[-1] = (last_ms, merged[-1][1] + amount)
                else:
                    merged.append((last_ms, amount))
                    first_ms = last_ms
            self.closed = merged
            most, span_ms = most * 2 + 1, span_ms * 2


class Calendar:
    """At most so many in each period of the calendar; `used` is right after `roll`."""

    __slots__ = ("asked", "ends_ms", "gone_ms", "period", "start_ms", "timezone", "used")

    def __init__(self, period: str, timezone: str) -> None:
        self.period, self.timezone = period, timezone
        self.used = self.asked = 0
        self.start_ms = 0
        self.gone_ms = self.ends_ms = 0  # end of the period that is counted

    def roll(self, now_ms: int) -> None:
        if now_ms >= self.gone_ms or (now_ms < self.start_ms and not self.used):
            self.used = 0
            self.start_ms, self.gone_ms = period_ms(self.period, self.timezone, now_ms)
            self.ends_ms = self.gone_ms

    def follow(self, timezone: str, now_ms: int) -> None:
        """Its limit has another time zone now: keep the count of the period that is under way.

        It goes to the period, of those that the new zone has now and next, whose end is nearest to the end of its own;
        a period that has ended by the old zone, or that has by the new one, is over. Raises ValueError for no zone.
        """
        start_ms, end_ms = period_ms(self.period, timezone, now_ms)
        next_ms = period_ms(self.period, timezone, end_ms)[1]
        self.timezone = timezone
        if self.gone_ms <= now_ms:
            return
        if 2 * (end_ms - self.gone_ms) > end_ms - start_ms:
            self.used, self.start_ms, self.gone_ms = 0, start_ms, end_ms
        elif 2 * (self.gone_ms - end_ms) <= end_ms - start_ms:
            self.gone_ms = end_ms
        elif 2 * abs(self.gone_ms - next_ms) <= next_ms - end_ms:
            self.gone_ms = next_ms
        self.ends_ms = self.gone_ms

    def counts(self, counted_ms: int, now_ms: int) -> bool:
        """Whether what was counted at `counted_ms` belongs to the period that is counted, or to one that comes."""
        if counted_ms >= self.gone_ms:
            return now_ms < period_ms(self.period, self.timezone, counted_ms)[1]
        return counted_ms >= self.start_ms and now_ms < self.gone_ms

    def charge(self, now_ms: int, amount: int, limit: int) -> int:
        """Count `amount` at `now_ms` (rounded down), or later where the clock went back. Returns when."""
        self.used = min(self.used + amount, MOST_COUNTED)
        return max(now_ms, self.start_ms)

    def adjust(self, counted_ms: int, difference: int, limit: int, now_ms: int) -> None:
        if counted_ms >= self.gone_ms:
            # The clock went back, and what reserved nothing did not hold the period in which it did.
            if self.used or difference <= 0:
                return
            self.start_ms, self.gone_ms = period_ms(self.period, self.timezone, counted_ms)
            self.ends_ms = self.gone_ms
        if counted_ms >= self.start_ms:
            self.used = min(max(0, self.used + difference), MOST_COUNTED)

    def room_ms(self, amount: int, limit: int, now_ms: int) -> int:
        return now_ms if self.used + amount <= limit else self.gone_ms


class Concurrent:
    """At most so many at once: leases, each with the deadline of its reservation; `used` is right after `roll`."""

    __slots__ = ("_ends", "_leases", "asked", "ends_ms", "gone_ms", "used")

    def __init__(self) -> None:
        self.used = self.asked = 0
        self.gone_ms = NEVER
        self.ends_ms = 0  # nobody can know
        self._leases: dict[str, tuple[int, int]] = {}
        self._ends: list[tuple[int, str]] = []

    def roll(self, now_ms: int) -> None:
        while self._ends and self._ends[0][0] <= now_ms:
            end_ms, lease = heappop(self._ends)
            if lease in self._leases and self._leases[lease][0] == end_ms:
                self.used -= self._leases.pop(lease)[1]
        self.gone_ms = self._ends[0][0] if self._ends else NEVER

    def counts(self, counted_ms: int, now_ms: int) -> bool:
        """What is open is in flight."""
        return True

    def take(self, lease: str, amount: int, end_ms: int) -> None:
        """Hold `amount` until `end_ms`; a lease that is held already only gets its new end."""
        self.give_back(lease)
        self._leases[lease] = (end_ms, amount)
        self.used += amount
        heappush(self._ends, (end_ms, lease))
        if len(self._ends) > 2 * len(self._leases) + 64:
            self._ends = [(end, name) for name, (end, _) in self._leases.items()]
            heapify(self._ends)
        self.gone_ms = self._ends[0][0]

    def give_back(self, lease: str) -> None:
        """End a lease; nothing when it has ended."""
        if lease in self._leases:
            self.used -= self._leases.pop(lease)[1]


Counter = Rolling | Calendar | Concurrent


def counter(window: Window) -> Counter:
    """An empty counter for this window. Raises ValueError for what cannot be counted."""
    period = window.period
    if not 0 <= window.amount <= MOST_COUNTED:
        raise ValueError(f"{window.limit}: nothing counts to {window.amount}; write at most {LARGEST_CHARGE}")
    if (period is None) != (window.unit == "concurrent"):
        raise ValueError(f"{window.limit}: `concurrent` has no period, and every other unit has one")
    if period is None:
        return Concurrent()
    if isinstance(period, str):
        period_ms(period, window.timezone, 0)
        return Calendar(period, window.timezone)
    if period <= 0:
        raise ValueError(f"{window.limit}: a rolling window must last at least one second, not {period}")
    return Rolling(period * 1000)


def checked(charge: Charge) -> int:
    """The amount of a charge. Raises ValueError for one that cannot be counted."""
    amount, of = charge.amount, charge.window
    if amount < 0:
        raise ValueError(f"cannot charge {amount} {of.unit} to {of.limit}: amounts are not negative")
    if amount > (most := MOST_LEASES if of.period is None else LARGEST_CHARGE):
        raise ValueError(f"cannot charge {amount} {of.unit} to {of.limit}: one charge is at most {most}")
    return amount


def length_ms(deadline_s: float) -> int:
    """A reservation's deadline in milliseconds. Raises ValueError for one that no request can need."""
    if not 0 < deadline_s <= LONGEST_S:
        raise ValueError(f"a reservation's deadline must be above 0 and at most {LONGEST_S} seconds, not {deadline_s}")
    return max(1, round(deadline_s * 1000))
