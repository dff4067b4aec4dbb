"""Who has logged in to the pages, and until when."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from governance.store.tables import page_session


class Sessions:
    """Each is found by the digest of what its browser keeps, and what it holds is sealed by that."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def begin(self, digest: str, sealed: str, ends_at: datetime) -> None:
        """One more."""
        values = {"digest": digest, "sealed": sealed, "ends_at": ends_at}
        self._connection.execute(sa.insert(page_session).values(values))

    def find(self, digest: str, now: datetime) -> str | None:
        """What one that lasts holds; None of one that has ended or never was."""
        asked = sa.select(page_session.c.sealed).where(page_session.c.digest == digest, page_session.c.ends_at > now)
        found: str | None = self._connection.execute(asked).scalar()
        return found

    def end(self, digest: str) -> None:
        """This one is over."""
        self._connection.execute(sa.delete(page_session).where(page_session.c.digest == digest))

    def forget_ended(self, now: datetime) -> None:
        """Those whose time is up."""
        self._connection.execute(sa.delete(page_session).where(page_session.c.ends_at <= now))
