"""Which revision is in force."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from governance.store.records import Pointer
from governance.store.tables import policy_pointer


class Pointers:
    """The pointer of one realm."""

    def __init__(self, connection: sa.Connection, realm: str) -> None:
        self._connection = connection
        self._realm = realm

    def get(self) -> Pointer | None:
        """Where it points; None before the first revision."""
        asked = sa.select(policy_pointer).where(policy_pointer.c.realm == self._realm)
        found = self._connection.execute(asked).mappings().first()
        return None if found is None else Pointer(**{key: value for key, value in found.items() if key != "realm"})

    def move(self, to_id: int, *, from_version: int | None, at: datetime, by: str) -> bool:
        """Point to another revision. False, and nothing is done, where somebody moved it since `from_version`.

        Args:
            from_version: the version that the mover has seen; None = there was no pointer.
        """
        values = {"active_id": to_id, "changed_at": at, "changed_by": by}
        if from_version is None:
            if self.get() is not None:
                return False
            self._connection.execute(sa.insert(policy_pointer).values(realm=self._realm, version=1, **values))
            return True
        moved = self._connection.execute(
            sa.update(policy_pointer)
            .where(policy_pointer.c.realm == self._realm, policy_pointer.c.version == from_version)
            .values(version=from_version + 1, **values)
        )
        return bool(moved.rowcount)
