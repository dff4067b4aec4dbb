"""Every policy that was ever in force."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from governance.store.records import Revision
from governance.store.tables import policy_revision

# The format of policies that this version reads (`version: 1` of the document).
SCHEMA_VERSION: Final = 1


class Revisions:
    """Appended to, never changed."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(
        self,
        *,
        hash: str,
        parent_id: int | None,
        yaml: str,
        author: str,
        author_kind: str,
        source: str,
        comment: str,
        created_at: datetime,
        tests: str = "",
        forced: bool = False,
    ) -> Revision:
        """Keep a policy; it is not yet in force."""
        values: dict[str, Any] = {
            "hash": hash,
            "parent_id": parent_id,
            "yaml": yaml,
            "author": author,
            "author_kind": author_kind,
            "source": source,
            "comment": comment,
            "created_at": created_at,
            "schema_version": SCHEMA_VERSION,
            "tests": tests,
            "forced": forced,
        }
        added = self._connection.execute(sa.insert(policy_revision).values(values))
        assert added.inserted_primary_key is not None  # noqa: S101 - of every insert of one row
        return Revision(id=added.inserted_primary_key[0], **values)

    def get(self, id: int) -> Revision | None:
        """The revision of this number; None where there is none."""
        if not 0 < id < 2**63:
            return None
        found = self._connection.execute(sa.select(policy_revision).where(policy_revision.c.id == id)).first()
        return None if found is None else Revision(**found._mapping)

    def newest(self, most: int, before_id: int | None = None) -> list[Revision]:
        """The newest first, from the one before `before_id` on."""
        asked = sa.select(policy_revision).order_by(policy_revision.c.id.desc()).limit(most)
        if before_id is not None:
            asked = asked.where(policy_revision.c.id < min(before_id, 2**63 - 1))
        return [Revision(**row._mapping) for row in self._connection.execute(asked)]
