"""How full windows were over time, as far as they were ever half full; and who was refused by which."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from governance.ledger.reservation import Key, key_of
from governance.model import Refusal, Window
from governance.trace import Trace

_HALF: Final = 0.5
_SLICE_US: Final = 1_000_000
# Of all windows: a report shows a few of them.
_MOST_WINDOWS: Final = 4_096


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

    def see(self, at_us: int, trace: Trace, *, refused: Refusal | None) -> None:
        """Note what a decision has read."""
        for reading, counted in trace.windows:
            window = reading.window
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
