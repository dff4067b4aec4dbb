"""Logging in to the pages: a key once, then an opaque id for half a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from governance.store import Store

LASTS: Final = timedelta(hours=12)


def begin_session(store: Store, digest: str, sealed: str, now: datetime) -> None:
    """Keep this until `LASTS` has passed.

    Args:
        digest: of the id that the browser keeps; the id itself is kept nowhere else.
        sealed: what nobody can read without the id.

    Raises StoreUnavailable.
    """
    with store.write() as work:
        work.sessions.forget_ended(now)
        work.sessions.begin(digest, sealed, now + LASTS)


def find_session(store: Store, digest: str, now: datetime) -> str | None:
    """What was sealed; None of a session that has ended or never was. Raises StoreUnavailable."""
    with store.read() as work:
        return work.sessions.find(digest, now)


def end_session(store: Store, digest: str) -> None:
    """Log out. Raises StoreUnavailable."""
    with store.write() as work:
        work.sessions.end(digest)
