"""Which windows exist: what they are, and for how long each is worth looking at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import Any, Final

from governance.ledger.reservation import Key, key_of
from governance.model import Window

ANNOUNCED_EVERY_S: Final = 600
MOST_ANNOUNCED: Final = 50_000
_SPARE_MS: Final = 60_000
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


class Announced:
    """The windows of one process, with the promises of `Ledger.announce`."""

    def __init__(self) -> None:
        self._until_ms: dict[Key, tuple[int, Window]] = {}

    def add(self, windows: Sequence[Window], now_ms: int) -> None:
        for window in windows:
            self._until_ms[key_of(window)] = now_ms + known_for_ms(window), window
        if len(self._until_ms) > MOST_ANNOUNCED:
            self._forget(now_ms)

    def live(self, now_ms: int) -> tuple[Window, ...]:
        self._forget(now_ms)
        return tuple(window for _, window in self._until_ms.values())

    def _forget(self, now_ms: int) -> None:
        """What can hold nothing any more, and then those that soonest can hold nothing."""
        live = {key: told for key, told in self._until_ms.items() if told[0] > now_ms}
        if len(live) > MOST_ANNOUNCED:
            latest = sorted(live, key=lambda key: live[key][0], reverse=True)[:MOST_ANNOUNCED]
            live = {key: live[key] for key in latest}
        self._until_ms = live
