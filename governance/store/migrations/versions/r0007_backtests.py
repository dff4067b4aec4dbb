"""Backtests: what was asked, how far each is, and what came of it."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final = "0006"

_TIME: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "backtest",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("active_hash", sa.Text, nullable=False),
        sa.Column("candidate_hash", sa.Text, nullable=False),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("begun_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("progress", sa.Text, nullable=False),
        sa.Column("result", sa.LargeBinary),
        sa.Column("error", sa.Text),
    )
    op.create_index("backtest_of_both", "backtest", ["active_hash", "candidate_hash"])


def downgrade() -> None:
    """Takes it away with everything in it."""
    op.drop_table("backtest")
