"""How full the fullest of several windows is, of which only one is seen at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from governance.model import Window
from governance.trace import Trace

# The fullest one that was not seen for so long gives way to whichever is seen next.
SEEN_LATELY_S: Final = 60.0


class Fullest:
    """One number for all windows of a limit: that of the fullest seen lately.

    Args:
        tell: is given the number when it is asked for.
    """

    def __init__(self, tell: Callable[[float], object]) -> None:
        self._tell = tell
        self._window: Window | None = None
        self._ratio = 0.0
        self._seen_s = 0.0

    def see(self, window: Window, ratio: float, now_s: float) -> None:
        """One window was read. `now_s`: monotonic seconds."""
        another = ratio < self._ratio and window is not self._window and window != self._window
        if another and now_s - self._seen_s < SEEN_LATELY_S:
            return
        self._window, self._ratio, self._seen_s = window, ratio, now_s

    def flush(self) -> None:
        """Tell the number."""
        self._tell(self._ratio)


def held_by(trace: Trace) -> dict[str, int]:
    """What a request holds, by unit: of windows that count the same, the largest."""
    held: dict[str, int] = {}
    for reading, counted in trace.windows:
        if counted and reading.amount > held.get(reading.window.unit, 0):
            held[reading.window.unit] = reading.amount
    return held
