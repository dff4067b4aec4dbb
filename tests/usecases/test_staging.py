"""Policies that must pass their tests first, and policies that are tried on some before they are in force for all."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from governance.engine.host import Host
from governance.model.errors import PolicyError
from governance.store import Revision, Staging, Store, Worker
from governance.testing import TestsTakeTooLong
from governance.usecases.acknowledged import acknowledged, wait_for_all
from governance.usecases.audit import audit, verify_audit
from governance.usecases.change_policy import (
    Applied,
    Author,
    CandidateStaged,
    Conflict,
    Outcome,
    Staged,
    Unchanged,
    apply,
    rollback,
    seed,
)
from governance.usecases.guard import ReasonRequired, TestsFailed
from governance.usecases.kept_plans import NoSuchPlan, keep_plan, planned
from governance.usecases.revisions import history, rows, show
from governance.usecases.staging import NoCandidate, abort, promote, tried
from tests.usecases.test_changes import tamper

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
ADA = Author("ada", "user")
FIRST = "version: 1\npolicy: {source: database}\n"
FILE = Host.parse(FIRST).policy.core
BUDGET = FIRST + "budgets:\n- {name: all, subject: everyone, amount: 5 USD/month}\n"
RULE = FIRST + "routing_profiles: [{name: F, virtual_provider: f, targets: [{provider: b}]}]\n"
TESTS = "tests:\n- {name: goes to b, request: {model: f/m}, expect: {model: b/m}}\n"
TRIED = Staging(10, 5)


def put(store: Store, text: str, **more: Any) -> Outcome:
    return apply(store, text, **{"base": None, "file": FILE, "environment": {}, "author": ADA, "now": NOW, **more})


def move(store: Store, **more: Any) -> Applied | Staged:
    return promote(store, file=FILE, environment={}, author=ADA, now=NOW, **more)


@pytest.fixture
def first(store: Store) -> Revision:
    return seed(store, Host.parse(FIRST).policy, Author("governance.yaml", "file"), NOW)


def revision_of(outcome: Outcome) -> Revision:
    assert isinstance(outcome, (Applied, Staged)), outcome
    return outcome.revision


def test_tests_are_kept_with_a_revision_and_stay_until_others_are_brought(store: Store, first: Revision) -> None:
    kept = revision_of(put(store, RULE, tests=TESTS))
    with pytest.raises(TestsFailed, match="1 of 1 policy tests fail:\ntests:2: goes to b") as failed:
        put(store, BUDGET)
    assert failed.value.report()[0]["differences"][0]["path"] == "model"
    assert show(store) == kept

    later = revision_of(put(store, RULE + "# b is faster\n"))
    assert later.tests == TESTS
    assert isinstance(put(store, RULE + "# b is faster\n", tests=TESTS), Unchanged)
    without = revision_of(put(store, BUDGET, tests=""))
    assert without.tests == ""
    assert verify_audit(store).faults == ()


def test_going_back_brings_the_tests_of_then(store: Store, first: Revision) -> None:
    put(store, RULE, tests=TESTS)
    put(store, BUDGET, tests="")

    back = rollback(store, 2, file=FILE, environment={}, author=ADA, now=NOW)

    assert revision_of(back).tests == TESTS


def test_who_overrules_the_tests_says_why_and_it_is_sealed(store: Store, first: Revision) -> None:
    put(store, RULE, tests=TESTS)
    with pytest.raises(ReasonRequired):
        put(store, BUDGET, force=True, comment="  ")

    forced = revision_of(put(store, BUDGET, force=True, comment="b burns"))

    assert (forced.forced, forced.tests) == (True, TESTS)
    event = audit(store, 1)[0]
    assert {"kind": "forced", "path": "", "before": "1 tests fail", "after": ["goes to b"]} in event.entries
    assert event.reason == "b burns"
    passing = revision_of(put(store, RULE, force=True, comment="b works again"))
    assert not passing.forced, "there was nothing to overrule"


def test_tests_with_mistakes_and_tests_without_an_end_change_nothing(
    store: Store, first: Revision, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PolicyError, match=r"tests:1: tests\[0\].expect"):
        put(store, RULE, tests="tests: [{name: x, request: {model: a/b}, expect: {modell: x}}]\n")
    monkeypatch.setattr("governance.usecases.guard._WITHIN_S", 0.0)
    with pytest.raises(TestsTakeTooLong, match="tests: the tests take longer than 0 s"):
        put(store, RULE, tests=TESTS)

    assert show(store) == first


def test_tests_that_were_changed_behind_the_audit_are_found(store: Store, first: Revision) -> None:
    put(store, RULE, tests=TESTS)
    tamper(store, "UPDATE policy_revision SET tests = '' WHERE id = 2")

    assert verify_audit(store).faults == ("the tests of revision 2 were changed after they were kept",)


def test_a_candidate_is_tried_widened_and_promoted(store: Store, first: Revision) -> None:
    staged = put(store, BUDGET, stage=TRIED, comment="carefully")
    assert isinstance(staged, Staged)
    assert (show(store), tried(store)) == (first, (staged.revision, TRIED))
    marks = [(row["id"], row["active"], row.get("candidate")) for row in rows(history(store, 9))]
    assert marks == [(2, False, {"percent": 10, "shadow_percent": 5}), (1, True, None)]

    wider = move(store, candidate_id=2, stage=Staging(50))
    assert (show(store), tried(store)) == (first, (staged.revision, Staging(50, 0)))
    done = move(store)

    assert (show(store), tried(store), wider.version, done.version) == (staged.revision, None, 3, 4)
    assert [event.action for event in audit(store, 9)] == ["promote", "stage", "stage", "seed"]
    assert ("added", "budgets.all") in {(entry["kind"], entry["path"]) for entry in audit(store, 1)[0].entries}
    assert verify_audit(store).faults == ()


def test_an_aborted_candidate_was_never_in_force(store: Store, first: Revision) -> None:
    put(store, BUDGET, stage=TRIED)

    done = abort(store, author=ADA, comment="too many refusals", now=NOW)

    assert (done.revision, show(store), tried(store)) == (first, first, None)
    assert (audit(store, 1)[0].action, audit(store, 1)[0].reason) == ("abort", "too many refusals")
    assert verify_audit(store).faults == ()
    for late in (lambda: move(store), lambda: abort(store, author=ADA, now=NOW)):
        with pytest.raises(NoCandidate, match="no revision is being tried"):
            late()


def test_while_one_is_tried_what_it_is_compared_with_stays(store: Store, first: Revision) -> None:
    put(store, BUDGET, stage=TRIED)

    for change in (
        lambda: put(store, FIRST + "# other\n"),
        lambda: put(store, BUDGET + "# other\n", stage=TRIED),
        lambda: rollback(store, 2, file=FILE, environment={}, author=ADA, now=NOW),
    ):
        with pytest.raises(CandidateStaged, match="revision 2 is being tried on 10 %; promote it or abort that first"):
            change()
    with pytest.raises(NoCandidate, match="revision 2 is being tried, and not revision 7"):
        move(store, candidate_id=7)
    assert isinstance(put(store, BUDGET + "# other\n", base="sha256:0"), Conflict)
    assert tried(store) is not None


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("access: {require_key: true}\n", "access"),
        ("telemetry: {decisions: {keep: 9}}\n", "telemetry"),
        ("ledger: {deadline_s: 60}\n", "ledger"),
        (f"keys: [{{name: x, sha256: '{'0' * 64}'}}]\n", "keys"),
    ],
)
def test_what_holds_for_all_callers_at_once_cannot_be_tried_on_some(
    store: Store, first: Revision, more: str, what: str
) -> None:
    with pytest.raises(PolicyError, match=f"policy:3: {what}: `{what}` holds for all callers of a proxy"):
        put(store, FIRST + more, stage=TRIED)
    assert tried(store) is None


def test_a_candidate_that_was_changed_behind_the_audit_is_found(store: Store, first: Revision) -> None:
    put(store, BUDGET, stage=TRIED)
    tamper(store, "UPDATE policy_pointer SET candidate_percent = 99")

    assert verify_audit(store).faults == ("revision 2 is tried, and the last event says otherwise",)


def test_a_plan_is_kept_as_it_was_looked_at(store: Store, first: Revision) -> None:
    id = "0" * 64
    keep_plan(store, id, first.hash, BUDGET, TESTS, ADA, NOW)

    found = planned(store, id)

    assert (found.base_hash, found.yaml, found.tests, found.author) == (first.hash, BUDGET, TESTS, "ada")
    for unknown in ("1" * 64, "'", ""):
        with pytest.raises(NoSuchPlan):
            planned(store, unknown)
    for i in range(1, 105):
        keep_plan(store, f"{i:064x}", first.hash, FIRST, None, ADA, NOW + timedelta(seconds=i))
    with pytest.raises(NoSuchPlan):
        planned(store, id)
    assert planned(store, f"{104:064x}").tests is None


def worker(id: str, seen: int | None, active: int, refused: int | None = None) -> Worker:
    return Worker(id, "host", active, refused, "no plugin `x`" if refused else None, NOW, seen)


def test_who_has_followed_a_change_who_would_not_and_who_has_not_yet(store: Store, first: Revision) -> None:
    changed = put(store, BUDGET)
    assert isinstance(changed, Applied)
    with store.write() as work:
        for each in (worker("a", 2, 2), worker("b", 1, 1), worker("c", 2, 1, 2), worker("old", None, 2)):
            work.workers.tell(each)
        work.workers.tell(Worker("older", "host", 1, None, None, NOW))
        work.workers.tell(Worker("gone", "host", 1, None, None, NOW - timedelta(minutes=5), 1))

    found = acknowledged(store, changed.version, NOW)

    assert [each.id for each in found.done] == ["a", "old"]
    assert [each.id for each in found.missing] == ["b", "older"]
    assert [(each["id"], each["active_id"], each["reason"]) for each in found.report()["refused"]] == [
        ("c", 1, "no plugin `x`")
    ]
    assert not found.by_all
    slept: list[float] = []

    def follow(seconds: float) -> None:
        slept.append(seconds)
        with store.write() as work:
            work.workers.tell(worker("b", 2, 2))
            work.workers.tell(worker("older", 3, 2))

    assert [each.id for each in wait_for_all(store, 2, 60, lambda: NOW, follow).missing] == []
    assert len(slept) == 1
