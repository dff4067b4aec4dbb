"""How full windows were over time, as far as they were ever half full; and who was refused by which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from governance.ledger import Reading
from governance.ledger.reservation import Key, key_of
from governance.model import Refusal, Usage, Window
from governance.traffic import TraceLine

_HALF: Final = 0.5
_SLICE_US: Final = 1_000_000
# Of requests in windows, for the amounts that are suggested; with more of them those that come first decide.
_MOST_ASKED: Final = 2_000_000
# Of all windows: a report shows a few of them.
_MOST_WINDOWS: Final = 4_096


Windows = Iterable[tuple[Reading, bool]]


class Asked(NamedTuple):
    """What one request asks of a window, and what it has used of it in the end; Unix microseconds."""

    at_us: int
    amount: int
    end_us: int
    used: int


@dataclass(slots=True)
class Seen:
    """One window. `fullest`, `refused`: by second, Unix."""

    window: Window
    fullest: dict[int, int] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)


class Watch:
    """What a lane has read of windows."""

    def __init__(self) -> None:
        self.seen: dict[Key, Seen] = {}
        self.asked: dict[Key, list[Asked]] = {}
        self._left = _MOST_ASKED

    def see(self, line: TraceLine, at_us: int, windows: Windows, *, refused: Refusal | None) -> None:
        """Note what a decision has read: windows, and whether they were charged."""
        for reading, counted in windows:
            window = reading.window
            if window.mode == "enforce" and self._left > 0:
                self._left -= 1
                asked = Asked(at_us, reading.amount, at_us + (line.end_us or 0), _used(line, reading))
                self.asked.setdefault(key_of(window), []).append(asked)
            used = reading.used + (reading.amount if counted else 0)
            key = key_of(window)
            found = self.seen.get(key)
            if found is None:
                if (reading.fits and used < window.amount * _HALF) or len(self.seen) >= _MOST_WINDOWS:
                    continue
                found = self.seen[key] = Seen(window)
            second = at_us // _SLICE_US
            if used > found.fullest.get(second, -1):
                found.fullest[second] = used
            if refused is not None and refused.limit == window.limit and not reading.fits:
                found.refused[second] = found.refused.get(second, 0) + 1

    def take(self, other: Watch) -> None:
        """Add what was seen elsewhere, of other windows."""
        self.seen.update(other.seen)
        self.asked.update(other.asked)


def _used(line: TraceLine, reading: Reading) -> int:
    """What the answer used in the end, where one was recorded; else what was asked for."""
    used, unit = line.used, reading.window.unit
    if used is None or unit in ("requests", "concurrent"):
        return reading.amount
    amounts = Usage(used.input_tokens, used.output_tokens, used.usd_micros).amounts
    return amounts.get(unit, reading.amount)
