"""How full windows were over time, as far as they were ever half full; and who was refused by which."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
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


class Asks:
    """What many have asked of a window, in the order of their arrival: 32 bytes each."""

    def __init__(self) -> None:
        self._columns = array("q"), array("q"), array("q"), array("q")

    def __len__(self) -> int:
        return len(self._columns[0])

    def __iter__(self) -> Iterator[Asked]:
        return map(Asked._make, zip(*self._columns, strict=True))

    def append(self, at_us: int, amount: int, end_us: int, used: int) -> None:
        """One more; see `Asked`."""
        for column, number in zip(self._columns, (at_us, amount, end_us, used), strict=True):
            column.append(number)


@dataclass(slots=True)
class Seen:
    """One window. `fullest`, `refused`: by second, Unix."""

    window: Window
    fullest: dict[int, int] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)


class Watch:
    """What a lane has read of windows.

    Args:
        asks: whether what they are asked for is kept, too.
    """

    def __init__(self, *, asks: bool = True) -> None:
        self.seen: dict[Key, Seen] = {}
        self.asked: dict[Key, Asks] = {}
        self._left = _MOST_ASKED if asks else 0

    def see(self, line: TraceLine, at_us: int, windows: Windows, *, refused: Refusal | None) -> None:
        """Note what a decision has read: windows, and whether they were charged."""
        for reading, counted in windows:
            window = reading.window
            key = key_of(window)
            if window.mode == "enforce" and self._left > 0:
                self._ask(key, at_us, reading.amount, at_us + (line.end_us or 0), _used(line, reading))
            used = reading.used + (reading.amount if counted else 0)
            self._fill(key, window, at_us, used, fits=reading.fits)
            if refused is not None and refused.limit == window.limit and not reading.fits:
                self.refuse(key, at_us)

    def see_one(self, key: Key, window: Window, at_us: int, used: int, *, fits: bool = True) -> None:
        """Note that a request has asked a window that counts requests; `used` is with it, where it was counted."""
        if self._left > 0:
            self._ask(key, at_us, 1, at_us, 1)
        self._fill(key, window, at_us, used, fits=fits)

    def refuse(self, key: Key, at_us: int) -> None:
        """Note that a window has refused a request."""
        seen, second = self.seen.get(key), at_us // _SLICE_US
        if seen is not None:
            seen.refused[second] = seen.refused.get(second, 0) + 1

    def _ask(self, key: Key, at_us: int, amount: int, end_us: int, used: int) -> None:
        self._left -= 1
        asks = self.asked.get(key)
        if asks is None:
            asks = self.asked[key] = Asks()
        asks.append(at_us, amount, end_us, used)

    def _fill(self, key: Key, window: Window, at_us: int, used: int, *, fits: bool) -> None:
        found = self.seen.get(key)
        if found is None:
            if (fits and used < window.amount * _HALF) or len(self.seen) >= _MOST_WINDOWS:
                return
            found = self.seen[key] = Seen(window)
        second = at_us // _SLICE_US
        if used > found.fullest.get(second, -1):
            found.fullest[second] = used

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
