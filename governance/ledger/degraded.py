"""Deciding without the store: by what was last seen of it, and by what this process has let through since."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from governance.ledger import Away, OnUnavailable, Option, OptionReading, Reading, Reserved
from governance.ledger.memory import MemoryLedger
from governance.ledger.seen import Seen
from governance.model import Charge, Window

RETRY_S: Final = 1.0


class _Judged(NamedTuple):
    """Readings of some charges. `full`: one has no room as last seen; `denied`: one may not be judged, or shares."""

    fits: bool
    readings: tuple[Reading, ...]
    full: bool
    denied: bool


class Degraded:
    """Decides while the store is away. A window that says

    - `refuse` refuses;
    - `allow` has the room that was last seen, for this process alone;
    - `share` has this worker's part of that room: it, and the limit, divided by all workers.

    What this process lets through takes from that room until it has left the window. What was last seen full stays full
    until its known time of room. Windows in shadow mode never refuse.

    Args:
        otherwise: for windows that do not say it themselves.
        clock: the store's, as well as it is known: Unix seconds.
        workers: how many count in the store.
    """

    def __init__(
        self, otherwise: OnUnavailable, seen: Seen, clock: Callable[[], float], workers: Callable[[], int]
    ) -> None:
        self._otherwise, self._seen, self._clock, self._workers = otherwise, seen, clock, workers
        self.let_through = MemoryLedger(clock)

    async def reserve(
        self, shared: Sequence[Charge], options: Sequence[Option], reservation_id: str, deadline_s: float, dry_run: bool
    ) -> Reserved:
        """The answer in place of the store's."""
        able = [i for i, option in enumerate(options) if not any(map(self._refuses, option.charges))]
        stopped = any(map(self._refuses, shared)) or (bool(options) and not able)
        reserved = await self.let_through.reserve(
            self._within(shared),
            [Option("", self._within(options[i].charges)) for i in able],
            reservation_id=reservation_id,
            deadline_s=deadline_s,
            dry_run=dry_run or stopped,
        )
        ours = self._judged(shared, reserved.shared)
        told = {i: self._judged(options[i].charges, reserved.options[n].windows) for n, i in enumerate(able)}
        weighed = [told.get(i) or self._judged(option.charges, None) for i, option in enumerate(options)]
        readings = tuple(OptionReading(judged.fits, None, judged.readings, False) for judged in weighed)
        now_s = self._clock()
        if not stopped and reserved.granted:
            chosen = None if reserved.chosen is None else able[reserved.chosen]
            charges = (*shared, *(options[chosen].charges if chosen is not None else ()))
            uncounted = tuple(charge.window for charge in charges)
            return Reserved(True, chosen, ours.readings, readings, now_s, False, uncounted, away=self._mode(uncounted))
        # Full is full, whoever is asked; what only this worker may not decide is unavailable.
        full = (ours.full and not ours.denied) or (
            ours.fits and bool(options) and all(each.full and not each.denied for each in weighed)
        )
        readings = tuple(reading._replace(available=full) for reading in readings)
        return Reserved(False, None, ours.readings, readings, now_s, full)

    async def move(
        self, reservation_id: str, hop: int, option: Option, shared: Sequence[Charge], force: bool, unasked: bool
    ) -> OptionReading:
        """The answer in place of the store's."""
        stopped = not force and any(map(self._refuses, (*option.charges, *shared)))
        if stopped:
            return OptionReading(False, None, self._judged((*option.charges, *shared), None).readings, False)
        within = Option("", self._within(option.charges))
        reading = await self.let_through.move(
            reservation_id, hop, within, self._within(shared), force=force, unasked=unasked
        )
        judged = self._judged((*option.charges, *shared), reading.windows)
        return OptionReading(reading.fits, None, judged.readings, False)

    def _says(self, window: Window) -> OnUnavailable:
        return window.on_unavailable or self._otherwise

    def _refuses(self, charge: Charge) -> bool:
        return charge.window.mode == "enforce" and self._says(charge.window) == "refuse"

    def _mode(self, windows: Sequence[Window]) -> Away:
        return "share" if any(w.mode == "enforce" and self._says(w) == "share" for w in windows) else "allow"

    def _within(self, charges: Sequence[Charge]) -> list[Charge]:
        return [replace(charge, window=replace(charge.window, amount=self._room(charge.window))) for charge in charges]

    def _room(self, window: Window) -> int:
        """How much this process may let through."""
        left = max(0, window.amount - self._seen.used(window, self._clock()))
        return left // max(1, self._workers()) if self._says(window) == "share" else left

    def _judged(self, charges: Sequence[Charge], local: Sequence[Reading] | None) -> _Judged:
        now_s = self._clock()
        readings, full, denied = [], False, False
        for index, charge in enumerate(charges):
            window = charge.window
            used = self._seen.used(window, now_s)
            ours = local[index] if local is not None else None
            fits = not self._refuses(charge) and (ours is None or ours.fits)
            total = used + (ours.used if ours else 0)
            room_s: float | None = now_s
            if not fits:
                room_s = self._seen.room_s(window, now_s) or (ours and ours.room_at_s) or now_s + RETRY_S
                if window.mode == "enforce":
                    is_full = total + charge.amount > window.amount and window.period is not None
                    full, denied = full or is_full, denied or not is_full
            resets_s = self._seen.room_s(window, now_s) or (ours.resets_at_s if ours else None)
            readings.append(Reading(window, total, charge.amount, fits, room_s, resets_s))
        fit = all(reading.fits or reading.window.mode == "shadow" for reading in readings)
        return _Judged(fit, tuple(readings), full, denied)
