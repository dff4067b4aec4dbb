"""Revisions, the pointer, the audit and the workers that follow."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None

_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME: Final = sa.DateTime(timezone=True)
APPEND_ONLY: Final = ("policy_revision", "policy_event")


def upgrade() -> None:
    """Makes the tables; what is appended to stays as it is, whoever writes by whatever means."""
    op.create_table(
        "policy_revision",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("parent_id", _ID, sa.ForeignKey("policy_revision.id")),
        sa.Column("yaml", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("author_kind", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
    )
    op.create_table(
        "policy_pointer",
        sa.Column("realm", sa.Text, primary_key=True),
        sa.Column("active_id", _ID, sa.ForeignKey("policy_revision.id"), nullable=False),
        sa.Column("version", _ID, nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
    )
    op.create_table(
        "policy_event",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("revision_id", _ID, sa.ForeignKey("policy_revision.id"), nullable=False),
        sa.Column("before_hash", sa.Text),
        sa.Column("after_hash", sa.Text, nullable=False),
        sa.Column("entries", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("prev_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.create_table(
        "policy_worker",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("active_id", _ID),
        sa.Column("refused_id", _ID),
        sa.Column("reason", sa.Text),
        sa.Column("seen_at", _TIME, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    for table in APPEND_ONLY:
        for change in ("UPDATE", "DELETE"):
            op.execute(_refusing(table, change, op.get_bind().dialect.name))


def downgrade() -> None:
    """Takes them away with everything in them."""
    for table in ("policy_worker", "policy_event", "policy_pointer", "policy_revision"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION append_only()")


def _refusing(table: str, change: str, dialect: str) -> str:
    name = f"{table}_keeps_{change.lower()}"
    if dialect == "postgresql":
        return f"CREATE TRIGGER {name} BEFORE {change} ON {table} FOR EACH ROW EXECUTE FUNCTION append_only()"
    refusal = f"SELECT RAISE(ABORT, '{table} is append-only')"
    return f"CREATE TRIGGER {name} BEFORE {change} ON {table} BEGIN {refusal}; END"
