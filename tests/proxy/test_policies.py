"""The policy of a worker that follows a store: whatever the database does, one in force is served."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from governance.engine.host import Host
from governance.model.errors import StoreUnavailable
from governance.proxy.policies import FilePolicies, StoredPolicies, open_policies
from governance.proxy.reload import ReloadState
from governance.store import Store
from governance.usecases.change_policy import Author, apply
from governance.usecases.follow import Tried
from governance.usecases.revisions import history, show
from tests.databases import open_one, store, url
from tests.postgres import Postgres

__all__ = ["open_one", "store", "url"]

REQUIRING = "access: {require_key: true}\n"


class Running:
    """What runs a policy, without a proxy."""

    frozen = None

    def __init__(self, host: Host) -> None:
        self.use(host)

    tried: Tried | None = None

    def try_out(self, tried: Tried | None) -> None:
        self.tried = tried

    def use(self, host: Host) -> None:
        self.host = host
        self.reload = ReloadState(host.policy, 0.0)


@pytest.fixture
def file(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("STORE", url)
    file = tmp_path / "governance.yaml"
    file.write_text("version: 1\npolicy: {source: database}\nstore: {url: '${STORE}'}\n")
    return file


@asynccontextmanager
async def following(file: Path, serving: Callable[[Host], Any] = Running) -> AsyncIterator[tuple[StoredPolicies, Any]]:
    policies = open_policies(file)
    assert isinstance(policies, StoredPolicies)
    running = serving(policies.begin())
    task = asyncio.create_task(policies.run(running))
    try:
        yield policies, running
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await policies.close()


async def until(holds: Callable[[], object]) -> None:
    for _ in range(6_000):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("has not happened")


def add_to(file: Path, more: str) -> None:
    file.write_text(file.read_text() + more)


def change(store: Store, more: str, file: Path) -> None:
    """Add to the policy in force."""
    core = Host.load(file).policy.core
    now = datetime(2026, 11, 20, tzinfo=timezone.utc)
    text = show(store).yaml + more
    apply(store, text, base=None, file=core, environment=os.environ, author=Author("ada", "user"), now=now)


async def test_a_change_by_anybody_is_in_force_by_itself(file: Path, store: Store) -> None:
    async with following(file) as (policies, running):
        change(store, REQUIRING, file)

        await until(lambda: running.host.policy.core.access.require_key)
        assert policies.followed == {"store": store.name, "revision_id": 2, "error": None, "candidate": None}
        assert running.reload.error is None


async def test_what_the_file_says_later_changes_nothing(file: Path, store: Store) -> None:
    async with following(file) as (_, running):
        before = running.host
        add_to(file, REQUIRING)
        change(store, "# by the store\n", file)

        await until(lambda: running.host is not before)
        assert not running.host.policy.core.access.require_key


async def test_who_asks_gets_what_the_use_case_makes_of_the_store_or_what_it_raises(file: Path) -> None:
    def fail(store: Store) -> None:
        raise LookupError

    async with following(file) as (policies, _):
        assert (await policies.ask(show)).id == 1
        with pytest.raises(LookupError):
            await policies.ask(fail)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_a_database_that_hangs_is_told_and_the_policy_in_force_stays_until_it_is_back(
    file: Path, store: Store, postgres: Postgres
) -> None:
    async with following(file) as (policies, running):
        await until(lambda: policies.followed["error"] is None)
        before = running.host
        _send(postgres, signal.SIGSTOP)
        try:
            await until(lambda: policies.followed["error"])
            with pytest.raises(StoreUnavailable, match="does not answer"):
                await policies.ask(show)
            assert running.host is before
        finally:
            _send(postgres, signal.SIGCONT)

        change(store, REQUIRING, file)
        await until(lambda: running.host.policy.core.access.require_key)
        assert policies.followed["error"] is None


def filed(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> FilePolicies:
    """Policies of a worker whose policy is its file."""
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(folder / "state"))
    file = folder / "governance.yaml"
    file.write_text(text)
    policies = open_policies(file)
    assert isinstance(policies, FilePolicies)
    return policies


async def test_where_the_file_is_the_truth_a_store_is_opened_when_somebody_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = filed("version: 1\n", tmp_path, monkeypatch)
    path = tmp_path / "state/governance.db"
    assert (policies.begin().policy.text, policies.followed) == ("version: 1\n", None)
    assert policies.store == {"name": f"sqlite:///{path}", "opened": False, "error": None}
    assert not path.parent.exists(), "nobody has needed it"

    pages = await asyncio.gather(*(policies.ask(partial(history, most=10)) for _ in range(4)))

    assert [(page.revisions, page.pointer) for page in pages] == [((), None)] * 4
    assert policies.store == {"name": f"sqlite:///{path}", "opened": True, "error": None}
    await policies.close()


async def test_where_the_file_is_the_truth_a_store_that_is_away_is_told_while_somebody_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    policies = filed("version: 1\n", tmp_path, monkeypatch)
    running = Running(policies.begin())
    monkeypatch.setattr("governance.proxy.asking._TRY_AGAIN_EVERY_S", 0.01)
    task = asyncio.create_task(policies.run(running))
    assert policies.store["error"] is None

    with pytest.raises(StoreUnavailable, match=r"the store \(sqlite:///.*\) cannot be used: File exists"):
        await policies.ask(show)

    assert policies.store["opened"] is False
    assert policies.store["error"].endswith("cannot be used: File exists")
    (tmp_path / "state").unlink()
    await until(lambda: policies.store["error"] is None)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await policies.close()


async def test_more_questions_than_a_store_that_hangs_may_hold_threads_are_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = filed("version: 1\n", tmp_path, monkeypatch)
    monkeypatch.setattr("governance.proxy.asking.ANSWER_WITHIN_S", 0.01)
    hanging = threading.Event()

    async def hang() -> str:
        with pytest.raises(StoreUnavailable) as error:
            await policies.ask(lambda store: hanging.wait())
        return str(error.value)

    told = [await hang() for _ in range(9)]

    assert all("does not answer within" in each for each in told[:8])
    assert told[8].endswith("does not answer: 8 questions wait for it")
    hanging.set()
    await policies.close()


def _send(postgres: Postgres, number: int) -> None:
    """To every process of the server: each connection has its own."""
    pids = [postgres.process.pid]
    for pid in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            stat = (pid / "stat").read_text().rpartition(")")[2].split()
            if int(stat[1]) == postgres.process.pid:
                pids.append(int(pid.name))
    for each in pids:
        os.kill(each, number)
