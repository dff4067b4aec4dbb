"""How pages write times, lengths of time and bars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, Final, NamedTuple

_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
BAR_WIDTH: Final = 160


class Bar(NamedTuple):
    """Widths of a bar of `BAR_WIDTH`, and how full it is: `edge` from 80 %, `full` from 100 %."""

    used: float
    held: float
    state: str


def bar(used: int, held: int, most: int) -> Bar:
    """How much is used, and how much more is held by requests that are under way."""
    part, both = used / max(1, most), (used + held) / max(1, most)
    state = "full" if both >= 1 else "edge" if both >= 0.8 else ""
    return Bar(round(BAR_WIDTH * min(1.0, part), 1), round(BAR_WIDTH * min(1.0, both), 1), state)


class Spark(NamedTuple):
    """A line of samples: the points of each piece without a gap, in a box of `width` by 20; and what it says."""

    width: int
    pieces: list[str]
    label: str


def spark(percents: Sequence[float | None], most: int = 60) -> Spark | None:
    """How full a window was, minute by minute; None where there are no two samples to draw a line between."""
    known = [each for each in percents if each is not None]
    if len(known) < 2:
        return None
    shift, pieces, piece = most - len(percents), [], list[str]()
    for i, percent in enumerate(percents):
        if percent is not None:
            piece.append(f"{2 * (shift + i)},{19 - round(percent * 18 / 100, 1)}")
        elif piece:
            pieces.append(" ".join(piece))
            piece = []
    pieces += [" ".join(piece)] if piece else []
    return Spark(2 * most, pieces, f"{known[0]:.0f} % to {known[-1]:.0f} % in {len(percents)} minutes")


def plain(code: str | None) -> str:
    """`requests_exhausted` -> `requests exhausted`."""
    return (code or "").replace("_", " ")


def short(hash: str | None) -> str:
    """The beginning of a revision's hash or of a key's id."""
    return (hash or "").removeprefix("sha256:")[:8]


def at(value: Any) -> datetime | None:
    """A moment that JSON tells, or one that is one already."""
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(str(value).replace("Z", "+00:00"))


def clock(value: Any) -> str:
    """`14:02:31`, in UTC."""
    moment = at(value)
    return "" if moment is None else f"{moment:%H:%M:%S}"


def moment(value: Any) -> str:
    """`29 Nov 14:02:31 UTC`."""
    told = at(value)
    return "" if told is None else f"{told.day} {told:%b %H:%M:%S} UTC"


def ago(value: Any, now: datetime) -> str:
    """`12 s ago`, `3 days ago`."""
    told = at(value)
    return "" if told is None else f"{length((now - told).total_seconds())} ago"


def until(value: Any, now: datetime) -> str:
    """`in 12 s`; `now` for what has passed."""
    told = at(value)
    if told is None:
        return ""
    left_s = (told - now).total_seconds()
    return "now" if left_s <= 0 else f"in {length(left_s)}"


def minute(at_s: float) -> str:
    """`14:02`, in UTC, of Unix seconds."""
    return f"{datetime.fromtimestamp(at_s, timezone.utc):%H:%M}"


def price(value: float | None) -> str:
    """Dollars per million tokens, without an exponent."""
    return "unknown" if value is None else f"${value:,.4f}".rstrip("0").rstrip(".") if value else "free"


def inline(value: Any) -> str:
    """What a policy says, on one line: `team: *`, `600/minute, 100k/day`."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {inline(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join("/".join(map(str, each.values())) if _is_target(each) else inline(each) for each in value)
    return str(value)


def _is_target(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"provider", "model"}


def room(record: Any, now: datetime) -> str:
    """`There is room again in 12 s.`: of a refusal; "" where nobody can know."""
    wait_s = record["refusal"]["retry_after_s"]
    told = at(record["at"])
    if wait_s is None or told is None:
        return ""
    left_s = (told - now).total_seconds() + wait_s
    if left_s > 0:
        return f"There is room again in {length(left_s)}."
    return f"There has been room again for {length(-left_s)}."


def clock_beside(value: Any, other: Any) -> str:
    """`14:02:31`; with its day where that is not the day of the other."""
    told, beside = at(value), at(other)
    if told is None or beside is None:
        return ""
    return f"{told:%H:%M:%S}" if told.date() == beside.date() else f"{told.day} {told:%b %H:%M}"


def ms(value: int) -> str:
    """`340 ms`, `1.2 s`."""
    return f"{value} ms" if value < 1_000 else f"{value / 1_000:.1f} s"


def length(seconds: float) -> str:
    """`12 s`, `4 min`, `1 h 50 min`, `3 days`."""
    whole = max(0, round(seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min"
    if whole < _DAY_S:
        minutes = whole % _HOUR_S // _MINUTE_S
        return f"{whole // _HOUR_S} h" + (f" {minutes} min" if minutes else "")
    days = whole // _DAY_S
    return f"{days} day" + ("s" if days > 1 else "")
