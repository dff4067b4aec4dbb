"""Why a store does not answer, without what its URL says."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError, TimeoutError

from governance.store.reasons import reason

SECRET = "hunter2-of-the-operator"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            psycopg.OperationalError(f'connection to server at "{SECRET}", port 5432 failed: Connection refused'),
            "refused",
        ),
        (psycopg.OperationalError(f"failed to resolve host '{SECRET}'"), "not known to the resolver"),
        (psycopg.OperationalError(f'FATAL:  password authentication failed for user "{SECRET}"'), "user or password"),
        (psycopg.OperationalError(f'invalid integer value "{SECRET}" for option "port"'), "OperationalError"),
        (errors.InvalidCatalogName(f'database "{SECRET}" does not exist'), "there is no such database"),
        (errors.UndefinedTable(f'relation "{SECRET}" does not exist'), "error 42P01"),
        (errors.RaiseException("policy_event is append-only"), "policy_event is append-only"),
        (sqlite3.OperationalError("database is locked"), "database is locked"),
    ],
)
def test_the_kind_is_told_and_not_what_was_said(error: Exception, told: str) -> None:
    said = reason(DBAPIError(f"SELECT '{SECRET}'", None, error))

    assert told in said
    assert SECRET not in said


def test_what_has_no_cause_is_told_by_its_kind() -> None:
    assert reason(TimeoutError(SECRET)) == "TimeoutError"
