"""Who has logged in to the pages."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0006"
down_revision: Final = "0005"

_TIME: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "page_session",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("ends_at", _TIME, nullable=False),
    )
    op.create_index("page_session_ends_at", "page_session", ["ends_at"])


def downgrade() -> None:
    """Takes it away with everything in it."""
    op.drop_table("page_session")
