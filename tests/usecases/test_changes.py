"""Putting policies in force: by one writer, by several, back again; and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from governance.engine.host import Host
from governance.model.errors import PolicyError, StoreUnavailable
from governance.policy.document import Core
from governance.store import Revision, Store
from governance.usecases.audit import audit, export_audit, verify_audit
from governance.usecases.candidate import Damaged, usable_revision
from governance.usecases.change_policy import Applied, Author, Conflict, Outcome, Unchanged, apply, rollback, seed
from governance.usecases.revisions import NoSuchRevision, drift, history, show

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
ADA, BOB = Author("ada", "user", "req-1"), Author("bob", "user")
FIRST = "version: 1  # the first\npolicy: {source: database}\n"
FILE = Host.parse(FIRST).policy.core
BUDGET = FIRST + "budgets:\n- {name: all, subject: everyone, amount: 5 USD/month}\n"


def put(store: Store, text: str, base: str | None = None, author: Author = ADA, **more: Any) -> Outcome:
    return apply(store, text, base=base, file=FILE, environment={}, author=author, now=NOW, **more)


def back(store: Store, id: int, **more: Any) -> Outcome:
    return rollback(store, id, file=FILE, environment={}, author=BOB, now=NOW, **more)


def applied(outcome: Outcome) -> Revision:
    assert isinstance(outcome, Applied), outcome
    return outcome.revision


@pytest.fixture
def first(store: Store) -> Revision:
    """The revision of the file."""
    return seed(store, Host.parse(FIRST).policy, Author("governance.yaml", "file"), NOW)


def test_the_file_becomes_the_first_revision_once(open_one: Callable[[], Store]) -> None:
    stores = [open_one() for _ in range(4)]
    policies = [Host.parse(f"{FIRST}access: {{require_key: {flag}}}\n").policy for flag in ("true", "false")] * 2

    with ThreadPoolExecutor(4) as pool:
        seeded = list(pool.map(lambda store, policy: seed(store, policy, ADA, NOW), stores, policies))

    assert len(set(seeded)) == 1
    assert history(stores[0], 10).revisions == (seeded[0],)
    assert (seeded[0].source, seeded[0].parent_id) == ("seed", None)
    assert show(stores[0]).yaml in {policy.text for policy in policies}, "verbatim"


def test_a_change_is_kept_pointed_to_and_noted(store: Store, first: Revision) -> None:
    revision = applied(put(store, BUDGET, first.hash, comment="five dollars are enough"))

    assert show(store) == revision
    assert (revision.yaml, revision.parent_id, revision.author) == (BUDGET, first.id, "ada")
    newest, oldest = audit(store, 10)
    assert (newest.action, newest.reason, newest.request_id) == ("apply", "five dollars are enough", "req-1")
    assert (newest.before_hash, newest.after_hash) == (first.hash, revision.hash)
    assert [(entry["kind"], entry["path"]) for entry in newest.entries] == [("added", "budgets.all")]
    assert (oldest.action, oldest.actor_kind) == ("seed", "file")


def test_who_began_from_another_policy_is_told_which_one_is_in_force(store: Store, first: Revision) -> None:
    theirs = applied(put(store, BUDGET, first.hash))

    outcome = put(store, FIRST + "access: {require_key: true}\n", first.hash, BOB)

    assert outcome == Conflict(first.hash, theirs)
    assert history(store, 10).revisions == (theirs, first)


def test_the_same_text_again_is_no_revision_but_other_comments_are(store: Store, first: Revision) -> None:
    assert put(store, FIRST, first.hash) == Unchanged(first)

    commented = applied(put(store, FIRST + "# said more clearly\n", first.hash))

    assert commented.hash == first.hash
    assert audit(store, 1)[0].entries == ()


def test_going_back_is_going_forward(store: Store, first: Revision) -> None:
    applied(put(store, BUDGET, first.hash))

    revision = applied(back(store, first.id))

    assert (revision.id, revision.hash, revision.yaml) == (3, first.hash, first.yaml)
    assert (revision.source, revision.comment, revision.parent_id) == ("rollback", f"back to revision {first.id}", 2)
    assert isinstance(back(store, first.id), Unchanged)
    assert isinstance(back(store, 2, base="sha256:0"), Conflict)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 2\n", "candidate:1: version: must be 1"),
        (FIRST + "no_such_plugin: {}\n", "candidate:3: no_such_plugin: no such plugin"),
        (FIRST + "budgets: [{name: x}]\n", "candidate:3: budgets[0].subject: is required"),
        ("version: 1\n", "candidate:1: policy: `policy` is taken from the policy file of each proxy"),
        (FIRST + "ledger: {url: 'redis://other'}\n", "candidate:3: ledger.url: `ledger.url` is taken from the policy"),
        (FIRST + "store: {url: 'sqlite:////other.db'}\n", "candidate:3: store: `store` is taken from the policy file"),
        (FIRST + "on_contract_breach: degrade\n", "candidate:3: on_contract_breach: `on_contract_breach` is taken"),
        (
            FIRST + "catalog: {discovery: {providers: {openai: {api_key: hunter2}}}}\n",
            "candidate:3: catalog.discovery.providers.openai.api_key: is a secret; in the store it would be kept for",
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line_and_changes_nothing(
    store: Store, first: Revision, text: str, message: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        put(store, text, first.hash, source="candidate")

    assert message in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert history(store, 10).revisions == (first,)


def test_a_password_in_a_url_is_refused_and_one_that_is_named_is_not(store: Store) -> None:
    literal, named = (
        FIRST + f"ledger: {{url: 'redis://gateway:{word}@localhost'}}\n" for word in ("hunter2", "${PASSWORD}")
    )
    environment = {"PASSWORD": "hunter2"}
    host = Host.parse(named, environment=environment)
    seed(store, host.policy, ADA, NOW)

    def again(text: str) -> Outcome:
        core = Host.parse(text, environment=environment).policy.core
        return apply(store, text, base=None, file=core, environment=environment, author=ADA, now=NOW)

    with pytest.raises(PolicyError, match=r"ledger.url: holds a password, which the store would keep") as refused:
        again(literal)
    assert "hunter2" not in str(refused.value)
    applied(again(named + "access: {require_key: true}\n"))
    assert "hunter2" not in "".join(map(str, [*export_audit(store), *history(store, 10).revisions]))


def test_a_store_without_a_revision_says_how_it_gets_one(store: Store) -> None:
    with pytest.raises(NoSuchRevision, match="has no revision yet; a proxy with"):
        put(store, FIRST)
    with pytest.raises(NoSuchRevision, match="there is no revision 7; `governance policy history` lists them"):
        show(store, 7)
    assert (history(store, 10).pointer, verify_audit(store).faults, verify_audit(store).events) == (None, (), 0)


def test_pages_of_history_go_back_to_the_first(store: Store, first: Revision) -> None:
    for i in range(1, 7):
        applied(put(store, f"{FIRST}# {i}\n"))

    newest = history(store, 4).revisions
    oldest = history(store, 4, before_id=newest[-1].id).revisions

    assert [revision.id for revision in (*newest, *oldest)] == [7, 6, 5, 4, 3, 2, 1]


def test_names_and_comments_of_others_are_text_that_everybody_takes(store: Store, first: Revision) -> None:
    revision = applied(put(store, BUDGET, author=Author("a\0\x1b[31m\ud800", "key"), comment="x\0" * 5_000))

    assert revision.author == "a\ufffd\ufffd[31m\ufffd"
    assert len(revision.comment) == 2_000
    assert show(store) == revision


def test_the_file_is_compared_by_what_it_says(store: Store, first: Revision, tmp_path: Path) -> None:
    file = tmp_path / "governance.yaml"
    file.write_text("policy:\n  source: database\nversion: 1\n")
    assert drift(store, file).in_sync

    file.write_text(BUDGET)
    assert not drift(store, file).in_sync
    assert drift(store, file).active == first
    file.write_text("")
    with pytest.raises(PolicyError, match=r"governance.yaml:1: a policy is a mapping"):
        drift(store, file)


def test_of_writers_who_begin_from_the_same_policy_one_wins_and_none_is_lost(
    open_one: Callable[[], Store], first: Revision
) -> None:
    stores = [open_one() for _ in range(4)]

    def change(number: int) -> Outcome:
        amount = f"{FIRST}budgets: [{{name: all, subject: everyone, amount: {number + 1} USD/day}}]\n"
        return put(stores[number], amount, first.hash)

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(change, range(4)))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Applied", *["Conflict"] * 3]
    verified = verify_audit(stores[0])
    assert (verified.faults, verified.events) == ((), 2)
    assert all(later.parent_id == earlier.id for later, earlier in pairwise(history(stores[0], 10).revisions))


TAMPERINGS = {
    "UPDATE policy_event SET actor = 'eve' WHERE id = 2": "event 2 was changed after it was sealed",
    "UPDATE policy_event SET entries = 'x' WHERE id = 2": "event 2 was changed after it was sealed",
    "DELETE FROM policy_event WHERE id = 2": "event 2 is missing",
    "DELETE FROM policy_event WHERE id = 3": "revision 3 is in force, and no event says who put it there",
    "UPDATE policy_revision SET yaml = 'version: 1' WHERE id = 2": "revision 2 was changed after it was kept",
    "UPDATE policy_revision SET yaml = ':' WHERE id = 2": "revision 2 was changed after it was kept",
    "UPDATE policy_revision SET hash = 'sha256:0' WHERE id = 2": "revision 2 is another one than event 2 put in force",
    "UPDATE policy_pointer SET active_id = 1": "revision 1 is in force, and no event says who put it there",
    "UPDATE policy_pointer SET version = 9": "the pointer moved 9 times, and there are events of 3",
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_the_chain_tells_what_was_changed_behind_its_back(store: Store, first: Revision, tampering: str) -> None:
    applied(put(store, BUDGET))
    applied(put(store, BUDGET + "# again\n"))
    whole = verify_audit(store)
    assert (whole.faults, whole.events) == ((), 3)

    tamper(store, tampering)

    assert TAMPERINGS[tampering] in verify_audit(store).faults


def test_a_chain_that_was_forged_whole_does_not_have_the_seal_that_was_kept_elsewhere(
    store: Store, first: Revision
) -> None:
    head = verify_audit(store).head
    applied(put(store, BUDGET))
    assert verify_audit(store, head).faults == ()

    assert verify_audit(store, "sha256:0").faults == (
        "no event has the seal sha256:0: the chain was cut, or is another one",
    )


def test_a_damaged_revision_is_not_used_and_can_be_replaced(store: Store, first: Revision) -> None:
    damaged = applied(put(store, BUDGET))
    tamper(store, f"UPDATE policy_revision SET yaml = 'version: [' WHERE id = {damaged.id}")

    with pytest.raises(Damaged, match=f"revision {damaged.id} is damaged: it should say sha256:"):
        usable_revision(show(store), FILE, {})
    with pytest.raises(Damaged):
        back(store, damaged.id)
    assert applied(back(store, first.id)).hash == first.hash


def test_a_revision_of_a_newer_format_is_not_guessed_at(store: Store, first: Revision) -> None:
    tamper(store, "UPDATE policy_revision SET schema_version = 2")

    with pytest.raises(Damaged, match="is written for format 2 of policies, and this version of governance reads 1"):
        usable_revision(show(store), Core(), {})


def test_what_is_exported_holds_all_that_a_seal_is_over(store: Store, first: Revision) -> None:
    applied(put(store, BUDGET))
    exported = list(export_audit(store))

    assert [event["id"] for event in exported] == [1, 2]
    assert exported[1]["prev_hash"] == exported[0]["hash"]
    assert exported[1]["at"] == "2026-11-20T12:00:00.000000+00:00"
    assert re.fullmatch("sha256:[0-9a-f]{64}", exported[1]["hash"])


def tamper(store: Store, statement: str) -> None:
    """Change what may not be changed, as somebody could who owns the database."""
    with store.write() as work:
        run = work.revisions._connection.exec_driver_sql
        sqlite = store.url.startswith("sqlite")
        for table in ("policy_revision", "policy_event"):
            for change in ("update", "delete"):
                run(f"DROP TRIGGER {table}_keeps_{change}" + ("" if sqlite else f" ON {table}"))
        run(statement)


def test_the_database_holds_what_the_pointer_points_to(store: Store, first: Revision) -> None:
    with pytest.raises(StoreUnavailable):
        tamper(store, "UPDATE policy_pointer SET active_id = 99")
