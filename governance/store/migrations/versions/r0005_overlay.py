"""The overlay, and events of the audit that are about no revision."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final = "0004"

_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    """An event may be about something that is no policy; who reads old ones finds them unchanged."""
    op.create_table(
        "overlay_entry",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("entry", sa.Text, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("policy_event", "revision_id", nullable=True)
        op.alter_column("policy_event", "after_hash", nullable=True)
    else:
        _made_anew()


def downgrade() -> None:
    """Takes the entries away. Columns that may be empty stay so: the chain has events that need it, for good."""
    op.drop_table("overlay_entry")


def _made_anew() -> None:
    """SQLite changes no column. Source: sqlite.org/lang_altertable.html, section 7."""
    op.create_table(
        "policy_event_new",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("revision_id", _ID, sa.ForeignKey("policy_revision.id")),
        sa.Column("before_hash", sa.Text),
        sa.Column("after_hash", sa.Text),
        sa.Column("entries", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("prev_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.execute("INSERT INTO policy_event_new SELECT * FROM policy_event")
    op.drop_table("policy_event")  # and its triggers, which do not fire
    op.rename_table("policy_event_new", "policy_event")
    for change in ("UPDATE", "DELETE"):
        refusal = "SELECT RAISE(ABORT, 'policy_event is append-only')"
        op.execute(
            f"CREATE TRIGGER policy_event_keeps_{change.lower()} BEFORE {change} ON policy_event BEGIN {refusal}; END"
        )
