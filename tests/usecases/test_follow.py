"""How a worker follows the store: it takes what it can use, says what it cannot, and starts without the store, too."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from governance.engine.host import Host
from governance.model.errors import GovernanceError, PolicyError, StoreUnavailable
from governance.policy import Policy
from governance.store import Staging, Store, Worker, open_store
from governance.store.last_good import LastGood
from governance.usecases.audit import verify_audit
from governance.usecases.change_policy import Applied, Author, Conflict, apply, rollback
from governance.usecases.follow import GONE_AFTER, Follower
from governance.usecases.revisions import history, show
from governance.usecases.staging import abort, promote, tried
from tests.usecases.test_changes import tamper

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
ADA = Author("ada", "user")


class Machine:
    """A policy file, a state folder and a clock; workers begin on it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.environment = {"GOVERNANCE_STATE_DIR": str(folder / "state"), "STORE": url}
        self.now = NOW
        self.text = "version: 1\npolicy: {source: database}\nstore: {url: '${STORE}'}\n"

    @property
    def file(self) -> Policy:
        return Host.parse(self.text, "governance.yaml", self.environment).policy

    def worker(self, name: str = "a") -> Follower:
        return Follower(self.file, self.environment, Worker(name, "host", None, None, None, NOW), lambda: self.now)

    def change(self, store: Store, more: str, base: str | None = None) -> Applied | Conflict:
        done = apply(
            store,
            self.text + more,
            base=base,
            file=self.file.core,
            environment=self.environment,
            author=ADA,
            now=self.now,
        )
        assert isinstance(done, (Applied, Conflict)), done
        return done


@pytest.fixture
def machine(url: str, tmp_path: Path) -> Machine:
    return Machine(url, tmp_path)


def requires_key(host: Host | None) -> bool | None:
    return None if host is None else host.policy.core.access.require_key


def workers(store: Store) -> list[Worker]:
    with store.read() as work:
        return work.workers.seen_since(NOW)


def test_a_worker_begins_by_the_file_and_follows_every_change(machine: Machine, store: Store) -> None:
    worker = machine.worker()
    host, trouble = worker.begin()
    assert (host.policy.text, trouble, worker.active_id) == (machine.text, None, 1)
    assert worker.look() is None, "nothing has changed"

    machine.change(store, "access: {require_key: true}\n")

    assert requires_key(worker.look()) is True
    assert worker.look() is None
    assert [(told.id, told.active_id, told.refused_id) for told in workers(store)] == [("a", 2, None)]
    worker.end()
    assert workers(store) == []


def test_a_worker_that_starts_later_begins_by_the_revision_in_force_and_not_by_its_file(
    machine: Machine, store: Store
) -> None:
    machine.worker().begin()
    machine.change(store, "access: {require_key: true}\n")

    host, _ = machine.worker("b").begin()

    assert requires_key(host) is True
    assert len(history(store, 10).revisions) == 2


def test_what_a_worker_cannot_use_leaves_the_old_one_in_force_and_is_told_with_its_reason(
    machine: Machine, store: Store
) -> None:
    worker = machine.worker()
    worker.begin()
    machine.change(store, "access: {require_key: true}\n")
    worker.look()
    machine.change(store, "access: {require_key: false}\n")
    tamper(store, "UPDATE policy_revision SET yaml = 'version: 2' WHERE id = 3")

    assert worker.look() is None

    assert worker.active_id == 2
    assert worker.refusal is not None
    assert worker.refusal.startswith("revision 3 is damaged")
    assert [(told.active_id, told.refused_id, told.reason) for told in workers(store)] == [(2, 3, worker.refusal)]
    machine.change(store, "access: {require_key: true}  # again\n")
    assert requires_key(worker.look()) is True
    assert (worker.refusal, worker.active_id) == (None, 4)


def test_what_was_refused_is_tried_again_when_it_may_be_mended(machine: Machine, store: Store) -> None:
    worker = machine.worker()
    worker.begin()
    del machine.environment["STORE"]
    environment = {**machine.environment, "STORE": machine.url, "NAME": "x"}
    text = machine.text + f"keys: [{{name: '${{NAME}}', sha256: '{'0' * 64}'}}]\n"
    apply(store, text, base=None, file=worker._file.core, environment=environment, author=ADA, now=NOW)
    assert worker.look() is None
    assert worker.refusal is not None
    assert "environment variable `NAME` is not set" in worker.refusal

    machine.environment |= environment
    assert worker.look() is None, "not at every look"
    machine.now += timedelta(seconds=20)

    host = worker.look()
    assert host is not None
    assert (host.policy.core.keys[0].name, worker.refusal) == ("x", None)


def test_a_worker_that_is_no_more_is_forgotten(machine: Machine, store: Store) -> None:
    machine.worker("a").begin()
    lasting = machine.worker("b")
    lasting.begin()

    machine.now += GONE_AFTER + timedelta(seconds=1)
    lasting.look()

    assert [told.id for told in workers(store)] == ["b"]


def away(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Follower:
    """A worker that starts while nobody answers at the store."""
    worker = machine.worker()
    monkeypatch.setattr("governance.usecases.follow.open_store", refuse)
    return worker


def refuse(url: str, environment: object) -> Store:
    raise StoreUnavailable("the store does not answer: connection refused")


def test_a_worker_starts_by_the_copy_while_the_store_is_away_and_follows_it_from_its_return(
    machine: Machine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.worker("a").begin()
    machine.change(store, "access: {require_key: true}\n")
    machine.worker("b").begin()
    worker = away(machine, monkeypatch)

    host, trouble = worker.begin()

    assert (requires_key(host), trouble, worker.active_id) == (True, "the store does not answer: connection refused", 2)
    with pytest.raises(StoreUnavailable):
        worker.look()
    monkeypatch.undo()
    machine.change(store, "access: {require_key: false}\n")
    assert requires_key(worker.look()) is False


@pytest.mark.parametrize("spoil", ["", "# something else\nversion: 1\n", "cut", "changed"])
def test_without_store_and_copy_a_worker_does_not_start_by_what_nobody_put_in_force(
    machine: Machine, store: Store, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    machine.worker().begin()
    path = LastGood(machine.url, machine.environment).path
    whole = path.read_text()
    assert os.stat(path).st_mode & 0o777 == 0o600
    path.write_text({"cut": whole[:-8], "changed": whole.replace("version: 1", "version: 2")}.get(spoil, spoil))

    with pytest.raises(GovernanceError, match=r"connection refused\nand there is no copy of an earlier revision at /"):
        away(machine, monkeypatch).begin()


def test_a_file_with_mistakes_of_a_store_does_not_become_a_revision(machine: Machine, store: Store) -> None:
    machine.text += "ledger: {url: 'redis://gateway:hunter2@localhost'}\n"

    with pytest.raises(PolicyError, match=r"governance.yaml:4: ledger.url: holds a password") as refused:
        machine.worker().begin()

    assert "hunter2" not in str(refused.value)
    assert history(store, 10).pointer is None


class Fleet(RuleBasedStateMachine):
    """Writers, some of them interrupted, and workers that look, die and start again."""

    new_machine: Callable[[], Machine]

    @initialize()
    def open(self) -> None:
        self.machine = type(self).new_machine()
        self.store = open_store(self.machine.url, {})
        self.workers: dict[int, tuple[Follower, Host]] = {}
        self.start(0)
        self.changes = 0

    @rule(number=st.integers(0, 2))
    def start(self, number: int) -> None:
        follower = self.machine.worker(str(number))
        self.workers[number] = follower, follower.begin()[0]

    @precondition(lambda self: not tried(self.store))
    @rule(stale=st.booleans())
    def change(self, stale: bool) -> None:
        self.changes += 1
        before = show(self.store)
        base = "sha256:0" if stale else before.hash
        done = self.machine.change(self.store, f"access: {{body: {{timeout: 1s..{self.changes}m}}}}\n", base)
        assert isinstance(done, Conflict) is stale
        assert stale is (show(self.store) == before)

    @rule()
    def die_in_the_middle_of_a_change(self) -> None:
        before = show(self.store)

        def die() -> None:
            with self.store.write() as work:
                pointer = work.pointer.get()
                assert pointer is not None
                work.pointer.move(before.id, from_version=pointer.version, at=NOW, by="nobody")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            die()
        assert show(self.store) == before

    @precondition(lambda self: not tried(self.store))
    @rule(id=st.integers(1, 5))
    def go_back(self, id: int) -> None:
        newest = history(self.store, 1).revisions[0].id
        file = self.machine.file.core
        rollback(
            self.store,
            min(id, newest),
            file=file,
            environment=self.machine.environment,
            author=ADA,
            now=self.machine.now,
        )

    @precondition(lambda self: not tried(self.store))
    @rule(percent=st.integers(0, 100))
    def try_another(self, percent: int) -> None:
        self.changes += 1
        text = self.machine.text + f"rate_limits: [{{name: all, subject: everyone, requests: {self.changes}/day}}]\n"
        with suppress(PolicyError):  # what is in force has other keys that hold for all callers
            apply(self.store, text, base=None, stage=Staging(percent), **self.by())

    @precondition(lambda self: tried(self.store))
    @rule(percent=st.none() | st.integers(0, 100))
    def promote(self, percent: int | None) -> None:
        promote(self.store, stage=None if percent is None else Staging(percent), **self.by())

    @precondition(lambda self: tried(self.store))
    @rule()
    def abort(self) -> None:
        abort(self.store, author=ADA, now=self.machine.now)

    def by(self) -> dict[str, Any]:
        file, environment = self.machine.file.core, self.machine.environment
        return {"file": file, "environment": environment, "author": ADA, "now": self.machine.now}

    @invariant()
    def one_look_is_enough_for_everybody(self) -> None:
        active, trial = show(self.store), tried(self.store)
        for number, (follower, host) in self.workers.items():
            found = follower.look() or host
            self.workers[number] = follower, found
            assert found.policy.text == active.yaml
            assert (follower.active_id, follower.refusal) == (active.id, None)
            mine = follower.tried and (follower.tried.id, follower.tried.staging, follower.tried.host.policy.text)
            assert mine == (trial and (trial[0].id, trial[1], trial[0].yaml))
        assert verify_audit(self.store).faults == ()

    def teardown(self) -> None:
        for follower, _ in self.workers.values():
            follower.end()
        self.store.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_whatever_writers_and_workers_do_all_serve_by_the_pointer(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    numbers = count()

    def new_machine() -> Machine:
        url = f"sqlite:///{tmp_path}/{next(numbers)}.db"
        if kind == "postgresql":
            url = request.getfixturevalue("postgres").new_database()
        return Machine(url, tmp_path / url.rpartition("/")[2])

    few = settings(max_examples=6, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        type("OfOneKind", (Fleet,), {"new_machine": staticmethod(new_machine)}), settings=few
    )
