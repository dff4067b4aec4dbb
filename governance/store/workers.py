"""Which process serves by which revision."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from governance.store.records import Worker
from governance.store.tables import policy_worker


class Workers:
    """Each tells of itself again and again; who has not for a while is no more."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def tell(self, worker: Worker) -> None:
        """What one worker serves by now."""
        values = asdict(worker)
        changed = self._connection.execute(
            sa.update(policy_worker).where(policy_worker.c.id == worker.id).values(values)
        )
        if not changed.rowcount:
            self._connection.execute(sa.insert(policy_worker).values(values))

    def seen_since(self, since: datetime) -> list[Worker]:
        """Those that told of themselves since then, by id."""
        asked = sa.select(policy_worker).where(policy_worker.c.seen_at >= since).order_by(policy_worker.c.id)
        return [Worker(**row._mapping) for row in self._connection.execute(asked)]

    def forget(self, id: str) -> None:
        """This one ends."""
        self._connection.execute(sa.delete(policy_worker).where(policy_worker.c.id == id))

    def forget_unseen(self, since: datetime) -> None:
        """Those that have not told of themselves since then."""
        self._connection.execute(sa.delete(policy_worker).where(policy_worker.c.seen_at < since))
