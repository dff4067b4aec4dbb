"""How the tables of any version become those of another, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from governance.discovery import Listed
from governance.model.errors import StoreUnavailable
from governance.store import Staging, Store, Worker, migrations, open_store
from governance.store.connection import connect
from governance.store.tables import metadata
from governance.store.unit_of_work import transaction
from tests.store.rows import NOW, keep, note


def test_of_several_who_start_at_once_one_makes_the_tables(url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: open_store(url, {}), range(6)))

    for store in stores:
        with store.read() as work:
            assert work.pointer.get() is None
        store.close()


def test_the_steps_go_up_and_down_and_up_again_with_data(url: str, store: Store) -> None:
    with store.write() as work:
        kept = keep(work)
        keep(work, parent_id=kept.id)
        work.pointer.move(kept.id, from_version=None, at=NOW, by="ada")
        note(work, kept)
        work.workers.tell(Worker("a", "host", 1, None, None, NOW))
        work.discovered.change(lambda state: state.with_source("openai", Listed(provider="openai", models={"a": {}})))
    store.migrate()
    with store.read() as work:
        assert work.revisions.get(kept.id) == kept, "up once more changes nothing"

    store.migrate("base")
    with pytest.raises(StoreUnavailable), store.read() as work:
        work.pointer.get()
    store.migrate()

    with store.write() as work:
        assert work.revisions.newest(10) == []
        keep(work)


def test_tables_of_this_version_are_told_from_all_others(url: str, store: Store) -> None:
    assert store.is_latest()
    steps = ScriptDirectory(str(Path(migrations.__file__).parent)).walk_revisions()
    for step in [*[step.revision for step in steps][1:], "base"]:
        store.migrate(step)
        assert not store.is_latest(), step

    open_store(url, {}).close()
    assert store.is_latest()


def test_a_worker_of_the_first_version_goes_on_beside_the_newest_tables(store: Store) -> None:
    with store.write() as work:
        kept = keep(work)
        work.pointer.move(kept.id, from_version=None, at=NOW, by="ada", candidate_id=kept.id, staging=Staging(10, 5))
        note(work, kept)
        run = work.revisions._connection.exec_driver_sql
        run("INSERT INTO policy_worker (id, host, active_id, seen_at) VALUES ('old', 'h', 1, '2026-11-20 12:00:00')")
        run(
            "INSERT INTO policy_revision (id, hash, yaml, author, author_kind, source, comment, created_at, "
            "schema_version) VALUES (2, 'sha256:2', 'version: 1', 'old', 'user', 'apply', '', '2026-11-20 12:00:00', 1)"
        )

    with store.read() as work:
        revision, pointer = work.revisions.get(2), work.pointer.get()
        assert revision is not None
        assert (revision.tests, revision.forced) == ("", False)
        assert pointer is not None
        assert pointer.staging == Staging(10, 5)
        assert [worker.seen_version for worker in work.workers.seen_since(NOW - timedelta(days=1))] == [None]


def test_a_step_back_and_forth_keeps_what_was_there_before_it(store: Store) -> None:
    with store.write() as work:
        kept = keep(work)
        work.pointer.move(kept.id, from_version=None, at=NOW, by="ada", candidate_id=kept.id, staging=Staging(10))
        note(work, kept)
        work.workers.tell(Worker("a", "host", 1, None, None, NOW, 1, 1))
        sealed = work.events.last()

    store.migrate("0001")
    with pytest.raises(StoreUnavailable), store.read() as work:
        work.pointer.get()
    store.migrate()

    with store.read() as work:
        assert (work.revisions.get(kept.id), work.events.last()) == (kept, sealed)
        pointer = work.pointer.get()
        assert pointer is not None
        assert (pointer.active_id, pointer.candidate_id, pointer.staging) == (kept.id, None, Staging(0, 0))
    with pytest.raises(StoreUnavailable, match="policy_revision is append-only"), store.write() as work:
        work.revisions._connection.exec_driver_sql("UPDATE policy_revision SET hash = 'other'")


def test_the_steps_lead_to_the_tables_that_the_code_knows(url: str, store: Store) -> None:
    with transaction(connect(url), writes=False) as connection:
        made = sa.inspect(connection)
        tables = {name for name in made.get_table_names() if name != "alembic_version"}
        assert tables == set(metadata.tables)
        for name, table in metadata.tables.items():
            found = {column["name"]: column["nullable"] for column in made.get_columns(name)}
            assert found == {column.name: column.nullable for column in table.columns}, name


def test_a_store_of_a_newer_version_is_left_alone(url: str, store: Store) -> None:
    with store.write() as work:
        work.revisions._connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreUnavailable, match=r"was made by a newer version of governance \(step 9999\); update"):
        open_store(url, {})
