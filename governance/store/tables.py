"""The tables, as the newest migration leaves them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Final

import sqlalchemy as sa

from governance.traffic.spent import SUMS, Cell

metadata: Final = sa.MetaData()

# SQLite counts up by itself only what is called INTEGER.
_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class UtcTime(sa.TypeDecorator[datetime]):
    """A moment with its zone, which SQLite would forget."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


policy_revision: Final = sa.Table(
    "policy_revision",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("parent_id", _Id, sa.ForeignKey("policy_revision.id")),
    sa.Column("yaml", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("author_kind", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("tests", sa.Text, nullable=False, server_default=""),
    sa.Column("forced", sa.Boolean, nullable=False, server_default=sa.false()),
)

policy_pointer: Final = sa.Table(
    "policy_pointer",
    metadata,
    sa.Column("realm", sa.Text, primary_key=True),
    sa.Column("active_id", _Id, sa.ForeignKey("policy_revision.id"), nullable=False),
    sa.Column("version", _Id, nullable=False),
    sa.Column("changed_at", UtcTime, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("candidate_id", _Id),
    sa.Column("candidate_percent", sa.Integer),
    sa.Column("candidate_shadow_percent", sa.Integer),
)

policy_plan: Final = sa.Table(
    "policy_plan",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("base_hash", sa.Text, nullable=False),
    sa.Column("yaml", sa.Text, nullable=False),
    sa.Column("tests", sa.Text),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
)

policy_event: Final = sa.Table(
    "policy_event",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("actor_kind", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    # Of what is no policy, the one in force; in a store that has none, nothing.
    sa.Column("revision_id", _Id, sa.ForeignKey("policy_revision.id")),
    sa.Column("before_hash", sa.Text),
    sa.Column("after_hash", sa.Text),
    # Text, not JSON: its hash is over these very characters.
    sa.Column("entries", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("prev_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)

overlay_entry: Final = sa.Table(
    "overlay_entry",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("entry", sa.Text, nullable=False),
)

policy_worker: Final = sa.Table(
    "policy_worker",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("active_id", _Id),
    sa.Column("refused_id", _Id),
    sa.Column("reason", sa.Text),
    sa.Column("seen_at", UtcTime, nullable=False),
    sa.Column("seen_version", _Id),
    sa.Column("candidate_id", _Id),
)

discovery_source: Final = sa.Table(
    "discovery_source",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("listed", sa.Text, nullable=False),
    # That of the whole at the last change of this row, so that a reader asks for what is new alone.
    sa.Column("version", sa.BigInteger, nullable=False),
)

discovery_page: Final = sa.Table(
    "discovery_page",
    metadata,
    sa.Column("provider", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
)

discovery_version: Final = sa.Table(
    "discovery_version",
    metadata,
    sa.Column("realm", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)

discovery_taken_over: Final = sa.Table(
    "discovery_taken_over",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)

policy_draft: Final = sa.Table(
    "policy_draft",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("base_hash", sa.Text, nullable=False),
    sa.Column("yaml", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("author_kind", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("version", _Id, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
)

policy_answer: Final = sa.Table(
    "policy_answer",
    metadata,
    sa.Column("caller", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("asked", sa.Text, nullable=False),
    sa.Column("begun_at", UtcTime, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("headers", sa.Text),
    sa.Column("body", sa.Text),
)

page_session: Final = sa.Table(
    "page_session",
    metadata,
    # Of what the browser has: who reads this table can log in as nobody.
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("ends_at", UtcTime, nullable=False),
    sa.Index("page_session_ends_at", "ends_at"),
)

backtest: Final = sa.Table(
    "backtest",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("active_hash", sa.Text, nullable=False),
    sa.Column("candidate_hash", sa.Text, nullable=False),
    # Text, not JSON: it is compared as it stands.
    sa.Column("asked", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("begun_at", UtcTime, nullable=False),
    sa.Column("seen_at", UtcTime, nullable=False),
    sa.Column("progress", sa.Text, nullable=False),
    sa.Column("result", sa.LargeBinary),
    sa.Column("error", sa.Text),
    sa.Index("backtest_of_both", "active_hash", "candidate_hash"),
)

spend_hour: Final = sa.Table(
    "spend_hour",
    metadata,
    sa.Column("hour_s", sa.BigInteger, primary_key=True, autoincrement=False),
    # A digest of the names: together they are too long for an index.
    sa.Column("cell", sa.Text, primary_key=True),
    *[sa.Column(name, sa.Text, nullable=False) for name in Cell._fields[1:]],
    *[sa.Column(name, sa.BigInteger, nullable=False) for name in SUMS],
)

spend_source: Final = sa.Table(
    "spend_source",
    metadata,
    sa.Column("worker", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("batch", sa.BigInteger, nullable=False),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("seen_at", UtcTime, nullable=False),
)

spend_name: Final = sa.Table(
    "spend_name",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
)
