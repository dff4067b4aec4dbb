"""The tables, and what is kept in them, on both databases."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from governance.model.errors import StoreUnavailable
from governance.store import Store, Worker, default_url, open_store, shown
from governance.store.audit import event_hash
from governance.store.connection import connect
from tests.postgres import Postgres
from tests.store.rows import NOW, keep, note

Open = Callable[[], Store]


def test_what_is_kept_is_read_as_it_was_by_whoever_opens_the_store(open_one: Open) -> None:
    yaml = "version: 1  # é 🔑\n\n\nbudgets: []\n"
    with open_one().write() as work:
        kept = keep(work, yaml)
        assert work.pointer.move(kept.id, from_version=None, at=NOW, by="ada")
        note(work, kept)

    with open_one().read() as work:
        assert work.revisions.get(kept.id) == kept
        assert (kept.yaml, kept.created_at) == (yaml, NOW)
        pointer = work.pointer.get()
        assert pointer is not None
        assert (pointer.active_id, pointer.version, pointer.changed_at) == (kept.id, 1, NOW)
        (event,) = work.events.all()
        assert event == work.events.last()
        assert event.entries[0]["after"] == "ключ 🔑"
        assert event.hash == event_hash(event)


def test_of_a_unit_that_fails_nothing_is_kept(store: Store) -> None:
    def fail() -> None:
        with store.write() as work:
            kept = keep(work)
            work.pointer.move(kept.id, from_version=None, at=NOW, by="ada")
            note(work, kept)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    with store.read() as work:
        assert (work.pointer.get(), work.events.last(), work.revisions.newest(10)) == (None, None, [])


def test_the_pointer_moves_only_for_who_has_seen_its_last_move(store: Store) -> None:
    with store.write() as work:
        first, second = keep(work), keep(work, hash="sha256:2")
        assert work.pointer.move(first.id, from_version=None, at=NOW, by="ada")

        assert not work.pointer.move(second.id, from_version=None, at=NOW, by="bob")
        assert work.pointer.move(second.id, from_version=1, at=NOW, by="ada")
        assert not work.pointer.move(first.id, from_version=1, at=NOW, by="bob")
        pointer = work.pointer.get()
        assert pointer is not None
        assert (pointer.active_id, pointer.version, pointer.changed_by) == (second.id, 2, "ada")


@pytest.mark.parametrize("table", ["policy_revision", "policy_event"])
@pytest.mark.parametrize("change", ["UPDATE {} SET hash = 'other'", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_what_was_appended(store: Store, table: str, change: str) -> None:
    with store.write() as work:
        kept = keep(work)
        note(work, kept)

    with pytest.raises(StoreUnavailable, match=f"{table} is append-only"), store.write() as work:
        work.revisions._connection.exec_driver_sql(change.format(table))
    with store.read() as work:
        assert work.revisions.get(kept.id) == kept


def test_pages_go_back_from_the_newest(store: Store) -> None:
    with store.write() as work:
        kept = [keep(work, hash=f"sha256:{i}") for i in range(7)]

    with store.read() as work:
        page = work.revisions.newest(3)
        assert page == kept[:3:-1]
        assert work.revisions.newest(3, before_id=page[-1].id) == kept[3:0:-1]
        assert work.revisions.newest(3, before_id=10**30) == page
        assert work.revisions.get(10**30) is None


def test_writers_wait_for_one_another_and_none_is_lost(open_one: Open) -> None:
    stores = [open_one() for _ in range(4)]

    def write(store: Store) -> None:
        for _ in range(10):
            with store.write() as work:
                last = work.events.last()
                revision = keep(work, hash=f"sha256:{0 if last is None else last.id}")
                note(work, revision, last.after_hash if last else None)
                pointer = work.pointer.get()
                assert work.pointer.move(
                    revision.id, from_version=None if pointer is None else pointer.version, at=NOW, by="ada"
                )

    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(write, stores))

    with stores[0].read() as work:
        events = list(work.events.all())
        pointer = work.pointer.get()
        assert pointer is not None
        assert pointer.version == len(events) == 40
        assert [event.id for event in events] == list(range(1, 41))
        for before, event in pairwise(events):
            assert (event.prev_hash, event.before_hash) == (before.hash, before.after_hash)


def test_one_state_is_read_whoever_writes_meanwhile(open_one: Open) -> None:
    reader, writer = open_one(), open_one()
    with reader.read() as work:
        before = work.revisions.newest(10)
        with writer.write() as other:
            keep(other)

        assert work.revisions.newest(10) == before == []
    with reader.read() as work:
        assert len(work.revisions.newest(10)) == 1


def test_workers_are_told_of_as_long_as_they_tell_of_themselves(store: Store) -> None:
    first = Worker("a", "host", 1, None, None, NOW)
    second = Worker("b", "host", 1, 2, "no plugin `x`", NOW + timedelta(seconds=30))
    with store.write() as work:
        work.workers.tell(first)
        work.workers.tell(Worker("b", "host", None, None, None, NOW))
        work.workers.tell(second)

        assert work.workers.seen_since(NOW) == [first, second]
        assert work.workers.seen_since(NOW + timedelta(seconds=1)) == [second]
        work.workers.forget("b")
        work.workers.forget_unseen(NOW + timedelta(seconds=1))
        assert work.workers.seen_since(NOW) == []


def test_in_a_database_of_others_ours_is_a_schema_of_its_own(postgres: Postgres) -> None:
    url = postgres.new_database()
    open_store(url, {}).close()

    with connect(url).connect() as connection:
        made = sa.inspect(connection)
        assert "policy_revision" in made.get_table_names("governance")
        assert made.get_table_names("public") == []


def test_a_server_that_is_away_is_told_in_one_line_without_its_password(postgres: Postgres) -> None:
    for url in (postgres.url("nowhere"), "postgresql://ada:hunter2@127.0.0.1:1/governance?sslmode=disable"):
        with pytest.raises(StoreUnavailable) as refused:
            open_store(url, {})

        assert "does not answer" in str(refused.value)
        assert "hunter2" not in str(refused.value)
        assert "not-a-secret" not in str(refused.value)
        assert len(str(refused.value).splitlines()) == 1
    assert shown("postgresql://ada:hunter2@db:5432/governance?password=x") == "postgresql://ada@db:5432/governance"


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    file = tmp_path / "governance.db"
    file.write_text("something else, and long enough to be looked at\n" * 100)

    with pytest.raises(StoreUnavailable, match="file is not a database"):
        open_store(f"sqlite:///{file}", {})


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    store = open_store(None, {"GOVERNANCE_STATE_DIR": str(tmp_path / "state")})
    with store.write() as work:
        keep(work)

    files = list((tmp_path / "state").iterdir())
    assert "governance.db" in {file.name for file in files}
    assert {os.stat(file).st_mode & 0o777 for file in files} == {0o600}
    assert os.stat(tmp_path / "state").st_mode & 0o777 == 0o700
    store.close()


def test_without_a_url_the_store_is_in_the_users_state_folder() -> None:
    assert default_url({"HOME": "/home/ada"}) == "sqlite:////home/ada/.local/state/litellm-governance/governance.db"
    assert default_url({"XDG_STATE_HOME": "/s", "HOME": "/h"}) == "sqlite:////s/litellm-governance/governance.db"
    assert default_url({"GOVERNANCE_STATE_DIR": "/var/g", "HOME": "/h"}) == "sqlite:////var/g/governance.db"


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_file_on_a_network_file_system_is_refused(tmp_path: Path, kind: str) -> None:
    mounts = tmp_path / "mountinfo"
    inside = tmp_path.resolve() / "shared"
    mounts.write_text(
        "22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        f"23 22 0:21 / {inside} rw,relatime - {kind} server:/export rw\n"
        f"24 23 0:22 / {inside}/local rw,relatime - ext4 /dev/sdb1 rw\n"
    )

    with pytest.raises(StoreUnavailable, match=f"network file system \\({kind}\\), where SQLite loses data; put it on"):
        connect(f"sqlite:///{inside}/deeper/governance.db", str(mounts))
    connect(f"sqlite:///{inside}/local/governance.db", str(mounts)).dispose()
    connect(f"sqlite:///{tmp_path}/governance.db", str(mounts)).dispose()
