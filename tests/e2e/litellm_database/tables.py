"""LiteLLM's tables in an empty database: its migrations, then what its schema has and they do not have yet.

The package with the migrations is published by itself, and lags behind now and then.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, LiteralString, NamedTuple, cast

import psycopg

from tests.e2e.litellm_database.environment import litellm_schema

_MODEL: Final = re.compile(r"^model (\w+) \{(.*?)^\}", re.MULTILINE | re.DOTALL)
_MAPPED: Final = re.compile(r'@@map\("(\w+)"\)')
_COLUMN: Final = re.compile(r"^\s+(\w+)\s+(\w+)(\[\]|\?)?(.*)$", re.MULTILINE)
_DEFAULT: Final = re.compile(r"@default\(((?:[^()]|\([^()]*\))*)\)")
_TYPES: Final = {
    "String": "TEXT",
    "Int": "INTEGER",
    "BigInt": "BIGINT",
    "Float": "DOUBLE PRECISION",
    "Boolean": "BOOLEAN",
    "DateTime": "TIMESTAMP(3)",
    "Json": "JSONB",
    "Bytes": "BYTEA",
}


class Column(NamedTuple):
    name: str
    sql: str


def make_tables(url: str) -> None:
    """Make all tables of the installed LiteLLM in an empty database."""
    with psycopg.connect(url, autocommit=True) as connection:
        for migration in migrations():
            connection.execute(cast(LiteralString, migration.read_text()))
        known: dict[str, set[str]] = {}
        listed = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        for table, column in connection.execute(listed):
            known.setdefault(table, set()).add(column)
        for table, columns in tables(litellm_schema().read_text()):
            for statement in _missing(table, columns, known.get(table)):
                connection.execute(cast(LiteralString, statement))


def migrations() -> list[Path]:
    found = importlib.util.find_spec("litellm_proxy_extras")
    places = (found and found.submodule_search_locations) or []
    assert places, "litellm-proxy-extras, which has LiteLLM's migrations, is missing"
    return sorted(Path(places[0]).glob("migrations/*/migration.sql"))


def tables(schema: str) -> Iterator[tuple[str, list[Column]]]:
    """Every table of a Prisma schema with its columns; relations are none."""
    for model, body in _MODEL.findall(schema):
        mapped = _MAPPED.search(body)
        found = [_column(*field) for field in _COLUMN.findall(body) if field[1] in _TYPES]
        yield mapped[1] if mapped else model, found


def _column(name: str, kind: str, many: str, more: str) -> Column:
    mapped = re.search(r'@map\("(\w+)"\)', more)
    default = _DEFAULT.search(more)
    sql = f'"{mapped[1] if mapped else name}" {_TYPES[kind]}{"[]" if many == "[]" else ""}'
    if default and re.fullmatch(r"now\(\)|true|false|-?\d+(\.\d+)?", default[1]):
        sql += f" DEFAULT {default[1]}"
    elif default and default[1].startswith('"'):
        text = default[1].strip('"').replace("'", "''")
        sql += f" DEFAULT '{text}'"
    sql += "" if many == "?" or (not default and many == "[]") or "@updatedAt" in more else " NOT NULL"
    sql += " PRIMARY KEY" if re.search(r"@id\b", more) else ""
    return Column(mapped[1] if mapped else name, sql)


def _missing(table: str, columns: list[Column], known: set[str] | None) -> Iterator[str]:
    if known is None:
        yield f'CREATE TABLE "{table}" ({", ".join(column.sql for column in columns)})'
        return
    for column in columns:
        if column.name not in known:
            yield f'ALTER TABLE "{table}" ADD COLUMN {column.sql}'
