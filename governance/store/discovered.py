"""What discovery knows of models, a row for each source, and the pages about them that were set by hand."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from pydantic import ValidationError

from governance.discovery import Change, Earlier, Listed, State
from governance.store.tables import discovery_page, discovery_source, discovery_taken_over, discovery_version


class Known(NamedTuple):
    """What is known, as of one moment.

    Args:
        version: counts the changes of any of it; 0 before the first.
        damaged: names of sources whose rows cannot be read.
    """

    state: State
    version: int
    damaged: tuple[str, ...] = ()


NOTHING = Known(State(), 0)


class Discovered:
    """That of one realm, whose version it counts."""

    def __init__(self, connection: sa.Connection, realm: str) -> None:
        self._connection = connection
        self._realm = realm

    def since(self, known: Known = NOTHING) -> Known:
        """What is known by now; reads only what has changed since `known`, and is that very object if nothing has.

        Of a row that cannot be read, what was known stays.
        """
        version = self._version()
        if version == known.version:
            return known
        if version < known.version:  # another store stands in its place
            known = NOTHING
        sources, damaged = dict(known.state.sources), set(known.damaged)
        asked = sa.select(discovery_source).where(discovery_source.c.version > known.version)
        for row in self._connection.execute(asked):
            try:
                sources[row.name] = Listed.model_validate_json(row.listed)
                damaged.discard(row.name)
            except (ValidationError, RecursionError):
                damaged.add(row.name)
        pages = {row.provider: row.url for row in self._connection.execute(sa.select(discovery_page))}
        return Known(State(sources=sources, docs_urls=pages), version, tuple(sorted(damaged)))

    def change(self, change: Change) -> Known:
        """Keep what `change` makes of what is known. The transaction must be one that writes."""
        before = self.since()
        after = change(before.state)
        version = before.version + 1
        for name, listed in after.sources.items():
            if listed != before.state.sources.get(name):
                self._put(discovery_source, "name", name, listed=listed.model_dump_json(), version=version)
        if after.docs_urls != before.state.docs_urls:
            self._connection.execute(sa.delete(discovery_page))
            for provider, url in after.docs_urls.items():
                self._connection.execute(sa.insert(discovery_page).values(provider=provider, url=url))
        if after == before.state:
            return before
        self._put(discovery_version, "realm", self._realm, version=version)
        return self.since(before)

    def take_over(self, earlier: Earlier, at: datetime) -> bool:
        """Add what a file of an earlier version knows besides; False where the same was taken over before."""
        if self.has_taken_over(earlier.digest):
            return False
        self.change(lambda state: state.completed_by(earlier.state))
        values = {"digest": earlier.digest, "path": str(earlier.path), "at": at}
        self._connection.execute(sa.insert(discovery_taken_over).values(values))
        return True

    def has_taken_over(self, digest: str) -> bool:
        """Whether a file of this content was taken over."""
        asked = sa.select(discovery_taken_over.c.digest).where(discovery_taken_over.c.digest == digest)
        return self._connection.execute(asked).first() is not None

    def _version(self) -> int:
        asked = sa.select(discovery_version.c.version).where(discovery_version.c.realm == self._realm)
        return self._connection.execute(asked).scalar() or 0

    def _put(self, table: sa.Table, key: str, name: str, **values: object) -> None:
        changed = self._connection.execute(sa.update(table).where(table.c[key] == name).values(values))
        if not changed.rowcount:
            self._connection.execute(sa.insert(table).values({key: name, **values}))
