"""The gateway world's cases about windows, limits, budgets and capacity, as far as the ledger answers them.

Which code and status a refusal gets, and what a policy may say, belongs to the plugins rate_limits and budgets and to
`governance.model.amounts`: here only whether it fits, what is counted, and when there is room again.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from governance.ledger import Ledger, Reserved
from governance.ledger.calendar import period_ms
from governance.model import Charge, Window
from governance.model.amounts import parse_period_s

FILE = Path(__file__).parents[1] / "conformance" / "gateway-cases.yaml"
CASES = {
    case["id"]: case
    for case in yaml.safe_load(FILE.read_text())["cases"]
    if case["area"] in ("window", "rate_limit", "budget", "capacity")
}
UNITS = {"requests": "requests", "tokens": "tokens", "budget": "usd_micros"}


def case(name: str) -> dict[str, Any]:
    return {**CASES[name]["given"], "expect": CASES[name]["expect"], "ours": CASES[name].get("ours")}


def window(name: str, unit: str, limit: float, period: int | str = 60) -> Window:
    return Window(name, "model:gpt-4o", unit, round(limit), period)  # type: ignore[arg-type]


async def used_up(ledger: Ledger, counted: dict[Window, float]) -> None:
    """Brings windows to what the case says is used, above the limit where it says so."""
    for of, amount in counted.items():
        await ledger.reserve([Charge(of, 0)], (), reservation_id=f"before {of}", deadline_s=600)
        await ledger.settle(f"before {of}", {of.unit: round(amount)})


async def ask(ledger: Ledger, *windows: Window, amount: int = 1) -> Reserved:
    charges = [Charge(of, amount) for of in windows]
    return await ledger.reserve(charges, (), reservation_id="asked", deadline_s=600)


def full(reserved: Reserved) -> set[str]:
    return {reading.window.unit for reading in reserved.shared if not reading.fits}


@pytest.mark.parametrize(
    ("name", "units"),
    [("BF-RL-002", {"requests"}), ("BF-RL-003", {"requests", "tokens"})],
)
async def test_a_limit_that_is_used_up_refuses_and_tells_which(ledger: Ledger, name: str, units: set[str]) -> None:
    given = case(name)
    counted = {window("l", unit, given[unit]["max"]): given[unit]["used"] for unit in ("tokens", "requests")}
    await used_up(ledger, counted)
    reserved = await ask(ledger, *counted)

    assert not reserved.granted
    assert full(reserved) == units


async def test_a_refusal_leaves_the_other_limits_as_they_were(ledger: Ledger) -> None:
    given = case("BF-RL-006")
    counted = {
        window(limit["id"], "requests", limit["requests"]["max"]): limit["requests"]["used"]
        for limit in given["limits"]
    }
    await used_up(ledger, counted)

    assert not (await ask(ledger, *counted)).granted
    readings = await ledger.read(list(counted))
    assert {reading.window.limit: reading.used for reading in readings} == given["expect"]["used_after"]


async def test_checking_and_counting_are_one_step(ledger: Ledger) -> None:
    given = case("BF-RL-007")
    of = window("l", "requests", given["requests"]["max"])
    answers = [
        await ledger.reserve([Charge(of, 1)], (), reservation_id=str(i), deadline_s=600)
        for i in range(given["concurrent"])
    ]

    assert sum(answer.granted for answer in answers) == given["ours"]["admitted"]


@pytest.mark.parametrize(("name", "unit"), [("BF-RL-008", "requests"), ("BF-RL-009", "tokens")])
async def test_one_window_of_many_that_is_used_up_refuses(ledger: Ledger, name: str, unit: str) -> None:
    counted = {
        window("l", rule["metric"], rule["max"], parse_period_s(rule["window"])): rule["used"]
        for rule in case(name)["rules"]
    }
    await used_up(ledger, counted)
    reserved = await ask(ledger, *counted)

    assert not reserved.granted
    assert full(reserved) == {unit}


async def test_another_period_of_a_limit_starts_fresh(ledger: Ledger) -> None:
    given = case("BF-RL-012")
    rule = given["rule"]
    of = window("l", rule["metric"], rule["max"], parse_period_s(rule["window"]))
    await used_up(ledger, {of: rule["used"]})
    longer = window("l", rule["metric"], rule["max"], parse_period_s(given["update"]["window"]))

    assert [reading.used for reading in await ledger.read([of, longer])] == [
        rule["used"],
        given["expect"]["used_after"],
    ]


async def test_a_limit_of_nothing_lets_nothing_through(ledger: Ledger) -> None:
    """That a policy may not say so (BF-RL-015) is the policy's to refuse."""
    of = window("l", "requests", case("BF-RL-015")["write"]["request_max_limit"])

    assert not (await ask(ledger, of)).granted


async def test_a_budget_that_is_half_used_lets_through(ledger: Ledger) -> None:
    given = case("BF-BUD-001")
    of = window("b", "usd_micros", given["max"], "day")
    await used_up(ledger, {of: given["used"]})

    assert (await ask(ledger, of)).granted


@pytest.mark.parametrize("name", ["BF-BUD-004", "BF-BUD-008"])
async def test_one_budget_of_several_that_is_used_up_refuses(ledger: Ledger, name: str) -> None:
    given = case(name)
    budgets = given.get("budgets") or [{"id": k, **v} for k, v in given.items() if isinstance(v, dict) and "max" in v]
    periods = {"day": "day", "hour": "hour"}
    counted = {window(b["id"], "usd_micros", b["max"], periods.get(b["id"], "month")): b["used"] for b in budgets}
    await used_up(ledger, counted)

    assert not (await ask(ledger, *counted)).granted


async def test_every_budget_of_a_subject_is_charged(ledger: Ledger) -> None:
    given = case("BF-BUD-005")
    budgets = [window("b", "usd_micros", b["max"] * 1e6, b["id"]) for b in given["budgets"]]
    await ask(ledger, *budgets, amount=round(given["charge"] * 1e6))

    for reading in await ledger.read(budgets):
        assert reading.used == given["expect"]["used_after"][reading.window.period] * 1e6


async def test_a_budget_whose_period_has_passed_begins_anew(ledger: Ledger, clock) -> None:
    given = case("BF-BUD-010")
    of = window("b", "usd_micros", given["max"], parse_period_s(given["reset"]))
    await used_up(ledger, {of: given["used"]})
    assert not (await ask(ledger, of)).granted
    clock.now += given["window_started_h_ago"] * 3_600

    assert (await ask(ledger, of)).granted


async def test_a_period_of_nothing_is_never_unlimited(ledger: Ledger) -> None:
    """Ours is stricter than the case: such a window cannot be counted at all, so it cannot be let through either."""
    given = case("BF-BUD-011")

    with pytest.raises(ValueError, match="at least one second"):
        await ask(ledger, window("b", "usd_micros", given["max"], 0))
    with pytest.raises(ValueError, match="at least one second"):
        parse_period_s(given["reset"])


@pytest.mark.parametrize("phases", [(0,), (0.2, 8), (59.9,)])
async def test_a_rolling_window_does_not_depend_on_when_somebody_looks(ledger: Ledger, clock, phases) -> None:
    """BF-WIN-002 speaks of boundaries that two sweeping nodes must agree on. A rolling window of ours has none, and
    nothing sweeps: what was counted leaves one period after it was counted, whoever looks, and how often."""
    given = case("BF-WIN-002")
    of, begun = window("l", "requests", 1, parse_period_s(given["window"])), clock.now
    await ask(ledger, of)
    await ledger.settle("asked", {})
    for phase in phases:
        clock.now = begun + phase
        (reading,) = await ledger.read([of])
        assert reading.resets_at_s == begun + 60


async def test_a_long_idle_time_is_one_reset(ledger: Ledger, clock) -> None:
    given = case("BF-WIN-003")
    of = window("l", "requests", 1, parse_period_s(given["window"]))
    await ask(ledger, of)
    await ledger.settle("asked", {})
    clock.now += given["idle_windows"] * 60 + given["extra_s"]

    assert [(await ledger.read([of]))[0].used for _ in range(2)] == [given["expect"]["usage"]] * 2


def test_a_calendar_day_begins_at_midnight() -> None:
    given = case("BF-WIN-004")
    now_ms = round(datetime.fromisoformat(given["now"].replace("Z", "+00:00")).timestamp() * 1000)
    start = datetime.fromisoformat(given["expect"]["period_start"].replace("Z", "+00:00"))

    assert period_ms("day", "UTC", now_ms)[0] == start.timestamp() * 1000


def test_periods_that_are_none_are_refused() -> None:
    for text in case("BF-WIN-014")["parse_duration_invalid"]:
        with pytest.raises(ValueError, match=r"."):
            parse_period_s(str(text))


async def test_capacity_is_that_of_the_fullest_window_and_may_be_above_100(ledger: Ledger) -> None:
    """`budget_used` and `tokens_used` of rules are worked out from these readings."""
    for name, key in (("BF-CAP-003", "budget_used"), ("BF-CAP-005", "tokens_used")):
        given = case(name)
        counted = {
            Window(name, f"{kind}:x", UNITS[unit], of["max"], 3_600): of["used"]  # type: ignore[arg-type]
            for kind, limits in given["limits"].items()
            for unit, of in limits.items()
        }
        await used_up(ledger, counted)
        readings = await ledger.read(list(counted))

        assert max(100 * reading.used / reading.window.amount for reading in readings) == given["expect"][key]


def test_no_case_of_these_areas_is_left_out() -> None:
    text = Path(__file__).read_text()

    assert [name for name in CASES if name not in text] == []
