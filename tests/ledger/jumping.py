"""Random operations under a clock that jumps, against an oracle that knows no buckets: it keeps what is certain.

Of every charge it knows the clock's time when it was counted, and the latest time that the clock had shown by then; it
was counted in between. So it certainly counts while its window, begun at the first, has not ended at the latest time
ever shown; it certainly counts no more when its window, begun at the second, has ended now. After every operation

- no window that is enforced holds more than its limit of what certainly counts;
- every window tells at least what certainly counts, and at most what may.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from governance.ledger import Ledger, Reading
from governance.ledger.calendar import period_ms
from governance.model import Charge, Window
from tests.ledger.exact import Violation, identity

WINDOWS = (
    Window("limit", "team:a", "tokens", 1_000, 1),
    Window("limit", "team:a", "tokens", 2_000, 60),
    Window("limit", "team:a", "usd_micros", 40_000, 86_400),
    Window("limit", "team:b", "tokens", 3_000, "hour"),
    Window("limit", "team:b", "usd_micros", 60_000, "day"),
    Window("watch", "team:b", "tokens", 500, 60, mode="shadow"),
    Window("watch", "team:b", "tokens", 500, "hour", mode="shadow"),
)
START_US = 1_767_225_540_000_000  # a minute before a year, a day and an hour end
_JUMPS_MS = (-90_000, -30_000, -6_000, -900, -1, -1, 1, 40, 900, 900, 6_000, 30_000, 61_000, 61_000, 61_000)
_AMOUNTS = (0, 1, 7, 60, 400, 900)
_ENORMOUS = 10**13  # so many that none of the windows comes to its top


@dataclass
class Entry:
    """One charge: at least `low` and at most `high` count for it."""

    window: Window
    at_us: int
    latest_us: int
    amount: int
    low: int
    high: int


@dataclass
class Oracle:
    """What is certain of the windows."""

    now_us: int = START_US
    latest_us: int = START_US
    entries: dict[tuple[object, ...], list[Entry]] = field(default_factory=dict)

    def set(self, now_us: int) -> None:
        self.now_us = now_us
        self.latest_us = max(self.latest_us, now_us)

    def count(self, charges: Sequence[Charge]) -> list[Entry]:
        made = [Entry(c.window, self.now_us, self.latest_us, c.amount, c.amount, c.amount) for c in charges]
        for entry in made:
            self.entries.setdefault(identity(entry.window), []).append(entry)
        return made

    def certain(self, entry: Entry) -> bool:
        """It has not left its window, whenever in between it was counted."""
        return self.latest_us // 1000 < _ends_ms(entry.window, entry.at_us)

    def possible(self, entry: Entry) -> bool:
        """It may still count."""
        ends_ms = _ends_ms(entry.window, entry.latest_us)
        # A bucket counts whole: while it is open, and where many were merged.
        slack_ms = entry.window.period * 1000 if isinstance(entry.window.period, int) else 0
        return self.now_us // 1000 < ends_ms + slack_ms

    def change(self, entry: Entry, amount: int) -> None:
        """Settled or given back."""
        if self.certain(entry):
            # What reserved nothing holds no period: it may count in another one that has been begun since.
            held = entry.amount > 0 or self.now_us // 1000 >= _begins_ms(entry.window, entry.at_us)
            entry.low, entry.high = amount if held else min(entry.low, amount), amount
        elif self.now_us // 1000 < _ends_ms(entry.window, entry.latest_us):
            entry.low, entry.high = min(entry.low, amount), max(entry.high, amount)

    def bounds(self, window: Window) -> tuple[int, int]:
        kept = self.entries.get(identity(window), [])
        kept[:] = [entry for entry in kept if self.certain(entry) or self._may_come_back(entry)]
        least = sum(entry.low for entry in kept if self.certain(entry))
        return least, sum(entry.high for entry in kept if self.possible(entry))

    def _may_come_back(self, entry: Entry) -> bool:
        # The clock never goes back by more than two minutes behind the latest time.
        return self.possible(entry) or self.latest_us - entry.latest_us < 4 * 60_000_000


def _begins_ms(window: Window, at_us: int) -> int:
    return period_ms(window.period, "UTC", at_us // 1000)[0] if isinstance(window.period, str) else 0


def _ends_ms(window: Window, at_us: int) -> int:
    if isinstance(window.period, int):
        return -(-at_us // 1000) + window.period * 1000
    assert window.period is not None
    return period_ms(window.period, "UTC", at_us // 1000)[1]


class Jumping:
    """Random operations on one ledger, each answer held against the oracle."""

    def __init__(self, ledger: Ledger, set_clock: Callable[[float], object], seed: int) -> None:
        self.oracle = Oracle()
        self.operations = 0
        self._ledger, self._set_clock, self._random = ledger, set_clock, random.Random(seed)
        self._open: dict[str, list[Entry]] = {}
        set_clock(START_US / 1_000_000)

    async def step(self) -> None:
        """One operation, or a jump of the clock and one."""
        draw = self._random.random()
        if draw < 0.35:
            self._jump()
        if draw < 0.6:
            await self._reserve()
        elif draw < 0.8:
            await self._end()
        else:
            await self._read()
        self.operations += 1

    def _jump(self) -> None:
        oracle, span_ms = self.oracle, self._random.choice(_JUMPS_MS)
        if self._random.random() < 0.01:
            span_ms = self._random.choice((1_800_000, 3_600_000, 86_400_000))
        span_us = span_ms * 1000 + self._random.randint(-999, 999)
        oracle.set(max(oracle.now_us + span_us, oracle.latest_us - 120_000_000))
        self._set_clock(oracle.now_us / 1_000_000)

    async def _reserve(self) -> None:
        name = f"r{self.operations}"
        windows = self._random.sample(WINDOWS, self._random.randint(1, 3))
        charges = [Charge(window, self._amount(window)) for window in windows]
        reserved = await self._ledger.reserve(charges, (), reservation_id=name, deadline_s=604_800)
        self._hold(reserved.shared)
        if not reserved.granted:
            return
        self._open[name] = self.oracle.count(charges)
        for window in windows:
            least, _ = self.oracle.bounds(window)
            if window.mode == "enforce" and least > window.amount:
                raise Violation(f"{window} was let to {least} at least, after {self.operations} operations")
        if len(self._open) > 50:
            del self._open[next(iter(self._open))]

    def _amount(self, window: Window) -> int:
        if window.mode == "shadow" and self._random.random() < 0.02:
            return _ENORMOUS
        return self._random.choice(_AMOUNTS) * (10 if window.unit == "usd_micros" else 1)

    async def _end(self) -> None:
        if not self._open:
            return
        name = self._random.choice(list(self._open))
        entries = self._open.pop(name)
        if self._random.random() < 0.3:
            await self._ledger.release(name)
            actual = {"tokens": 0, "usd_micros": 0}
        else:
            actual = {"tokens": self._random.choice(_AMOUNTS), "usd_micros": self._random.choice(_AMOUNTS) * 10}
            if not await self._ledger.settle(name, actual):
                raise Violation(f"settle of {name} was not the first")
        for entry in entries:
            self.oracle.change(entry, actual[entry.window.unit])
        await self._read()

    async def _read(self) -> None:
        self._hold(await self._ledger.read(WINDOWS))

    def _hold(self, readings: Sequence[Reading]) -> None:
        for reading in readings:
            least, most = self.oracle.bounds(reading.window)
            if not least <= reading.used <= most:
                raise Violation(
                    f"{reading} tells {reading.used}; certain are {least}, possible {most}, "
                    f"after {self.operations} operations"
                )
