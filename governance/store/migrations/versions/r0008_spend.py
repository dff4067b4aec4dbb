"""What was spent, by the hour, and how far the traffic of each worker is counted."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0008"
down_revision: Final = "0007"

_NAMES: Final = ("team", "key", "user", "model", "target", "profile", "tags", "code")
_SUMS: Final = (
    *("requests", "failed", "input_tokens", "output_tokens", "cached_tokens"),
    *("usd_micros", "saved_usd_micros", "kept_usd_micros"),
)


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "spend_hour",
        sa.Column("hour_s", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("cell", sa.Text, primary_key=True),
        *[sa.Column(name, sa.Text, nullable=False) for name in _NAMES],
        *[sa.Column(name, sa.BigInteger, nullable=False) for name in _SUMS],
    )
    op.create_table(
        "spend_source",
        sa.Column("worker", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("batch", sa.BigInteger, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "spend_name",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Takes them away with everything in them."""
    op.drop_table("spend_name")
    op.drop_table("spend_source")
    op.drop_table("spend_hour")
