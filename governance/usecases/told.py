"""Amounts, periods and subjects in words, as sentences and pages tell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from governance.limits.ids import AND
from governance.model.printable import printable

_PERIODS: Final = {1: "second", 60: "minute", 3_600: "hour", 86_400: "day", 604_800: "week"}
_UNITS: Final = {
    "requests": "requests",
    "tokens": "tokens",
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
    "concurrent": "in flight",
}
_KINDS: Final = {"virtual_key": "key", "end_user": "end user", "everyone": "all callers"}
_SHOWN: Final = 60


def amount(value: int | None, unit: str, *, with_unit: bool = False) -> str:
    """`310 k tokens`, `$41.20`: short, and exact where it is small. Money is given in micro-dollars."""
    if value is None:
        return "unknown"
    if unit == "usd_micros":
        return usd(value)
    text = number(value)
    return f"{text} {_UNITS.get(unit, unit)}" if with_unit else text


def usd(micros: int) -> str:
    """`$41.20`; as many places as a small sum needs."""
    value = micros / 1_000_000
    if value == 0 or abs(value) >= 1:
        return f"${value:,.2f}"
    places = 2
    while places < (4 if abs(value) >= 0.01 else 6) and round(value, places) != value:
        places += 1
    return f"${value:.{places}f}"


def number(value: int | float) -> str:
    """`9,999`, `310 k`, `1.2 M`."""
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if abs(value) >= size:
            part = value / (1_000 if letter == "k" else size)
            return f"{part:,.1f}".removesuffix(".0") + f" {letter}"
    return f"{value:,}"


def period(window: str) -> str:
    """`60s` -> `minute`, `5400s` -> `90 minutes`, `month` -> `month`."""
    if not window.endswith("s") or not window[:-1].isdigit():
        return window
    seconds = int(window[:-1])
    if seconds in _PERIODS:
        return _PERIODS[seconds]
    for size, name in sorted(_PERIODS.items(), reverse=True):
        if seconds % size == 0:
            return f"{seconds // size} {name}s"
    return window


def per(window: str) -> str:
    """` a minute`, ` in 90 minutes`; nothing for what has no period."""
    name = period(window)
    if name == "in flight":
        return ""
    if " " in name:
        return f" in {name}"
    return f" an {name}" if name == "hour" else f" a {name}"


def subject_named(window: Mapping[str, Any]) -> str:
    """`Team research`: whom a window counts, by name where there is one."""
    text = printable(" of ".join(_one(part, name) for part, name in _parts(window)))
    return text if str(window["subject"]).startswith("target:") else text[:1].upper() + text[1:]


def _parts(window: Mapping[str, Any]) -> list[tuple[str, str]]:
    parts = str(window["subject"]).split(AND)
    names = str(window["name_of_subject"] or "").split(AND)
    return [(part, names[i] if i < len(names) else "") for i, part in enumerate(parts)]


def _one(part: str, name: str) -> str:
    kind, _, id = part.partition(":")
    if not id:
        return _KINDS.get(kind, kind) or "all callers"
    shown = name or id
    shown = shown if len(shown) <= _SHOWN else f"{shown[:12]}…"
    return shown if kind == "target" else f"{_KINDS.get(kind, kind)} {shown}"
