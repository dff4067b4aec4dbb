"""What this process has last seen of windows: how much is left of them while nobody can be asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from governance.ledger import OptionReading, Reading, Reserved
from governance.ledger.reservation import Key, key_of
from governance.model import Window

_ANSWERS: Final = 2_048
_MOST_FULL: Final = 20_000


class Sight(NamedTuple):
    """A window when it was last seen: `room_s` and `resets_s` in Unix seconds by the ledger's clock."""

    used: int
    left_by_room: int
    room_s: float
    resets_s: float


class Seen:
    """The last answers of a ledger, and every window that was full in one until it has room again.

    Costs next to nothing while the ledger answers: an answer is looked at only when it has gone away.
    """

    def __init__(self) -> None:
        self._answers: deque[Reserved | OptionReading] = deque(maxlen=_ANSWERS)
        self._full: dict[Key, Sight] = {}
        self._last: dict[Key, Sight] | None = None

    def note(self, answer: Reserved) -> None:
        self._answers.append(answer)
        self._last = None
        if not answer.granted:
            self._note_full(answer.shared)
            for option in answer.options:
                self._note_full(option.windows)

    def note_move(self, reading: OptionReading) -> None:
        self._answers.append(reading)
        self._last = None
        if not reading.fits:
            self._note_full(reading.windows)

    def used(self, window: Window, now_s: float) -> int:
        """How much of it is certainly or probably still counted, by what was last seen."""
        sight = self._sight(window)
        if sight is None or now_s >= sight.resets_s:
            return 0
        return sight.used if now_s < sight.room_s else min(sight.used, sight.left_by_room)

    def room_s(self, window: Window, now_s: float) -> float | None:
        """When more of it will be left than now; None where nobody knows."""
        sight = self._sight(window)
        if sight is None or now_s >= sight.resets_s:
            return None
        return sight.room_s if now_s < sight.room_s else sight.resets_s

    def _sight(self, window: Window) -> Sight | None:
        if self._last is None:
            self._last = dict(self._full)
            for answer in self._answers:
                for reading, counted in _readings(answer):
                    self._last[key_of(reading.window)] = _sight(reading, counted)
        return self._last.get(key_of(window))

    def _note_full(self, readings: Iterable[Reading]) -> None:
        for reading in readings:
            if reading.fits or reading.window.period is None:
                continue
            self._full.pop(key_of(reading.window), None)
            if len(self._full) >= _MOST_FULL:
                del self._full[next(iter(self._full))]
            self._full[key_of(reading.window)] = _sight(reading, False)


def _sight(reading: Reading, counted: bool) -> Sight:
    window, resets_s = reading.window, reading.resets_at_s
    if resets_s is None:
        # In flight: how many end meanwhile nobody can know.
        return Sight(0, 0, 0.0, 0.0)
    used = reading.used + (reading.amount if counted else 0)
    if counted and isinstance(window.period, int) and reading.room_at_s is not None:
        # What fits has room at once, so that is when it was counted.
        resets_s = max(resets_s, reading.room_at_s + window.period)
    room_s = reading.room_at_s if reading.room_at_s is not None and not reading.fits else resets_s
    return Sight(used, max(0, window.amount - reading.amount), room_s, resets_s)


def _readings(answer: Reserved | OptionReading) -> Iterable[tuple[Reading, bool]]:
    if isinstance(answer, OptionReading):
        yield from ((reading, answer.fits) for reading in answer.windows)
        return
    yield from ((reading, answer.granted) for reading in answer.shared)
    for index, option in enumerate(answer.options):
        yield from ((reading, index == answer.chosen) for reading in option.windows)
