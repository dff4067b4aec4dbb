"""The databases of a store: a test that asks for one runs on a real SQLite file and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from governance.store import Store, open_store
from tests.postgres import Postgres

Open = Callable[[], Store]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/governance.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def open_one(url: str) -> Iterator[Open]:
    """Opens the same database once more, as another process would."""
    opened: list[Store] = []

    def again() -> Store:
        opened.append(open_store(url, {}))
        return opened[-1]

    yield again
    for store in opened:
        store.close()


@pytest.fixture
def store(open_one: Open) -> Store:
    return open_one()
