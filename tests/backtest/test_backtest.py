"""Recorded traffic through the same policy, a tighter one, a looser one and one that sends it elsewhere."""

from __future__ import annotations

from dataclasses import replace

from governance.backtest.figures import Figure
from governance.backtest.report import Report
from governance.backtest.run import backtest
from tests.backtest.workload import CATALOG, NOON_US, arrivals, policy, recorded

TIGHT = """
rate_limits:
- {name: each team, subject: {team: "*"}, requests: 5/minute}
"""
LOOSE = TIGHT.replace("5/", "50/")


def test_the_same_policy_changes_nothing() -> None:
    active = policy(TIGHT)
    found = backtest(active, active, recorded(active, arrivals()), catalog=CATALOG)

    assert found.empty
    assert found.fidelity.ppm == 1_000_000
    assert found.totals.refused.recorded == found.totals.refused.active.value
    assert found.totals.refused.active.label == "exact"


def test_a_tighter_limit_refuses_more_and_says_whom() -> None:
    active, candidate = policy(LOOSE), policy(TIGHT)
    found = backtest(active, candidate, recorded(active, arrivals()), catalog=CATALOG)

    assert found.totals.newly_refused.label == "exact"
    assert (found.totals.newly_refused.value or 0) > 10
    assert found.totals.newly_admitted == Figure.exactly(0)
    assert {row.id for row in found.limits} == {"each team"}
    assert found.worst
    assert found.timelines
    assert {changed.kind for changed in found.changed} == {"newly_refused"}
    assert Report.from_json(found.to_json()) == found


def test_a_looser_limit_admits_more_and_guesses_what_that_costs() -> None:
    active, candidate = policy(TIGHT), policy(LOOSE)
    found = backtest(active, candidate, recorded(active, arrivals()), catalog=CATALOG)

    assert (found.totals.newly_admitted.value or 0) > 10
    assert found.totals.newly_refused == Figure.exactly(0)
    assert found.totals.cost.delta.label == "estimated"


def test_other_targets_are_told_with_what_they_cost_at_most_and_at_least() -> None:
    active = policy()
    candidate = policy(first="gpt-4o", second="gpt-4o-mini")
    found = backtest(active, candidate, recorded(active, arrivals()), catalog=CATALOG)

    assert found.totals.other_target == Figure.exactly(200)
    cost = found.totals.cost.delta
    assert cost.label == "estimated"
    assert 0 < (cost.low or 0) < (cost.mid or 0) < (cost.high or 0)
    assert [(move.active, move.candidate) for move in found.moves] == [("openai/gpt-4o-mini", "openai/gpt-4o")]


def test_the_same_inputs_give_the_same_bytes() -> None:
    active, candidate = policy(LOOSE), policy(TIGHT)
    lines = recorded(active, arrivals())

    assert (
        backtest(active, candidate, lines, catalog=CATALOG).to_json()
        == backtest(active, candidate, reversed(lines), catalog=CATALOG).to_json()
    )


def test_a_request_holds_its_place_until_it_was_over_however_late_its_target_was_asked() -> None:
    active = policy('rate_limits:\n- {name: one at a time, subject: {team: "*"}, concurrent: 1}\n')
    first, second = arrivals(2, teams=1)
    hop = replace(first.hops[0], start_us=400_000, took_ms=590)
    first = replace(first, at_us=NOON_US, hops=(hop,), end_us=1_000_000)
    for at_us, refused in ((900_000, 1), (1_000_100, 0)):
        other = replace(second, at_us=NOON_US + at_us, end_us=1_000 * second.hops[0].took_ms)
        found = backtest(active, active, [first, other], catalog=CATALOG)

        assert found.totals.refused.active == Figure.exactly(refused)
