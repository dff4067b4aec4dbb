"""A change that does more than the change guard allows is not made, unless somebody says why; all of it is sealed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from governance.backtest.coverage import Fidelity
from governance.backtest.figures import Figure
from governance.backtest.report import Report
from governance.engine.host import Host
from governance.store import Revision, Staging, Store
from governance.usecases.audit import audit, verify_audit
from governance.usecases.backtests import (
    BacktestRuns,
    NoSuchBacktest,
    NotRunning,
    backtest_of,
    backtests,
    begin,
    cancel,
    done,
    failed,
    still_runs,
)
from governance.usecases.candidate import document_hash_of
from governance.usecases.change_guard import GuardExceeded, NotJudged
from governance.usecases.change_policy import Applied, Author, Outcome, Staged, apply, rollback, seed
from governance.usecases.guard import ReasonRequired
from governance.usecases.judged import judge, percent
from governance.usecases.questions import Question
from governance.usecases.revisions import show
from governance.usecases.staging import promote
from tests.usecases.reports import lanes, not_replayable, of_no_traffic, report, totals

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
ADA = Author("ada", "user")
LIMIT = "rate_limits:\n- {name: all, subject: everyone, requests: %s}\n"
GUARD = "change_guard: {max_new_refusals: 0.1%, max_cost: 5%}\n"
FIRST = "version: 1\npolicy: {source: database}\n" + GUARD + LIMIT % "9/hour"
FILE = Host.parse(FIRST).policy.core
LESS = FIRST.replace("9/hour", "4/hour")
WEEK = Question(last_s=604_800)
MANY = report(totals(newly=Figure.exactly(2)))


def put(store: Store, text: str = LESS, **more: Any) -> Outcome:
    return apply(store, text, **{"base": None, "file": FILE, "environment": {}, "author": ADA, "now": NOW, **more})


def found(store: Store, what: Report, text: str = LESS, at: datetime = NOW, question: Question = WEEK) -> str:
    one = begin(store, show(store).hash, document_hash_of(text), question, ADA, at)
    assert done(store, one.id, what.to_json(), at)
    return one.id


@pytest.fixture
def first(store: Store) -> Revision:
    return seed(store, Host.parse(FIRST).policy, Author("governance.yaml", "file"), NOW)


def test_a_change_that_refuses_more_is_not_made_and_says_how_much_it_would_refuse(
    store: Store, first: Revision
) -> None:
    found(store, MANY)
    with pytest.raises(GuardExceeded, match=r"newly refused: 0\.2% of the requests, at most 0\.1%") as refused:
        put(store)

    assert show(store) == first
    told = refused.value.judgement.report()
    assert (told["verdict"], told["requests"]) == ("exceeded", 1_000)
    assert told["exceeded"] == [{"what": "max_new_refusals", "most_ppm": 1_000, "found_ppm": 2_000}]


def test_a_change_within_the_guard_is_made_and_the_audit_says_what_was_found(store: Store, first: Revision) -> None:
    id = found(store, report(totals(newly=Figure.exactly(1), cost=lanes(100, 105))))
    outcome = put(store)

    assert isinstance(outcome, Applied)
    assert outcome.judgement is not None
    assert outcome.judgement.report()["verdict"] == "held"
    (told,) = [entry for entry in audit(store, 1)[0].entries if entry["kind"] == "change_guard"]
    assert (told["after"]["verdict"], told["after"]["backtest"]) == ("held", id)


def test_who_overrules_it_says_why_and_the_audit_seals_who_and_why(store: Store, first: Revision) -> None:
    found(store, MANY)
    with pytest.raises(ReasonRequired):
        put(store, override_guard="  ")
    put(store, override_guard="the provider halves our quota tonight")

    newest = audit(store, 1)[0]
    (told,) = [entry["after"] for entry in newest.entries if entry["kind"] == "change_guard"]
    assert (newest.actor, told["verdict"]) == ("ada", "exceeded")
    assert told["overruled"] == "the provider halves our quota tonight"
    assert verify_audit(store).faults == ()


def test_without_a_backtest_nothing_is_done_and_the_question_is_told(store: Store, first: Revision) -> None:
    with pytest.raises(NotJudged) as missing:
        put(store)

    assert (missing.value.active, missing.value.text, missing.value.question) == (first, LESS, WEEK)
    assert show(store) == first


@pytest.mark.parametrize(
    ("at", "question"), [(NOW - timedelta(days=2), WEEK), (NOW, Question(last_s=60)), (NOW, Question())]
)
def test_an_old_backtest_and_one_of_other_traffic_say_nothing(
    at: datetime, question: Question, store: Store, first: Revision
) -> None:
    found(store, report(), at=at, question=question)

    with pytest.raises(NotJudged):
        put(store)


def test_without_traffic_it_is_made_and_said_that_nobody_could_judge_it(store: Store, first: Revision) -> None:
    found(store, of_no_traffic())
    outcome = put(store)

    assert isinstance(outcome, Applied)
    assert outcome.judgement is not None
    assert outcome.judgement.words == "the change guard could not judge it: no traffic is recorded of that time"
    (told,) = [entry["after"] for entry in audit(store, 1)[0].entries if entry["kind"] == "change_guard"]
    assert told["verdict"] == "not_judged"


def test_a_change_that_decides_nothing_needs_no_backtest(store: Store, first: Revision) -> None:
    assert isinstance(put(store, FIRST + "telemetry: {decisions: {keep: 5}}\n"), Applied)


def test_a_change_cannot_take_its_own_guard_away(store: Store, first: Revision) -> None:
    text = LESS.replace(GUARD, "")
    found(store, MANY, text)

    with pytest.raises(GuardExceeded):
        put(store, text)


def test_who_only_looks_on_is_judged_when_it_is_to_decide(store: Store, first: Revision) -> None:
    assert isinstance(put(store, stage=Staging(0, 50)), Staged)
    found(store, MANY)

    more: dict[str, Any] = {"file": FILE, "environment": {}, "author": ADA, "now": NOW}
    with pytest.raises(GuardExceeded):
        promote(store, **more)
    assert isinstance(promote(store, override_guard="tried for a week", **more), Applied)
    assert audit(store, 1)[0].entries[-1]["after"]["overruled"] == "tried for a week"


def test_the_way_back_is_not_barred(store: Store, first: Revision) -> None:
    found(store, report())
    put(store)

    assert isinstance(rollback(store, first.id, file=FILE, environment={}, author=ADA, now=NOW), Applied)


@pytest.mark.parametrize(
    ("totals_", "most_refusals", "most_cost", "said"),
    [
        (totals(newly=Figure.exactly(1)), 1_000, None, "holds: looked at 1,000 requests"),
        (totals(newly=Figure.between(0, 1, 9)), 1_000, None, "newly refused: 0.9% of the requests, at most 0.1%"),
        (totals(newly=Figure.of_nobody_knows(4)), 1_000, None, "nobody can say how many are newly refused"),
        (totals(cost=lanes(100, 106)), None, 50_000, "costs more: 6% than now, at most 5%"),
        (totals(cost=lanes(100, 50)), None, 0, "holds"),
        (totals(cost=lanes(0, 5)), None, 50_000, "costs more: more than nothing, at most 5%"),
        (totals(cost=lanes(0, 5, Figure.of_nobody_knows(1))), None, 0, "nobody can say what it costs"),
        (totals(newly=Figure.exactly(500), cost=lanes(1, 9)), None, None, "holds"),
    ],
)
def test_of_a_range_its_upper_end_counts(
    totals_: Any, most_refusals: int | None, most_cost: int | None, said: str
) -> None:
    assert said in judge(report(totals_), most_refusals, most_cost).words


def test_figures_that_cannot_be_believed_are_remarked() -> None:
    judgement = judge(report(fidelity=Fidelity(1_000, 0, 900)), 0, 0)

    assert judgement.remarks == ("the policy in force does what was recorded for 90% of the requests only",)
    assert "none of the 7 recorded lines can be replayed" in judge(report(coverage=not_replayable(7)), 0, 0).words


@pytest.mark.parametrize(
    ("ppm", "said"), [(1_000, "0.1%"), (0, "0%"), (50_000, "5%"), (1, "0.0001%"), (-5, "-0.0005%")]
)
def test_a_share_is_told_exactly(ppm: int, said: str) -> None:
    assert percent(ppm) == said


def test_one_backtest_runs_at_a_time_until_it_ends_or_whoever_runs_it_has_died(store: Store) -> None:
    one = begin(store, "a", "b", WEEK, ADA, NOW)
    with pytest.raises(BacktestRuns) as refused:
        begin(store, "a", "c", WEEK, ADA, NOW)
    assert refused.value.running.id == one.id
    assert still_runs(store, one.id, {"lines": 7}, NOW + timedelta(seconds=55))

    later = NOW + timedelta(seconds=120)
    other = begin(store, "a", "c", WEEK, ADA, later)

    assert [(each.id, each.state) for each in backtests(store, 5)] == [(other.id, "running"), (one.id, "failed")]
    assert not done(store, one.id, b"late", later), "it was given up"


def test_who_cancels_ends_it_whatever_comes_of_it(store: Store) -> None:
    one = begin(store, "a", "b", WEEK, ADA, NOW)
    assert cancel(store, one.id, NOW).state == "cancelling"

    assert not still_runs(store, one.id, {}, NOW)
    assert not done(store, one.id, b"{}", NOW)
    failed(store, one.id, "", NOW)

    assert backtest_of(store, one.id).state == "cancelled"
    with pytest.raises(NotRunning):
        cancel(store, one.id, NOW)
    with pytest.raises(NoSuchBacktest):
        cancel(store, "none", NOW)


def test_a_question_is_the_same_after_it_was_kept() -> None:
    for question in (WEEK, Question(from_ms=1, to_ms=2), Question()):
        assert Question.from_text(question.text) == question
    assert WEEK.times_ms(700_000_000) == (95_200_000, 700_000_000)
