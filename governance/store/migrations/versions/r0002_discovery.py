"""What discovery knows of models, and which pages about them were set."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "discovery_source",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("listed", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "discovery_page",
        sa.Column("provider", sa.Text, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
    )
    op.create_table(
        "discovery_version",
        sa.Column("realm", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "discovery_taken_over",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Takes them away; providers are read again."""
    for table in ("discovery_taken_over", "discovery_version", "discovery_page", "discovery_source"):
        op.drop_table(table)
