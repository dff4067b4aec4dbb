"""Calendar periods: when the hour, day, week, month, quarter or year around an instant began and when it ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

CALENDAR: Final = ("hour", "day", "week", "month", "quarter", "year")

_STEP: Final = {"day": 1, "week": 7, "month": 32, "quarter": 95, "year": 367}


def period_ms(period: str, timezone: str, now_ms: int) -> tuple[int, int]:
    """Start and end of the `period` that holds `now_ms`, in Unix milliseconds; `start <= now_ms < end`.

    Weeks begin on Monday. A day is as long as the clocks of `timezone` make it: 23 or 25 hours when they change.
    An hour that the clocks repeat is two periods. Raises ValueError for an unknown period or time zone.
    """
    if period not in CALENDAR:
        raise ValueError(f"`{period}` is no calendar period; write one of {', '.join(CALENDAR)}")
    zone = _zone(timezone)
    local = datetime.fromtimestamp(now_ms // 1000, zone)
    if period == "hour":
        into_ms = (local.minute * 60 + local.second) * 1000 + now_ms % 1000
        return now_ms - into_ms, now_ms - into_ms + 3_600_000
    first = _first(local.replace(tzinfo=None), period)
    start_ms, end_ms = _instant_ms(first, zone), _instant_ms(_first(first + timedelta(_STEP[period]), period), zone)
    return start_ms, end_ms


def _first(local: datetime, period: str) -> datetime:
    """Midnight at which the period of this wall-clock time begins."""
    day = datetime(local.year, local.month, local.day)
    if period == "week":
        return day - timedelta(day.weekday())
    if period == "month":
        return day.replace(day=1)
    if period == "quarter":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    if period == "year":
        return day.replace(month=1, day=1)
    return day


def _instant_ms(local: datetime, zone: ZoneInfo) -> int:
    # fold=0 is right in all three odd cases: of two midnights the first, of a missing one the moment of the jump,
    # and where the clocks fall back at midnight the one that is followed by the new day.
    return round(local.replace(tzinfo=zone).timestamp()) * 1000


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise ValueError(f"`{name}` is no time zone; write an IANA name such as Europe/Berlin") from None
