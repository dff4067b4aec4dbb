"""What a refused caller is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from governance.engine import refusals
from governance.ledger import OptionReading, Reading, Reserved
from governance.model import Target, Unit, Window
from governance.trace import Candidate

MINUTE = Window("small", "team:research", "tokens", 1_000, 60)
BUDGET = Window("research monthly", "team:research", "usd_micros", 500_000_000, "month")
IN_FLIGHT = Window("few at once", "virtual_key:ci", "concurrent", 8, None)


def full(window: Window, room_at_s: float | None, amount: int = 1) -> Reading:
    return Reading(window, window.amount, amount, False, room_at_s, None)


def roomy(window: Window) -> Reading:
    return Reading(window, 0, 1, True, 1000.0, None)


@pytest.mark.parametrize(
    ("room_at_s", "seconds"), [(1000.001, 1), (1000.0, 1), (999.0, 1), (1001.0, 1), (1001.0001, 2), (1059.999, 60)]
)
def test_waiting_is_rounded_up_so_that_who_waits_finds_room(room_at_s: float, seconds: int) -> None:
    assert refusals.retry_after_s(room_at_s, 1000.0) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (1, "1 s"),
        (59, "59 s"),
        (60, "1 min"),
        (252, "4 min 12 s"),
        (3600, "1 h"),
        (3659, "1 h"),
        (7500, "2 h 5 min"),
        (86_400, "1 d"),
        (273_600, "3 d 4 h"),
        (31_536_000, "365 d"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: int, text: str) -> None:
    assert refusals.duration(seconds) == text


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("tokens", 1_000, "1,000 tokens"),
        ("input_tokens", 1, "1 input tokens"),
        ("output_tokens", 5, "5 output tokens"),
        ("requests", 60, "60 requests"),
        ("concurrent", 8, "8 requests in flight"),
        ("usd_micros", 250_000, "0.25 USD"),
        ("usd_micros", 5_000_000, "5 USD"),
        ("usd_micros", 1, "0.000001 USD"),
        ("usd_micros", 1_234_500_000, "1,234.5 USD"),
        ("usd_micros", 100_000_000, "100 USD"),
    ],
)
def test_amounts_are_told_as_people_write_them(unit: Unit, value: int, text: str) -> None:
    assert refusals.amount(unit, value) == text


@pytest.mark.parametrize(
    ("unit", "value", "period", "text"),
    [
        ("requests", 60, 60, "60 requests/minute"),
        ("requests", 60, 30, "60 requests/30s"),
        ("tokens", 5, 604_800, "5 tokens/week"),
        ("usd_micros", 5_000_000, "month", "5 USD/month"),
        ("concurrent", 8, None, "8 requests in flight"),
    ],
)
def test_limits_are_told_with_their_period(unit: Unit, value: int, period: int | str | None, text: str) -> None:
    assert refusals.limit(unit, value, period) == text


def test_a_limit_that_is_used_up_is_429_with_the_time_of_room() -> None:
    refusal = refusals.limit_used_up([roomy(BUDGET), full(MINUTE, 1011.5)], 1000.0)

    assert (refusal.status, refusal.code, refusal.limit) == (429, "tokens_exhausted", "small")
    assert refusal.retry_after_s == 12
    assert refusal.message == ("limit small of team research is used up (1,000 tokens/minute); room again in 12 s")


def test_money_that_is_used_up_is_402() -> None:
    refusal = refusals.limit_used_up([full(BUDGET, 1000.0 + 86_400)], 1000.0)

    assert (refusal.status, refusal.code, refusal.retry_after_s) == (402, "cost_exhausted", 86_400)
    assert "(500 USD/month); room again in 1 d" in refusal.message


@pytest.mark.parametrize("window", [MINUTE, BUDGET], ids=["tokens", "money"])
def test_a_request_larger_than_its_limit_is_400_because_clients_try_everything_else_again(window: Window) -> None:
    refusal = refusals.limit_used_up([full(window, None, amount=window.amount + 1), full(IN_FLIGHT, None)], 1000.0)

    assert (refusal.status, refusal.retry_after_s, refusal.limit) == (400, None, window.limit)
    assert "more than limit" in refusal.message


def test_a_request_larger_than_the_limit_is_not_told_to_wait() -> None:
    refusal = refusals.limit_used_up([full(MINUTE, None, amount=5_000)], 1000.0)

    assert (refusal.status, refusal.retry_after_s) == (400, None)
    assert refusal.message == (
        "this request needs 5,000 tokens, more than limit small of team research ever holds (1,000 tokens/minute)"
    )


def test_of_several_full_windows_the_longest_counts() -> None:
    hour = replace(MINUTE, limit="large", period=3600)
    refusal = refusals.limit_used_up([full(MINUTE, 1010.0), full(hour, 1300.0)], 1000.0)

    assert (refusal.limit, refusal.retry_after_s) == ("large", 300)
    assert refusals.limit_used_up([full(hour, 1300.0), full(MINUTE, None)], 1000.0).limit == "small"


DAY = Window("what groq gives", "provider:groq", "requests", 100, 86_400)
OWN = replace(MINUTE, limit="Fast: *", subject="target:openai/m")
CALLERS = replace(MINUTE, limit="each minute")


def reserved(shared: list[Reading], *options: list[Reading] | OptionReading) -> Reserved:
    asked = [
        o if isinstance(o, OptionReading) else OptionReading(all(r.fits for r in o), None, tuple(o)) for o in options
    ]
    return Reserved(False, None, tuple(shared), tuple(asked), 1000.0)


def told(given: Reserved) -> tuple[int, str | None, int | None] | None:
    refusal = refusals.used_up(given, own=False)
    return None if refusal is None else (refusal.status, refusal.limit, refusal.retry_after_s)


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (reserved([full(CALLERS, 1061.0)], [full(DAY, 40_000.0)]), (429, DAY.limit, 39_000)),
        (reserved([full(CALLERS, 1061.0)], [full(DAY, 40_000.0)], [full(OWN, 1030.0)]), (429, CALLERS.limit, 61)),
        (reserved([full(CALLERS, 1061.0)], [full(DAY, 40_000.0)], [roomy(OWN)]), (429, CALLERS.limit, 61)),
        (reserved([full(CALLERS, 1061.0)], [full(BUDGET, 1030.0)]), (402, BUDGET.limit, 61)),
        (reserved([full(CALLERS, 1061.0)], [full(BUDGET, 9000.0), full(OWN, 1020.0)]), (402, BUDGET.limit, 8000)),
        (reserved([full(CALLERS, 1061.0)], [full(BUDGET, 9000.0)], [full(OWN, 1090.0)]), (429, OWN.limit, 90)),
        (reserved([full(CALLERS, 1061.0)], OptionReading(False, 1500.0, (roomy(OWN),))), (429, CALLERS.limit, 500)),
        (reserved([full(CALLERS, None, 5_000)], [full(BUDGET, 9000.0)]), (400, CALLERS.limit, None)),
        (reserved([full(CALLERS, 1061.0)], [full(BUDGET, None, 10**12)]), (400, BUDGET.limit, None)),
        (reserved([full(CALLERS, 1061.0)], [full(OWN, None, 5_000)]), None),
        (reserved([], [full(OWN, 1010.0)], [full(BUDGET, 9000.0)]), None),
        (reserved([], [full(OWN, 9500.0)], [full(BUDGET, 9000.0)]), (402, BUDGET.limit, 8000)),
        (reserved([], [full(OWN, 1010.0), full(BUDGET, 9000.0)]), (402, BUDGET.limit, 8000)),
        (reserved([], OptionReading(False, 1010.0, ()), [full(BUDGET, 9000.0)]), None),
    ],
)
def test_the_caller_waits_for_its_own_limits_and_then_for_the_soonest_target(
    given: Reserved, answer: tuple[int, str | None, int | None] | None
) -> None:
    assert told(given) == answer


def test_a_limit_that_lasts_longer_than_the_budget_is_named_beside_it() -> None:
    refusal = refusals.limit_used_up([full(DAY, 40_000.0), full(BUDGET, 1030.0)], 1000.0)

    assert refusal.message == (
        "limit research monthly of team research is used up (500 USD/month), and so is limit what groq gives of "
        "provider groq (100 requests/day); room again in 10 h 50 min"
    )


def test_a_subject_that_is_counted_by_an_id_is_told_by_its_name() -> None:
    key = replace(MINUTE, subject=f"virtual_key:{'9f' * 32} && model:m", name_of_subject="ci && model:m")
    refusal = refusals.limit_used_up([full(key, 1011.0)], 1000.0)

    assert "of virtual_key ci (9f9f9f9f9f9f…) and model m is used up" in refusal.message


def test_what_is_in_flight_is_not_blamed_for_a_wait_that_another_limit_makes() -> None:
    refusal = refusals.limit_used_up([full(IN_FLIGHT, None), full(BUDGET, 1300.0)], 1000.0)

    assert (refusal.status, refusal.limit, refusal.retry_after_s) == (402, BUDGET.limit, 300)


def test_shadow_windows_keep_nobody_out() -> None:
    shadow = replace(MINUTE, mode="shadow")

    assert refusals.full_window([full(shadow, None), roomy(BUDGET)]) is None
    assert refusals.wait_s([full(shadow, None), full(BUDGET, 1005.0)], 1000.0) == 5
    assert refusals.wait_s([full(shadow, None)], 1000.0) == 0


def test_room_among_requests_in_flight_is_worth_another_try_in_a_second() -> None:
    refusal = refusals.limit_used_up([full(IN_FLIGHT, None)], 1000.0)

    assert (refusal.status, refusal.code, refusal.retry_after_s) == (429, "concurrency_exhausted", 1)
    assert refusal.message == "limit few at once of virtual_key ci is used up (8 requests in flight); room again in 1 s"


@pytest.mark.parametrize(
    ("reading", "told"),
    [
        (
            OptionReading(True, 1030.0, ()),
            ("cooling_down", "left alone for 30 s more", 30),
        ),
        (
            OptionReading(False, 1030.0, (full(MINUTE, 1045.0),)),
            ("cooling_down", "left alone for 30 s more", 45),
        ),
        (
            OptionReading(False, 1030.0, (full(MINUTE, None),)),
            ("cooling_down", "left alone for 30 s more", None),
        ),
        (
            OptionReading(False, None, (full(MINUTE, 1045.0),)),
            ("tokens_exhausted", "1,000 tokens/minute used up; room in 45 s", 45),
        ),
        (
            OptionReading(False, None, (full(MINUTE, None, 5_000),)),
            ("tokens_exhausted", "needs 5,000 tokens, its limit is 1,000 tokens/minute", None),
        ),
        (
            OptionReading(False, None, (full(IN_FLIGHT, None),)),
            ("concurrency_exhausted", "8 requests in flight used up; room in 1 s", 1),
        ),
    ],
    ids=["cooling", "cooling and full", "cooling and too small", "full", "too small", "in flight"],
)
def test_why_a_target_has_no_room(reading: OptionReading, told: tuple[str, str, int | None]) -> None:
    assert refusals.rejection_detail(reading, 1000.0) == told


CANDIDATES = [
    Candidate("a/m", False, "capability_mismatch", "needs vision, has text"),
    Candidate("b/m", False, "requests_exhausted"),
]


def test_no_target_that_waiting_helps_is_400_with_every_reason() -> None:
    refusal = refusals.no_target("profile Fast", CANDIDATES, ())

    assert (refusal.status, refusal.code, refusal.retry_after_s) == (400, "no_eligible_target", None)
    assert refusal.message == (
        "no target of profile Fast can serve this request: "
        "a/m: capability_mismatch (needs vision, has text); b/m: requests_exhausted"
    )


def test_the_soonest_room_is_what_to_wait_for() -> None:
    refusal = refusals.no_target("profile Fast", CANDIDATES, [("tokens_exhausted", 90), ("requests_exhausted", 7)])

    assert (refusal.status, refusal.code, refusal.retry_after_s) == (429, "requests_exhausted", 7)
    assert refusal.message.startswith("no target of profile Fast has room now; room again in 7 s: a/m: ")


def test_targets_that_all_cool_down_are_503() -> None:
    cooling = [("cooling_down", 30), ("cooling_down", 12)]

    assert refusals.no_target("it", (), cooling).status == 503
    assert refusals.no_target("it", (), cooling).retry_after_s == 12
    assert refusals.no_target("it", (), [*cooling, ("tokens_exhausted", 60)]).status == 429


def test_no_targets_at_all_is_a_whole_sentence() -> None:
    assert refusals.no_target("the policy", (), ()).message == "no target of the policy can serve this request"


def test_whoever_proposed_the_targets_is_named() -> None:
    one, two = [Target("a/m")], [Target("a/m"), Target("b/m")]

    assert refusals.named(two, {"profile": "Fast", "rule": "premium"}) == "profile Fast"
    assert refusals.named(two, {"rule": "premium"}) == "rule premium"
    assert refusals.named(two, {}) == "the policy"
    assert refusals.named(one, {}) == "a/m"
