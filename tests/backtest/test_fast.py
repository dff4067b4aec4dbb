"""The fast way answers as the engine does, request by request; and says so loudly when it would not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from governance.backtest.assumptions import Assumptions
from governance.backtest.coverage import SpotCheck
from governance.backtest.report import Report
from governance.backtest.run import backtest
from governance.backtest.spot_check import Disagreement
from governance.policy import Policy
from governance.traffic import TraceLine, Who
from tests.backtest.workload import CATALOG, arrivals, of_one_piece, policy, recorded

# To make a failing case smaller takes minutes; the seed tells as much.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
CHECKED = Assumptions(spot_check=0.5)
UNITS = st.sampled_from(["requests: {}/30s", "tokens: {}00/minute", "concurrent: {}", "output_tokens: {}00/20s"])
SUBJECTS = st.sampled_from(['{team: "*"}', '{virtual_key: "*"}', "everyone", "{team: t1}", "{model: gpt-4o-mini}"])
LIMIT = st.tuples(SUBJECTS, UNITS, st.integers(1, 40))
BUDGET = st.tuples(SUBJECTS, st.integers(1, 40))


def written(limits: Sequence[tuple[str, str, int]], budgets: Sequence[tuple[str, int]], failover: bool) -> str:
    """A policy's sections."""
    text = ""
    if limits:
        lines = [f"- {{name: l{i}, subject: {s}, {u.format(n)}}}" for i, (s, u, n) in enumerate(limits)]
        text += "rate_limits:\n" + "\n".join(lines) + "\n"
    if budgets:
        lines = [f"- {{name: b{i}, subject: {s}, amount: {n / 10000:.4f} USD/day}}" for i, (s, n) in enumerate(budgets)]
        text += "budgets:\n" + "\n".join(lines) + "\n"
    return text + ("failover: {}\n" if failover else "")


POLICY = st.builds(written, st.lists(LIMIT, max_size=2), st.lists(BUDGET, max_size=1), st.booleans())


def both_ways(active: Policy, candidate: Policy, lines: Sequence[TraceLine]) -> tuple[Report, Report]:
    """The report of the fast way, and that of the engine alone."""
    fast = backtest(active, candidate, lines, CHECKED, catalog=CATALOG, processes=1)
    return fast, backtest(active, candidate, lines, CHECKED, catalog=CATALOG, fast=False)


@settings(max_examples=12, deadline=None, phases=PHASES)
@given(POLICY, POLICY, st.integers(0, 10_000), st.sampled_from([0.0, 0.03]))
def test_the_fast_way_and_the_engine_find_the_same(active: str, candidate: str, seed: int, failing: float) -> None:
    lines = recorded(policy(active), arrivals(60, seed=seed, failing=failing))
    fast, engine = both_ways(policy(active), policy(candidate), lines)

    assert replace(fast, spot_check=SpotCheck(0, 0, 0)) == replace(engine, spot_check=SpotCheck(0, 0, 0))


@settings(max_examples=6, deadline=None, phases=PHASES)
@given(POLICY, st.integers(0, 10_000))
def test_the_same_policy_changes_nothing_whatever_it_says(text: str, seed: int) -> None:
    lines = recorded(policy(text), arrivals(60, seed=seed, failing=0.03))
    assume(of_one_piece(policy(text), lines))
    found = backtest(policy(text), policy(text), lines, CHECKED, catalog=CATALOG, processes=1)

    assert found.empty
    assert found.fidelity.ppm == 1_000_000


def test_who_can_never_be_refused_is_counted_and_the_rest_is_simulated() -> None:
    limits = "rate_limits:\n- {name: one, subject: {team: t1}, requests: 3/minute}\n"
    lines = recorded(policy(), arrivals(400))
    fast, engine = both_ways(policy(), policy(limits), lines)

    assert fast.spot_check.simulated == sum(line.who.team == "t1" for line in lines)
    assert fast.spot_check.screened == 400 - fast.spot_check.simulated
    assert fast.spot_check.checked == 200 + fast.spot_check.simulated // 2
    assert replace(fast, spot_check=engine.spot_check) == engine


def test_several_processes_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("governance.backtest.play.WORTH_IT", 10)
    limits = 'rate_limits:\n- {name: each, subject: {team: "*"}, requests: 9/minute}\n'
    lines = recorded(policy(limits), arrivals(200, failing=0.02))

    def found(processes: int) -> Report:
        return backtest(policy(limits), policy(), lines, CHECKED, catalog=CATALOG, processes=processes)

    assert found(2) == found(1)


def test_a_difference_is_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = recorded(policy(), arrivals(100))
    monkeypatch.setattr("governance.backtest.hard.peak", lambda window, demand: 0)
    limits = 'rate_limits:\n- {name: each, subject: {team: "*"}, requests: 3/minute}\n'

    with pytest.raises(Disagreement, match="the engine says requests_exhausted by each"):
        backtest(policy(), policy(limits), lines, CHECKED, catalog=CATALOG, processes=1)


def test_whoever_is_served_in_between_ends_a_run_of_refusals_where_they_are_only_counted() -> None:
    limits = "rate_limits:\n- {name: one, subject: {virtual_key: key-t1}, requests: 2/minute}\n"
    lines = [
        replace(line, who=Who("other", team=line.who.team)) if number % 3 else line
        for number, line in enumerate(arrivals(60, teams=2, seconds=40.0))
    ]
    fast, engine = both_ways(policy(), policy(limits), lines)

    assert 0 < fast.spot_check.simulated < 20
    assert fast.worst == engine.worst != ()
