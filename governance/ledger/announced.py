"""Which windows exist: what they are, and for how long each is worth looking at."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import MISSING, dataclass, fields
from heapq import nlargest, nsmallest
from typing import Any, Final

from governance.ledger.listing import (
    ALL,
    HAS_ROOM,
    RUNS_OUT,
    UNRANKED,
    Known,
    Listed,
    Listing,
    Mark,
    Ranked,
    id_of,
    lists_of,
    percents,
    sampled,
    slices,
)
from governance.model import Window

ANNOUNCED_EVERY_S: Final = 600
MOST_ANNOUNCED: Final = 50_000
_SPARE_MS: Final = 60_000
_LOOKED_AT: Final = 5_000
# Nearly every caller has a window or two in each list: a dictionary of one takes 232 bytes.
_FEW: Final = 8
_HOUR_MS: Final = 3_600_000
# The longest of each, in any time zone.
_LONGEST_MS: Final = {
    "hour": _HOUR_MS,
    "day": 25 * _HOUR_MS,
    "week": 169 * _HOUR_MS,
    "month": 745 * _HOUR_MS,
    "quarter": 2_209 * _HOUR_MS,
    "year": 8_785 * _HOUR_MS,
}
_IN_FLIGHT_MS: Final = 24 * _HOUR_MS
_DEFAULTS: Final = {of.name: of.default for of in fields(Window) if of.default is not MISSING}
_FIELDS: Final = tuple(of.name for of in fields(Window))


def known_for_ms(window: Window) -> int:
    """How long after it was announced a window may hold something: it is announced again only after a while."""
    period = window.period
    longest_ms = period * 1000 if isinstance(period, int) else _IN_FLIGHT_MS if period is None else _LONGEST_MS[period]
    return longest_ms + ANNOUNCED_EVERY_S * 1000 + _SPARE_MS


def written(window: Window) -> str:
    """Its definition as text; the same for equal windows."""
    told = {name: getattr(window, name) for name in _FIELDS}
    return json.dumps(
        {name: value for name, value in told.items() if name not in _DEFAULTS or value != _DEFAULTS[name]},
        separators=(",", ":"),
    )


def read_back(text: str | bytes) -> Window | None:
    """What was `written`; None for what a later version wrote in a form that is not known here."""
    try:
        told: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(text).items()
        }
        return Window(**told)
    except (ValueError, TypeError, AttributeError):
        return None


@dataclass(slots=True)
class _Entry:
    window: Window
    until_ms: int
    rank: float = UNRANKED
    samples: str = ""
    minute: int = 0


class Announced:
    """The windows of one process and their lists, with the promises of `Ledger`."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        # By the name of each list but that of all: the ids of its windows, where they are few as a tuple.
        self._lists: dict[str, tuple[str, ...] | dict[str, None]] = {}
        self._walk: list[str] = []
        self._surveying_until_ms = 0
        self.surveyed_s: float | None = None

    def add(self, windows: Sequence[Window], now_ms: int) -> None:
        for window in windows:
            id, entry = id_of(window), _Entry(window, now_ms + known_for_ms(window))
            old = self._entries.get(id)
            if old is not None:
                entry.rank, entry.samples, entry.minute = old.rank, old.samples, old.minute
                self._forget(id)
            self._entries[id] = entry
            for name in _lists_of(window):
                self._enter(name, id)
        over = len(self._entries) - MOST_ANNOUNCED
        if over > 0:
            for id in nlargest(over, self._entries, key=lambda id: (self._entries[id].rank, id)):
                self._forget(id)

    async def listed(self, of: Listing, after: Mark | None, most: int, now_ms: int) -> Listed:
        lists = sorted((self._of(name) for name in of.lists), key=len)
        tags = None if of.tags is None else frozenset(of.tags)
        ids, others = list(lists[0]), lists[1:]
        empty = running_out = total = 0
        first: list[tuple[float, str, _Entry]] = []
        for some in slices(len(ids), _LOOKED_AT):
            found = []
            for id in ids[some]:
                entry = self._entries.get(id)
                if entry is None:  # forgotten since the step before
                    continue
                total += 1
                empty += entry.rank < RUNS_OUT
                running_out += RUNS_OUT <= entry.rank < HAS_ROOM
                if (
                    (after is None or (entry.rank, id) > after)
                    and entry.until_ms > now_ms
                    and (tags is None or id[22:] in tags)
                    and all(id in other for other in others)
                ):
                    found.append((entry.rank, id, entry))
            first = nsmallest(most + 1, first + found, key=_place)
            # Requests wait while a step of this loop runs.
            await asyncio.sleep(0)
        told = tuple(_known(id, entry) for _, id, entry in first[:most])
        further = Mark(told[-1].rank, told[-1].id) if len(first) > most else None
        return Listed(told, further, total, empty, running_out, self.surveyed_s)

    def turn(self, every_s: float, now_ms: int) -> bool:
        if now_ms < self._surveying_until_ms:
            return False
        self._surveying_until_ms = now_ms + round(every_s * 1000)
        return True

    def walk(self, cursor: int, most: int, now_ms: int) -> tuple[int, tuple[Known, ...]]:
        if cursor == 0:
            self._walk = list(self._entries)
        found = []
        for id in self._walk[cursor : cursor + most]:
            entry = self._entries.get(id)
            if entry is not None and entry.until_ms <= now_ms:
                self._forget(id)
            elif entry is not None:
                found.append(_known(id, entry))
        return (cursor + most if cursor + most < len(self._walk) else 0), tuple(found)

    def rank(self, found: Sequence[Ranked], minute: int, last: bool, now_s: float) -> None:
        for each in found:
            entry = self._entries.get(each.id)
            if entry is not None:
                entry.rank = each.rank
                entry.samples = sampled(entry.samples, entry.minute or minute, minute, each.percent)
                entry.minute = max(minute, entry.minute)
        if last:
            self.surveyed_s = now_s

    def _of(self, name: str) -> Collection[str]:
        return self._entries if name == ALL else self._lists.get(name, ())

    def _enter(self, name: str, id: str) -> None:
        held = self._lists.get(name, ())
        if isinstance(held, dict):
            held[id] = None
        elif len(held) < _FEW:
            self._lists[name] = (*held, id)
        else:
            self._lists[name] = dict.fromkeys((*held, id))

    def _forget(self, id: str) -> None:
        for name in _lists_of(self._entries.pop(id).window):
            held = self._lists[name]
            if isinstance(held, dict):
                del held[id]
            else:
                held = self._lists[name] = tuple(other for other in held if other != id)
            if not held:
                del self._lists[name]


def _lists_of(window: Window) -> list[str]:
    return [name for name in lists_of(window) if name != ALL]


def _known(id: str, entry: _Entry) -> Known:
    return Known(entry.window, id, entry.rank, percents(entry.samples), entry.minute)


def _place(found: tuple[float, str, _Entry]) -> tuple[float, str]:
    return found[0], found[1]
