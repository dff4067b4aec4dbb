"""Which revision is in force, and which one is tried."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from governance.store.records import Pointer, Staging
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

    def move(
        self,
        to_id: int,
        *,
        from_version: int | None,
        at: datetime,
        by: str,
        candidate_id: int | None = None,
        staging: Staging | None = None,
    ) -> bool:
        """Point to another revision. False, and nothing is done, where somebody moved it since `from_version`.

        Args:
            from_version: the version that the mover has seen; None = there was no pointer.
            candidate_id, staging: what is tried beside it from now on; None = nothing.
        """
        tried = None if candidate_id is None else staging or Staging(0)
        values = {
            "active_id": to_id,
            "changed_at": at,
            "changed_by": by,
            "candidate_id": candidate_id,
            "candidate_percent": tried and tried.percent,
            "candidate_shadow_percent": tried and tried.shadow_percent,
        }
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
