"""What did not happen is told with all that may have come of it."""

from __future__ import annotations

import random
from dataclasses import replace
from statistics import mean

from governance.backtest.arrivals import request_of
from governance.backtest.assumptions import Assumptions
from governance.backtest.elsewhere import Elsewhere
from governance.backtest.fates import Spent
from governance.backtest.figures import Figure
from governance.backtest.run import backtest
from governance.traffic import Size, TraceLine, Used
from tests.backtest.workload import CATALOG, NOON_US, arrivals, policy, recorded

ONE = 'rate_limits:\n- {name: each team, subject: {team: "*"}, requests: 1/minute}\n'
MINI = "openai/gpt-4o-mini"


def test_what_looks_like_a_retry_may_be_none() -> None:
    first, again, third = (
        replace(line, at_us=NOON_US + n * 5_000_000, size=Size(50 + n // 2), end_us=1_000_000)
        for n, line in enumerate(arrivals(3, teams=1))
    )
    first, again = again, first
    first, again = replace(first, at_us=NOON_US), replace(again, at_us=NOON_US + 5_000_000, size=Size(51))
    lines = recorded(policy(ONE), [first, again, third])
    found = backtest(policy(ONE), policy(ONE.replace("1/", "2/")), lines, catalog=CATALOG)

    assert found.totals.refused.active == Figure.exactly(2)
    assert found.totals.refused.candidate == Figure.between(0, 0, 1)


def answered(count: int, most: int) -> list[TraceLine]:
    """Answers of 5 to 260 tokens, cut off where the caller allows no more; prompts are just as long as estimated."""
    drawn = random.Random(most)
    return [
        replace(line, size=Size(line.size.prompt_tokens, most), used=Used(line.size.prompt_tokens, min(length, most)))
        for line, length in zip(arrivals(count), drawn.choices(range(5, 261), k=count), strict=True)
    ]


def guessed(learned: list[TraceLine], line: TraceLine, target: str = MINI) -> Spent:
    elsewhere = Elsewhere(Assumptions())
    elsewhere.learn(learned)
    return elsewhere.spent(line, request_of(line, CATALOG), target, CATALOG)


def test_who_was_refused_for_allowing_much_costs_more_than_those_who_were_let_in() -> None:
    refused = replace(arrivals(1)[0], used=None, hops=(), size=Size(100, 512))
    low, mid, high = guessed(answered(200, 64) + answered(40, 512), refused).outputs or (0, 0, 0)

    assert low < mean(range(5, 261)) < high
    assert 64 < mid < 260


def test_a_bill_that_may_be_another_one_has_no_range_without_width() -> None:
    always = [replace(line, size=Size(100, 64), used=Used(100, 64, usd_micros=54)) for line in arrivals(200)]
    refused = replace(arrivals(1)[0], used=None, hops=(), size=Size(100, 64))
    spent = guessed(always, refused)
    low, mid, high = spent.usd_micros or (0, 0, 0)

    assert low < mid == high == 54
    assert spent.variance > 0


def test_a_prompt_that_a_provider_has_counted_is_not_guessed_once_more() -> None:
    lines = [
        replace(
            line, hops=(replace(line.hops[0], target=target),), used=Used(n % 90 + 10, 20), size=Size(n % 90 + 12, 64)
        )
        for target in (MINI, "openai/gpt-4o")
        for n, line in enumerate(arrivals(100))
    ]

    assert guessed(lines, replace(lines[0], used=Used(77, 20)), "openai/gpt-4o").input_tokens == 77
