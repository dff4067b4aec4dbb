"""Policies that somebody is writing; none of them is in force."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from governance.store.records import Draft
from governance.store.tables import policy_draft

_ABOUT = [column for column in policy_draft.c if column.name != "yaml"]


class Drafts:
    """Each is changed by whoever has seen its last version."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, draft: Draft) -> Draft:
        """Keep a new one; its number is made here."""
        values: dict[str, Any] = {**asdict(draft), "version": 1}
        del values["id"]
        added = self._connection.execute(sa.insert(policy_draft).values(values))
        assert added.inserted_primary_key is not None  # noqa: S101 - of every insert of one row
        return Draft(id=added.inserted_primary_key[0], **values)

    def get(self, id: int) -> Draft | None:
        """The draft of this number; None where there is none."""
        if not 0 < id < 2**63:
            return None
        found = self._connection.execute(sa.select(policy_draft).where(policy_draft.c.id == id)).first()
        return None if found is None else Draft(**found._mapping)

    def newest(self, most: int, before_id: int | None = None) -> list[Draft]:
        """The newest first, without their texts."""
        asked = sa.select(*_ABOUT).order_by(policy_draft.c.id.desc()).limit(most)
        if before_id is not None:
            asked = asked.where(policy_draft.c.id < min(before_id, 2**63 - 1))
        return [Draft(**row._mapping, yaml="") for row in self._connection.execute(asked)]

    def count(self) -> int:
        """How many there are."""
        return int(self._connection.execute(sa.select(sa.func.count()).select_from(policy_draft)).scalar_one())

    def change(self, id: int, from_version: int, *, yaml: str, base_hash: str, comment: str, at: datetime) -> bool:
        """Another text. False, and nothing is done, where somebody has changed it since `from_version`."""
        changed = self._connection.execute(
            sa.update(policy_draft)
            .where(policy_draft.c.id == id, policy_draft.c.version == from_version)
            .values(yaml=yaml, base_hash=base_hash, comment=comment, updated_at=at, version=from_version + 1)
        )
        return bool(changed.rowcount)

    def remove(self, id: int, from_version: int) -> bool:
        """Without it. False, and nothing is done, where somebody has changed it since."""
        gone = self._connection.execute(
            sa.delete(policy_draft).where(policy_draft.c.id == id, policy_draft.c.version == from_version)
        )
        return bool(gone.rowcount)
