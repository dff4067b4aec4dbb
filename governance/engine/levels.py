"""How full limits are, as last seen: what `budget_used`, `tokens_used` and `request` mean to conditions.

The engine notes every reading that a reservation brings, so that judging a request by these costs no trip to the
ledger. While requests come in, a task reads what was looked at lately once a second, for what other proxies count.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from governance.ledger import Ledger, Reading
from governance.ledger.reservation import Key, key_of
from governance.limits.ids import AND
from governance.limits.subjects import METADATA, metadata_keys, names_of
from governance.model import Percent, Request, Unit, Window
from governance.model.errors import LedgerUnavailable

log = logging.getLogger("governance.engine")

REFRESH_S: Final = 1.0
# What nobody asked about for so long is no longer refreshed.
WATCHED_S: Final = 60.0
_MOST_SUBJECTS: Final = 20_000
_MOST_READ: Final = 1_000

_CLASS: Final[dict[Unit, int]] = {
    "usd_micros": 0,
    "tokens": 1,
    "input_tokens": 1,
    "output_tokens": 1,
    "requests": 2,
}


class _Level(NamedTuple):
    window: Window
    percent: float
    resets_at_s: float | None


@dataclass(slots=True)
class _Subject:
    # By what a window is, so that one whose amount has been changed is seen as it is now.
    levels: dict[Key, _Level] = field(default_factory=dict)
    asked_s: float = 0.0


class LastSeen:
    """The levels of every subject this process has seen, the fullest of which applies.

    What was seen last counts until it is seen again or its window has ended: the first request after a minute of
    silence is judged by the state before it.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._subjects: dict[str, _Subject] = {}
        self._metadata: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None

    def percent(self, request: Request) -> Percent:
        """The fullest limits that apply to this request and those it would be served by."""
        if not self._subjects:
            return Percent()
        fullest = [0.0, 0.0, 0.0]
        now_s = self._clock()
        names = tuple(names_of(request, self._metadata))
        for name in names:
            subject = self._subjects.get(name)
            if subject is None:
                continue
            subject.asked_s = now_s
            for level in subject.levels.values():
                window = level.window
                if AND in window.subject and not set(window.subject.split(AND)).issubset(names):
                    continue
                over = level.resets_at_s is not None and level.resets_at_s <= now_s
                which = _CLASS.get(window.unit)
                if which is not None and not over and level.percent > fullest[which]:
                    fullest[which] = level.percent
        return Percent(*fullest)

    def note(self, readings: Iterable[tuple[Reading, bool]]) -> None:
        """Remember readings; the flag says whether the amount that was asked for has been counted since."""
        now_s = self._clock()
        for reading, counted in readings:
            window = reading.window
            if window.mode == "shadow" or window.unit not in _CLASS:
                continue
            if METADATA in window.subject:
                self._metadata.update(dict.fromkeys(metadata_keys(window.subject)))
            place = self._place(window)
            subject = self._subjects.pop(place, None) or _Subject(asked_s=now_s)
            used = reading.used + (reading.amount if counted else 0)
            subject.levels[key_of(window)] = _Level(window, 100.0 * used / max(1, window.amount), reading.resets_at_s)
            self._subjects[place] = subject
        while len(self._subjects) > _MOST_SUBJECTS:
            del self._subjects[next(iter(self._subjects))]

    def _place(self, window: Window) -> str:
        """Under whom it is looked for: where it is already, else where there is least to look through.

        Of a subject with several parts, such as a team and a tag, one may have any number of the others.
        """
        parts = window.subject.split(AND)
        if len(parts) == 1:
            return parts[0]
        levels = {part: self._subjects[part].levels if part in self._subjects else {} for part in parts}
        return next((part for part in parts if key_of(window) in levels[part]), None) or min(
            parts, key=lambda part: len(levels[part])
        )

    def keep_fresh(self, ledger: Ledger) -> None:
        """Read what was asked about in the last minute once a second, from now on and in the background."""
        if self._subjects and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run(ledger))

    async def refresh(self, ledger: Ledger) -> None:
        """Read what was asked about in the last minute. Raises LedgerUnavailable."""
        windows = self._watched()
        if windows:
            self.note((reading, False) for reading in await ledger.read(windows))

    def close(self) -> None:
        """Stop refreshing."""
        if self._task is not None:
            self._task.cancel()

    def _watched(self) -> list[Window]:
        since_s = self._clock() - WATCHED_S
        asked = [subject for subject in self._subjects.values() if subject.asked_s >= since_s]
        asked.sort(key=lambda subject: -subject.asked_s)
        return [level.window for subject in asked for level in subject.levels.values()][:_MOST_READ]

    async def _run(self, ledger: Ledger) -> None:
        while self._watched():
            await asyncio.sleep(REFRESH_S)
            try:
                await self.refresh(ledger)
            except LedgerUnavailable as error:
                log.debug("levels are not refreshed, the ledger does not answer: %s", error)


class Stated:
    """The same levels for every request, for simulation."""

    def __init__(self, percent: Percent) -> None:
        self._percent = percent

    def percent(self, request: Request) -> Percent:
        """What was stated."""
        return self._percent
