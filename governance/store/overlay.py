"""The overlay, where the ledger keeps nothing: texts by id."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from governance.store.tables import overlay_entry


class OverlayTexts:
    """What is in force beside the policy."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def read(self) -> list[str]:
        """Every text."""
        return list(self._connection.execute(sa.select(overlay_entry.c.entry)).scalars())

    def put(self, id: str, text: str, most: int, without: Sequence[str] = ()) -> bool:
        """Keep a text, and others no longer. False, and it is not kept, where there are `most` already."""
        self._connection.execute(sa.delete(overlay_entry).where(overlay_entry.c.id.in_(without)))
        count = self._connection.execute(sa.select(sa.func.count()).select_from(overlay_entry)).scalar_one()
        if count >= most:
            return False
        self._connection.execute(sa.insert(overlay_entry).values(id=id, entry=text))
        return True

    def take(self, id: str) -> bool:
        """Keep this one no longer; whether it was kept."""
        return bool(self._connection.execute(sa.delete(overlay_entry).where(overlay_entry.c.id == id)).rowcount)
