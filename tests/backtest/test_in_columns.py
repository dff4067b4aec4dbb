"""A limit that everybody shares and that refuses: the same as the engine says, and in few bytes a request."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from uuid import UUID

import pytest

from governance.backtest.assumptions import Assumptions
from governance.backtest.coverage import SpotCheck
from governance.backtest.run import backtest
from governance.traffic import TraceLine
from tests.backtest.workload import CATALOG, arrivals, policy, recorded

CHECKED = Assumptions(spot_check=0.2)
TEAMS = 'rate_limits:\n- {name: each, subject: {team: "*"}, requests: 30/minute}\n'
LOOSE = TEAMS + "- {name: all, subject: everyone, requests: 90/minute}\n"
SHARED = [
    "- {name: all, subject: everyone, requests: 60/minute}\n",
    "- {name: all, subject: everyone, requests: [20/minute, 9/10s]}\n",
    "- {name: all, subject: everyone, requests: 60/minute}\n- {name: model, subject: everyone, requests: 70/100s}\n",
    "- {name: all, subject: everyone, tokens: 20k/minute}\n",
    "- {name: all, subject: everyone, concurrent: 3}\n",
    "budgets:\n- {name: all, subject: everyone, amount: 0.01 USD/day}\n",
]


def with_uuids(lines: Sequence[TraceLine]) -> list[TraceLine]:
    """The same with ids of 16 bytes, so that each line can be made again of its numbers."""
    numbers = count(1)
    return [replace(line, id=str(UUID(int=next(numbers), version=4))) for line in lines]


def again(lines: Sequence[TraceLine]) -> list[TraceLine]:
    """With a retry, two seconds later, of every third that was refused."""
    refused = [line for line in lines if line.told.outcome == "refuse"][::3]
    served = next(line for line in lines if line.told.outcome == "route")
    retries = [
        replace(served, at_us=line.at_us + 2_000_000, who=line.who, size=line.size, asked=line.asked)
        for line in refused
    ]
    return with_uuids(sorted((*lines, *retries), key=lambda line: line.at_us))


@pytest.mark.parametrize("assumptions", [CHECKED, replace(CHECKED, remove_retries=False)])
@pytest.mark.parametrize("candidate", [TEAMS + limit for limit in SHARED])
@pytest.mark.parametrize("active", [TEAMS, LOOSE])
def test_a_limit_on_everyone_refuses_just_whom_the_engine_says(
    active: str, candidate: str, assumptions: Assumptions
) -> None:
    lines = again(recorded(policy(active), arrivals(300, teams=6, seed=3)))
    fast, engine = (
        backtest(policy(active), policy(candidate), lines, assumptions, catalog=CATALOG, processes=1, fast=fast)
        for fast in (True, False)
    )

    assert fast.totals.newly_refused.mid
    assert replace(fast, spot_check=SpotCheck(0, 0, 0)) == replace(engine, spot_check=SpotCheck(0, 0, 0))


def test_the_engine_decides_a_share_of_those_that_a_shared_limit_refuses() -> None:
    lines = with_uuids(recorded(policy(), arrivals(300, teams=6)))
    shared = policy("rate_limits:\n- {name: all, subject: everyone, requests: 60/minute}\n")
    found = backtest(policy(), shared, lines, CHECKED, catalog=CATALOG, processes=1)

    assert found.spot_check == SpotCheck(0, 300, 60)


def test_a_shared_limit_takes_few_bytes_of_each_request() -> None:
    def most(requests: int) -> int:
        lines = with_uuids(recorded(policy(), arrivals(requests, seconds=requests / 10)))
        shared = policy("rate_limits:\n- {name: all, subject: everyone, requests: 300/minute}\n")
        assumed = Assumptions(spot_check=0.0, changed_at_most=10)
        tracemalloc.start()
        try:
            found = backtest(policy(), shared, iter(lines), assumed, catalog=CATALOG, processes=1)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert found.totals.newly_refused.mid

    most(500)  # what is loaded once is no request's
    # Half of them are refused; an object each of either lane would be more than a thousand.
    assert (most(6_000) - most(2_000)) / 4_000 < 500
