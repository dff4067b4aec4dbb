"""What can be said of a window: how much is used, reserved and left, and what comes if it goes on like this."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from governance.ledger import Reading
from governance.ledger.calendar import period_ms
from governance.ledger.listing import HAS_ROOM
from governance.model import Window
from governance.trace import iso, overlaid, period_text

# Of a period; before that, one request more or less decides what is forecast.
_TOO_EARLY: Final = 0.01


class Forecast(NamedTuple):
    """What comes if it goes on like this.

    Args:
        used_up_at_s: Unix seconds at which nothing is left; now when nothing is; None when that does not come first.
        at_reset: counted when the period ends, in the window's unit, as though nothing were refused; None where
            there is no such end, or where it is too early to say.
        text: the same for people; "" where nothing can be said.
    """

    used_up_at_s: float | None
    at_reset: int | None
    text: str


def forecast(window: Window, counted: int, now_s: float, resets_at_s: float | None) -> Forecast:
    """Carry on what was counted until now.

    Calendar: as fast as on average since the period began. Rolling: what it holds *is* its rate, so at the same rate
    it stays as full as it is. In flight: nobody can know.

    Args:
        counted: open reservations included.
        now_s: Unix seconds, by the ledger's clock.
        resets_at_s: as `Reading.resets_at_s`.
    """
    if window.period is None:
        return Forecast(None, None, "")
    if counted >= window.amount:
        return Forecast(now_s, None, "used up")
    if not counted:
        return Forecast(None, 0 if isinstance(window.period, str) else None, "unused")
    if isinstance(window.period, int) or resets_at_s is None:
        return Forecast(None, None, f"stays at {100 * counted / max(1, window.amount):.0f} % at this rate")
    # By its end, because a clock that went back still counts in the later period.
    start_s = period_ms(window.period, window.timezone, round(resets_at_s * 1000) - 1)[0] / 1000
    elapsed_s, length_s = now_s - start_s, resets_at_s - start_s
    if elapsed_s < length_s * _TOO_EARLY:
        return Forecast(None, None, "too early to say")
    at_reset = round(counted * length_s / elapsed_s)
    used_up_at_s = start_s + elapsed_s * window.amount / counted
    if used_up_at_s < resets_at_s:
        return Forecast(used_up_at_s, at_reset, f"used up on {_moment(used_up_at_s, window.timezone)} at this rate")
    return Forecast(None, at_reset, f"{100 * at_reset / window.amount:.0f} % at reset")


def row(reading: Reading, reserved: int, now_s: float) -> dict[str, Any]:
    """One window, ready for JSON; amounts in its unit, money in micro-dollars.

    Args:
        reserved: what of its count belongs to open reservations; the rest is `used`.
    """
    window, counted = reading.window, reading.used
    reserved = min(reserved, counted)
    resets_at_s = reading.resets_at_s if counted or _has_end(window) else None
    coming = forecast(window, counted, now_s, resets_at_s)
    return {
        "limit": window.limit,
        "subject": window.subject,
        "name_of_subject": window.name_of_subject,
        "unit": window.unit,
        "window": period_text(window.period),
        "timezone": window.timezone if isinstance(window.period, str) else None,
        "limit_amount": window.amount,
        "used": counted - reserved,
        "reserved": reserved,
        "remaining": max(0, window.amount - counted),
        "percent": percent(reading),
        "resets_at": None if resets_at_s is None else iso(resets_at_s),
        "mode": window.mode,
        **({} if window.stated is None else overlaid(window)),
        "forecast": {
            "used_up_at": None if coming.used_up_at_s is None else iso(coming.used_up_at_s),
            "at_reset": coming.at_reset,
            "text": coming.text,
        },
    }


def rank(reading: Reading, now_s: float) -> float:
    """Where a window belongs in its lists: without room, running out, or with room; see `Known`."""
    window, counted = reading.window, reading.used
    full = counted / max(1, window.amount)
    if counted >= window.amount:
        # Overdrawn by far is as empty as overdrawn, and must not come near to moments.
        return -min(full + 1, 1_000_000.0)
    coming = forecast(window, counted, now_s, reading.resets_at_s if counted or _has_end(window) else None)
    if coming.used_up_at_s is not None:
        return coming.used_up_at_s
    return HAS_ROOM + 1_000 - round(100 * full, 1)


def percent(reading: Reading) -> float:
    """How full a window is."""
    return round(100 * reading.used / max(1, reading.window.amount), 1)


def _has_end(window: Window) -> bool:
    return isinstance(window.period, str)


def _moment(at_s: float, timezone: str) -> str:
    return f"{datetime.fromtimestamp(at_s, ZoneInfo(timezone)):%d %b %H:%M}"
