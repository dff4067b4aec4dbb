"""The store as a whole: opened by its URL, brought up to date, and worked with in units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.schema import CreateSchema

from governance.model.errors import StoreUnavailable
from governance.policy.truth import default_url, shown
from governance.store.connection import SCHEMA, clear_faults, connect
from governance.store.migrations import LATEST
from governance.store.unit_of_work import UnitOfWork, transaction


class Store:
    """A database of revisions, pointer, audit and workers."""

    def __init__(self, url: str) -> None:
        """Raises StoreUnavailable where it could not be kept safely."""
        self.url = url
        self._engine = connect(url)

    @property
    def name(self) -> str:
        """What it may be called in messages: its URL without secrets."""
        return shown(self.url)

    @contextmanager
    def read(self) -> Iterator[UnitOfWork]:
        """One state of the store, whoever writes meanwhile. Raises StoreUnavailable."""
        with clear_faults(self.url), transaction(self._engine, writes=False) as connection:
            yield UnitOfWork(connection)

    @contextmanager
    def write(self) -> Iterator[UnitOfWork]:
        """Everything that is done in it, or nothing; nobody else writes meanwhile. Raises StoreUnavailable."""
        with clear_faults(self.url), transaction(self._engine, writes=True) as connection:
            yield UnitOfWork(connection)

    def migrate(self, to: str = "head") -> None:
        """Make the tables those of this version, of another step, or none (`base`); of several who start, one does.

        Raises:
            StoreUnavailable: it does not answer, or a newer version has made it.
        """
        # Only now: who finds the tables of this version never comes here, and this is 12 MB of modules.
        from alembic import command
        from alembic.config import Config
        from alembic.runtime.migration import MigrationContext
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", "governance.store:migrations")
        steps = ScriptDirectory.from_config(config)
        with clear_faults(self.url), transaction(self._engine, writes=True) as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL statement_timeout TO 0")
                # `IF NOT EXISTS` would ask for the right to make one also where there is one.
                if not sa.inspect(connection).has_schema(SCHEMA):
                    connection.execute(CreateSchema(SCHEMA))
            now = MigrationContext.configure(connection).get_current_revision()
            if now is not None and now not in {step.revision for step in steps.walk_revisions()}:
                raise StoreUnavailable(
                    f"the store ({self.name}) was made by a newer version of governance (step {now}); update this one"
                )
            config.attributes["connection"] = connection
            earlier = set() if now is None else {step.revision for step in steps.walk_revisions("base", now)}
            down = to == "base" or (to != now and to in earlier)
            (command.downgrade if down else command.upgrade)(config, to)

    def is_latest(self) -> bool:
        """Whether its tables are of this version, without a look at the steps. Raises StoreUnavailable."""
        with clear_faults(self.url), transaction(self._engine, writes=False) as connection:
            schema = SCHEMA if connection.dialect.name == "postgresql" else None
            if not sa.inspect(connection).has_table("alembic_version", schema):
                return False
            return list(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars()) == [LATEST]

    def close(self) -> None:
        """Let go of its connections."""
        self._engine.dispose()


def open_store(url: str | None, environment: Mapping[str, str]) -> Store:
    """The store at `url`, or the default one, with tables of this version. Raises StoreUnavailable."""
    store = Store(url or default_url(environment))
    try:
        if not store.is_latest():
            store.migrate()
    except BaseException:  # whatever it was, nobody else will close it
        store.close()
        raise
    return store
