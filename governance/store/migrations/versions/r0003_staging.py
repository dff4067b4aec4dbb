"""Tests beside a revision, a candidate beside the one in force, and plans that can be put in force.

Everything is added, so that workers of the version before go on beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    """Adds the columns, and the table of plans."""
    for table, column in _added():
        op.add_column(table, column)
    op.create_table(
        "policy_plan",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("base_hash", sa.Text, nullable=False),
        sa.Column("yaml", sa.Text, nullable=False),
        sa.Column("tests", sa.Text),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Takes them away; who is tried by a candidate is served by the policy in force again."""
    op.drop_table("policy_plan")
    for table, column in _added():
        op.drop_column(table, column.name)


def _added() -> Iterator[tuple[str, sa.Column[Any]]]:
    yield "policy_revision", sa.Column("tests", sa.Text, nullable=False, server_default="")
    yield "policy_revision", sa.Column("forced", sa.Boolean, nullable=False, server_default=sa.false())
    for name, kind in (("id", sa.BigInteger()), ("percent", sa.Integer()), ("shadow_percent", sa.Integer())):
        yield "policy_pointer", sa.Column(f"candidate_{name}", kind)
    for name in ("seen_version", "candidate_id"):
        yield "policy_worker", sa.Column(name, sa.BigInteger)
