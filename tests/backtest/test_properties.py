"""What holds of any policy and any traffic."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from governance.backtest.coverage import SpotCheck
from governance.backtest.run import backtest
from governance.ledger.windows import BUCKETS
from tests.backtest.test_fast import CHECKED, both_ways
from tests.backtest.workload import CATALOG, arrivals, policy, recorded

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
SUBJECTS = st.sampled_from(['{team: "*"}', '{virtual_key: "*"}', "everyone", "{team: t1}", "{model: gpt-4o-mini}"])
PERIODS = st.sampled_from(["20s", "minute", "hour", "day"])
PACE = st.tuples(SUBJECTS, st.integers(0, 60), PERIODS)
SEEDS = st.integers(0, 10_000)


def paces(*limits: tuple[str, int, str]) -> str:
    """Limits of requests alone."""
    lines = [f"- {{name: l{i}, subject: {s}, requests: {n}/{per}}}" for i, (s, n, per) in enumerate(limits) if n]
    return "rate_limits:\n" + "\n".join(lines) + "\n" if lines else ""


@settings(max_examples=40, deadline=None, phases=PHASES)
@given(SUBJECTS, PERIODS, st.integers(1, BUCKETS), st.integers(1, 60), SEEDS, st.sampled_from([0.0, 0.03]))
def test_a_looser_limit_refuses_none_more_of_those_it_binds(
    subject: str, period: str, amount: int, more: int, seed: int, failing: float
) -> None:
    # A rolling window of more than so many counts a few of them a little longer: `governance.ledger.windows`.
    looser = amount + more if period == "day" else min(amount + more, BUCKETS)
    tight, loose = (policy(paces((subject, most, period))) for most in (amount, looser))
    lines = recorded(tight, arrivals(120, seed=seed, failing=failing))
    found = backtest(tight, loose, lines, CHECKED, catalog=CATALOG, processes=1)

    for row in (*found.teams, *found.keys, *found.limits):
        refused = row.totals.refused
        assert (refused.candidate.high or 0) <= (refused.active.mid or 0)


@settings(max_examples=40, deadline=None, phases=PHASES)
@given(st.lists(PACE, max_size=3), st.lists(PACE, max_size=3), st.booleans(), SEEDS)
def test_what_is_counted_is_what_the_engine_decides(
    active: list[tuple[str, int, str]], candidate: list[tuple[str, int, str]], elsewhere: bool, seed: int
) -> None:
    names = ("gpt-4o", "gpt-4o-mini") if elsewhere else ("gpt-4o-mini", "gpt-4o")
    before, after = policy(paces(*active)), policy(paces(*candidate), first=names[0], second=names[1])
    lines = recorded(before, arrivals(80, seed=seed))
    fast, engine = both_ways(before, after, lines)

    assert replace(fast, spot_check=SpotCheck(0, 0, 0)) == replace(engine, spot_check=SpotCheck(0, 0, 0))
