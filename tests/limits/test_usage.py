"""What is said of a window: its numbers, and what comes if it goes on like this."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from governance.ledger import Reading
from governance.ledger.calendar import period_ms
from governance.ledger.listing import Listing, lists_of
from governance.limits.usage import Forecast, forecast, row
from governance.model import Window

MINUTE = Window("per key", "virtual_key:a", "requests", 60, 60)


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def coming(period: str, zone: str, now: str, counted: int, amount: int = 100) -> Forecast:
    window = Window("b", "team:t", "usd_micros", amount, period, timezone=zone)
    now_s = at(now, zone)
    return forecast(window, counted, now_s, period_ms(period, zone, round(now_s * 1000))[1] / 1000)


@pytest.mark.parametrize(
    ("period", "zone", "now", "counted", "at_reset"),
    [
        ("month", "UTC", "2026-02-15T00:00", 25, 50),  # 14 of 28 days
        ("month", "UTC", "2028-02-15T12:00", 25, 50),  # 14.5 of 29 days
        ("month", "UTC", "2026-04-16T00:00", 25, 50),  # 15 of 30 days
        ("year", "UTC", "2028-07-02T00:00", 30, 60),  # 183 of 366 days
        ("quarter", "UTC", "2026-02-15T00:00", 45, 90),  # 45 of 90 days
        ("week", "UTC", "2026-01-08T12:00", 40, 80),
        ("day", "Europe/Berlin", "2026-03-29T12:30", 10, 20),  # 11.5 of 23 hours
        ("day", "Europe/Berlin", "2026-10-25T11:30", 10, 20),  # 12.5 of 25 hours
        ("month", "America/New_York", "2026-03-16T12:00", 40, 80),  # a month of 31 days less an hour
        ("hour", "Asia/Kolkata", "2026-02-05T10:45", 30, 40),
    ],
)
def test_a_period_goes_on_as_it_has_begun(period: str, zone: str, now: str, counted: int, at_reset: int) -> None:
    told = coming(period, zone, now, counted)

    assert told == Forecast(None, at_reset, f"{at_reset} % at reset")


def test_it_is_told_when_a_budget_will_be_used_up() -> None:
    told = coming("month", "UTC", "2026-04-11T00:00", 50)

    assert told == Forecast(at("2026-04-21T00:00"), 150, "used up on 21 Apr 00:00 at this rate")


def test_the_moment_is_told_in_the_time_zone_of_the_limit_and_after_the_clocks_changed() -> None:
    told = coming("month", "Europe/Berlin", "2026-03-16T00:00", 54)

    assert told.used_up_at_s == pytest.approx(at("2026-03-01T00:00", "Europe/Berlin") + 15 * 86_400 / 0.54)
    assert told.text == "used up on 28 Mar 18:40 at this rate"
    later = coming("month", "Europe/Berlin", "2026-03-16T00:00", 50)
    assert later.used_up_at_s == at("2026-03-31T01:00", "Europe/Berlin"), "thirty days, of which one has 23 hours"


def test_the_last_moments_of_a_period_are_told_as_they_are() -> None:
    assert coming("month", "UTC", "2026-01-31T23:59:59", 99).at_reset == 99


@pytest.mark.parametrize(("now", "text"), [("2026-01-01T07:00", "too early to say"), ("2026-01-01T08:00", "93 %")])
def test_the_first_hundredth_of_a_period_says_nothing(now: str, text: str) -> None:
    assert coming("month", "UTC", now, 1).text.startswith(text)


def test_a_window_that_is_full_is_used_up_now() -> None:
    now_s = at("2026-01-10T00:00")

    for window, counted in ((MINUTE, 60), (MINUTE, 75), (Window("b", "s", "tokens", 60, "day"), 60)):
        assert forecast(window, counted, now_s, now_s + 10) == Forecast(now_s, None, "used up")
    assert forecast(Window("none", "s", "requests", 0, 60), 0, now_s, None).text == "used up"


def test_a_rolling_window_stays_as_full_as_its_rate_makes_it() -> None:
    assert forecast(MINUTE, 45, 1_000.0, 1_050.0) == Forecast(None, None, "stays at 75 % at this rate")
    assert forecast(MINUTE, 0, 1_000.0, 1_000.0) == Forecast(None, None, "unused")


def test_nobody_can_know_what_will_be_in_flight() -> None:
    assert forecast(Window("slots", "s", "concurrent", 3, None), 3, 1_000.0, None) == Forecast(None, None, "")


def test_a_row_tells_used_and_reserved_apart() -> None:
    window = Window("monthly", "team:research", "usd_micros", 1_000, "month", timezone="Europe/Berlin")
    now_s = at("2026-01-16T12:00", "Europe/Berlin")
    reading = Reading(window, 300, 0, True, now_s, at("2026-02-01T00:00", "Europe/Berlin"))

    assert row(reading, 120, now_s) == {
        "limit": "monthly",
        "subject": "team:research",
        "name_of_subject": None,
        "unit": "usd_micros",
        "window": "month",
        "timezone": "Europe/Berlin",
        "limit_amount": 1_000,
        "used": 180,
        "reserved": 120,
        "remaining": 700,
        "percent": 30.0,
        "resets_at": "2026-01-31T23:00:00.000Z",
        "mode": "enforce",
        "forecast": {"used_up_at": None, "at_reset": 600, "text": "60 % at reset"},
    }


def test_a_row_never_tells_less_than_nothing() -> None:
    over = row(Reading(MINUTE, 75, 0, False, 1_010.0, 1_060.0), 3, 1_000.0)
    settled_meanwhile = row(Reading(MINUTE, 2, 0, True, 1_000.0, 1_060.0), 5, 1_000.0)
    empty = row(Reading(MINUTE, 0, 0, True, 1_000.0, 1_000.0), 0, 1_000.0)

    assert (over["remaining"], over["percent"]) == (0, 125.0)
    assert (settled_meanwhile["used"], settled_meanwhile["reserved"]) == (0, 2)
    assert (empty["resets_at"], empty["timezone"]) == (None, None)


def test_a_window_is_found_by_any_part_of_its_subject_and_by_its_limit() -> None:
    window = Window("Research", "team:Research && model:gpt-4o", "requests", 60, 60)

    assert listed(window, None, None)
    assert listed(window, "team:research", "research")
    assert listed(window, "model:gpt-4o", None)
    assert listed(window, "team:Research && model:gpt-4o", None)
    assert not listed(window, "team:res", None)
    assert not listed(window, None, "other")


def listed(window: Window, subject: str | None, limit: str | None) -> bool:
    """Whether a window is in the lists of this subject and this limit."""
    return set(Listing(limit, subject).lists) <= set(lists_of(window))
