"""The amount that is suggested refuses nobody, and one less refuses somebody."""

from __future__ import annotations

from governance.backtest.assumptions import Assumptions
from governance.backtest.report import Report
from governance.backtest.run import backtest
from tests.backtest.workload import CATALOG, arrivals, policy, recorded

LIMIT = 'rate_limits:\n- {name: each team, subject: {team: "*"}, requests: AMOUNT/minute}\n'


def refusals(amount: int) -> list[int]:
    """Of each team under this limit, the same traffic recorded without one."""
    return [row.totals.refused.candidate.mid or 0 for row in runs(amount).teams]


def runs(amount: int) -> Report:
    """The same in whole."""
    lines = recorded(policy(), arrivals())
    return backtest(policy(), policy(LIMIT.replace("AMOUNT", str(amount))), lines, catalog=CATALOG, fast=False)


def test_it_is_the_smallest_that_refuses_nobody() -> None:
    lines = recorded(policy(), arrivals())
    (found,) = backtest(policy(), policy(LIMIT.replace("AMOUNT", "5")), lines, catalog=CATALOG, fast=False).suggestions

    assert (found.limit, found.unit, found.period, found.stated) == ("each team", "requests", "60s", 5)
    assert found.bound_by.startswith("team:t")
    assert max(refusals(found.amount or 0)) == 0
    assert max(refusals((found.amount or 0) - 1)) > 0


def test_some_refusals_may_be_allowed_to_each() -> None:
    lines = recorded(policy(), arrivals())
    some = Assumptions(refusals_at_most=3)
    (found,) = backtest(
        policy(), policy(LIMIT.replace("AMOUNT", "5")), lines, some, catalog=CATALOG, fast=False
    ).suggestions

    assert found.refusals == 3
    assert max(refusals(found.amount or 0)) <= 3
    assert max(refusals((found.amount or 0) - 1)) > 3


def test_a_share_of_each_subjects_requests_may_be_allowed() -> None:
    lines = recorded(policy(), arrivals())
    share = Assumptions(refusals_ppm_at_most=100_000)
    (found,) = backtest(
        policy(), policy(LIMIT.replace("AMOUNT", "5")), lines, share, catalog=CATALOG, fast=False
    ).suggestions
    requests = {f"team:{row.id}": row.totals.requests for row in runs(5).teams}

    assert found.refusals == requests[found.bound_by] // 10
    for amount, holds in ((found.amount or 0, True), ((found.amount or 0) - 1, False)):
        rows = runs(amount).teams
        within = [(row.totals.refused.candidate.mid or 0) <= row.totals.requests // 10 for row in rows]
        assert all(within) == holds
