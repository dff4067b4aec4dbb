"""Traces with every kind of fault are read, or what is wrong is named with how many lines it is about."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from governance.backtest.report import Report
from governance.backtest.retries import Retries
from governance.backtest.run import backtest
from governance.traffic import Broken, TraceLine
from governance.traffic.broken import DUPLICATE_ID, HALF_WRITTEN, LOST_LINES, NO_JSON, OTHER_VERSION, WRONG_FIELD
from tests.backtest.workload import CATALOG, arrivals, policy, recorded

LIMIT = 'rate_limits:\n- {name: each team, subject: {team: "*"}, requests: 9/minute}\n'
HEADER = 'routing_rules:\n- {name: gold, cel_expression: \'headers["x-tier"] == "gold"\', model: openai/gpt-4o}\n'


def found(lines: Sequence[TraceLine | Broken], candidate: str = LIMIT, *, fast: bool = True) -> Report:
    return backtest(policy(LIMIT), policy(candidate), lines, catalog=CATALOG, processes=1, fast=fast)


@pytest.mark.parametrize("fault", [HALF_WRITTEN, NO_JSON, OTHER_VERSION, WRONG_FIELD, DUPLICATE_ID])
def test_what_is_no_line_is_counted_and_named(fault: str) -> None:
    lines = recorded(policy(LIMIT), arrivals(50))
    coverage = found([*lines, Broken(fault, "file:7")]).coverage  # type: ignore[arg-type]

    assert (coverage.lines, coverage.replayed, coverage.not_replayable) == (51, 50, 1)
    assert [(reason.code, reason.examples) for reason in coverage.reasons] == [(fault, ("file:7",))]


def test_lines_that_are_missing_are_told_and_hold_nothing_up() -> None:
    lines = recorded(policy(LIMIT), arrivals(50))
    coverage = found([Broken(LOST_LINES, "file:7", "3 of worker one before it", 3), *lines]).coverage

    assert coverage.not_replayable == 0
    assert any("3 lines are missing" in remark for remark in coverage.remarks)


def test_a_decision_that_comes_twice_counts_once_and_any_order_will_do() -> None:
    lines = recorded(policy(LIMIT), arrivals(80))
    mixed = [*lines, *lines[:5]]
    random.Random(7).shuffle(mixed)

    assert found(mixed).totals == found(lines).totals
    assert [(reason.code, reason.lines) for reason in found(mixed).coverage.reasons] == [(DUPLICATE_ID, 5)]


def test_nothing_at_all_is_an_empty_report() -> None:
    nothing = found([])

    assert nothing.empty
    assert (nothing.coverage.replayed, nothing.fidelity.ppm) == (0, None)


def test_a_request_whose_end_nobody_knows_gives_back_by_its_deadline() -> None:
    lines = recorded(policy(LIMIT), arrivals(50))
    opened = [replace(lines[0], hops=(replace(lines[0].hops[0], outcome="started"),), used=None, end_us=None)]

    assert found([*opened, *lines[1:]]).coverage.replayed == 50
    assert found([*opened, *lines[1:]], fast=False).totals == found([*opened, *lines[1:]]).totals


def test_a_clock_that_was_set_back_changes_the_order_and_nothing_else() -> None:
    lines = recorded(policy(LIMIT), arrivals(50))
    back = [replace(line, at_us=line.at_us - 3_600_000_000) if i > 25 else line for i, line in enumerate(lines)]

    assert found(back).coverage.replayed == 50


def test_a_header_that_was_not_recorded_is_named_and_its_requests_are_in_no_figure() -> None:
    lines = recorded(policy(LIMIT), arrivals(50))
    lines = [replace(line, recorded=("headers.x-tier",)) if i % 2 else line for i, line in enumerate(lines)]
    coverage = found(lines, LIMIT + HEADER).coverage

    assert [(r.code, r.detail, r.lines) for r in coverage.reasons] == [("not_recorded", "headers.x-tier", 25)]
    assert coverage.replayed == 25


def test_retries_of_clients_are_recognised_and_others_hardly_ever() -> None:
    drawn = random.Random(5)
    firsts = recorded(policy(LIMIT.replace("9/", "3/")), arrivals(1_000, teams=10, seconds=600))
    again: dict[str, str] = {}
    lines = list(firsts)
    for line in firsts:
        last, id = line, line.id
        for nth in range(drawn.randint(0, 3) if line.told.outcome == "refuse" else 0):
            later = last.at_us + drawn.randint(500_000, 8_000_000)
            last = replace(last, id=f"{id}-again-{nth}", at_us=later)
            again[last.id] = id
            lines.append(last)
    lines.sort(key=lambda line: line.at_us)
    retries = Retries()
    recognised = {line.id: first for line in lines if (first := retries.first_of(line)) is not None}

    right = sum(recognised.get(id) == first for id, first in again.items())
    wrong = sum(id not in again for id in recognised)
    assert len(again) > 200
    assert right >= 0.95 * len(again)
    assert wrong <= 0.01 * (len(lines) - len(again))


def test_a_retry_is_not_sent_where_its_first_try_is_admitted_now() -> None:
    lines = recorded(policy(LIMIT), arrivals(100, seconds=50))
    refused = [line for line in lines if line.told.outcome == "refuse"]
    retried = [replace(line, id=f"{line.id}-again", at_us=line.at_us + 2_000_000) for line in refused]
    report = found(sorted([*lines, *retried], key=lambda line: line.at_us), LIMIT.replace("9/", "900/"))

    assert report.coverage.retries == len(retried)
    assert report.totals.newly_admitted.mid == len(refused)
    assert report.totals.refused.candidate.mid == 0
