"""A reservation: what both stores say of one, how the memory ledger remembers it, and whether charges fit."""

from __future__ import annotations

from collections import Counter as Sums
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from governance.ledger import Reading
from governance.ledger.windows import Concurrent, Counter, Rolling
from governance.model import Charge, Window

ADOPTED_S: Final = 600  # deadline of a reservation that only `move` knows, because the ledger forgot it
MOST_OPEN: Final = 10_000  # open reservations whose holdings are added up for one answer

Key = tuple[str, str, str, int | str | None]
Counted = Literal["all", "requests", "nothing"]


@dataclass(slots=True)
class Part:
    """Charges counted together: what one hop costs its target, or every subject.

    `later_ms`: when a charge was counted later than that, by its index, because the clock had gone back.
    `went_back`: how often it had by then.
    """

    hop: int
    shared: bool
    charges: Sequence[Charge]
    down_ms: int
    up_ms: int
    counted: Counted = "all"
    later_ms: Mapping[int, int] | None = None
    went_back: int = 0

    def counted_ms(self, index: int, window: Counter) -> int:
        """When this charge was counted in its window."""
        at_ms = self.up_ms if isinstance(window, Rolling) else self.down_ms
        return self.later_ms.get(index, at_ms) if self.later_ms else at_ms


@dataclass(slots=True)
class Record:
    """A reservation. `holds`: the target of its hop is charged. `attempted`: its provider was asked."""

    chosen: int | None
    deadline_ms: int
    length_ms: int
    parts: list[Part]
    hop: int = 0
    holds: bool = True
    attempted: bool = False
    state: Literal["open", "expired", "released"] = "open"
    ended_ms: int = 0


def key_of(window: Window) -> Key:
    """What a window is; amount, mode and time zone are not part of it, so that changing a limit keeps its count."""
    return window.limit, window.subject, window.unit, window.period


def lease_of(reservation_id: str, part: Part, index: int) -> str:
    return f"{reservation_id} {part.hop}{'s' if part.shared else 't'}{index}"


def held(records: Iterable[Record], counters: Mapping[Key, Counter], now_ms: int) -> Sums[Key]:
    """What these open reservations hold in each window, of what it still counts."""
    sums: Sums[Key] = Sums()
    for record in records:
        for part in record.parts if record.deadline_ms > now_ms else ():
            for index, charge in enumerate(part.charges if part.counted == "all" else ()):
                window = counters.get(key_of(charge.window))
                if window is not None and window.counts(part.counted_ms(index, window), now_ms):
                    sums[key_of(charge.window)] += charge.amount
    return sums


def check(charges: Sequence[Charge], counters: list[Counter], now_ms: int) -> tuple[bool, tuple[Reading, ...]]:
    """Whether all of these fit, and the readings. Leaves what was asked in `asked`, so that the next one sees it."""
    all_fit = True
    now_s = now_ms / 1000
    readings = []
    make = tuple.__new__
    for window, charge in zip(counters, charges, strict=True):
        if window.gone_ms <= now_ms or not window.used:
            window.roll(now_ms)
        of, amount = charge.window, charge.amount
        used = window.used + window.asked
        fits = used + amount <= of.amount
        room_s: float | None = now_s
        if not fits:
            if of.mode == "enforce":
                all_fit = False
            room_s = _room_s(window, amount, of.amount, now_ms)
        resets_s = None if of.period is None else window.ends_ms / 1000 if window.ends_ms > now_ms else now_s
        window.asked += amount
        # Twice as fast as Reading(...), and a request has thirty of them.
        readings.append(make(Reading, (of, used, amount, fits, room_s, resets_s)))
    return all_fit, tuple(readings)


def _room_s(window: Counter, amount: int, limit: int, now_ms: int) -> float | None:
    amount += window.asked
    if isinstance(window, Concurrent) or amount > limit:
        return None
    return window.room_ms(amount, limit, now_ms) / 1000
