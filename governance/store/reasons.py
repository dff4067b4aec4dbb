"""Why the database did not do what it was asked, in our own words: those of PostgreSQL's client repeat its URL."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

# PostgreSQL 18, appendix A.
_STATES: Final = {
    "25006": "it is a replica, which takes no writes",
    "28000": "its user may not log in from here",
    "28P01": "user or password is not right",
    "3D000": "there is no such database",
    "42501": "its user may not do this",
    "53100": "its disk is full",
    "53300": "it has too many connections",
    "55P03": "others hold it locked for too long",
    "57014": "it took too long",
    "57P01": "it is shutting down",
    "57P03": "it is starting",
}
_RAISED_BY_US: Final = "P0001"  # by a trigger of our migrations
_CONNECTING: Final = {
    "Connection refused": "the connection is refused",
    "timeout expired": "no connection in time",
    "could not translate host name": "the name of its host is not known to the resolver",
    "failed to resolve host": "the name of its host is not known to the resolver",
    "certificate": "TLS: its certificate is not accepted",
    "SSL": "TLS cannot be spoken with it",
    "password": "user or password is not right",
    "closed the connection": "it closed the connection",
}


def reason(error: SQLAlchemyError) -> str:
    """One line that holds nothing of the URL."""
    cause = getattr(error, "orig", None)
    if cause is None:
        return type(error).__name__
    said = str(cause).strip().partition("\n")[0]
    if isinstance(cause, sqlite3.Error):
        return said  # of statements and files of ours
    state = getattr(cause, "sqlstate", None)
    if state == _RAISED_BY_US:
        return said
    if state in _STATES:
        return _STATES[state]
    if state:
        return f"error {state}"
    return next((ours for theirs, ours in _CONNECTING.items() if theirs in str(cause)), type(cause).__name__)
