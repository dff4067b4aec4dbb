"""How a store of any age becomes one of today, by Alembic, from wherever this package is installed."""

from __future__ import annotations

from typing import Final

# The revision of the last step.
LATEST: Final = "0008"
