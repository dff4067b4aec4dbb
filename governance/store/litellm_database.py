"""LiteLLM's own tables, read as they are and never written."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from governance.model.errors import StoreUnavailable
from governance.policy.import_litellm_database import Tables
from governance.policy.truth import shown
from governance.store.connection import clear_faults

_TABLES: Final = {
    "keys": "LiteLLM_VerificationToken",
    "teams": "LiteLLM_TeamTable",
    "users": "LiteLLM_UserTable",
    "customers": "LiteLLM_EndUserTable",
    "members": "LiteLLM_TeamMembership",
    "organizations": "LiteLLM_OrganizationTable",
    "budgets": "LiteLLM_BudgetTable",
}
_CONNECT_WITHIN_S: Final = 10


def read_litellm_database(url: str) -> Tables:
    """Everything that an import looks at, of one moment.

    Raises:
        StoreUnavailable: it does not answer, or LiteLLM has no tables there.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise StoreUnavailable("LiteLLM's database is a PostgreSQL: its URL begins with postgresql://")
    address = sa.make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+psycopg")
    # Settings of LiteLLM's client, such as its connection_limit, are none of this one's.
    schema = str(address.query.get("schema", "public"))
    engine = sa.create_engine(address.set(query={}), connect_args={"connect_timeout": _CONNECT_WITHIN_S})
    try:
        with clear_faults(url), engine.connect() as connection:
            connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            there = set(sa.inspect(connection).get_table_names(schema=schema))
            if _TABLES["keys"] not in there:
                raise StoreUnavailable(
                    f"LiteLLM has no tables in {shown(url)}: it makes them when it first starts there"
                )
            return Tables(**{kind: _rows(connection, schema, name) for kind, name in _TABLES.items() if name in there})
    finally:
        engine.dispose()


def _rows(connection: sa.Connection, schema: str, table: str) -> list[dict[str, Any]]:
    found = connection.execute(sa.select(sa.text("*")).select_from(sa.table(table, schema=schema)))
    return [dict(row) for row in found.mappings()]
