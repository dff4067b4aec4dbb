"""Plans that somebody has looked at, kept so that just these can be put in force."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import sqlalchemy as sa

from governance.store.records import KeptPlan
from governance.store.tables import policy_plan

# Of others, a plan is made anew in a moment.
MOST: Final = 100


class Plans:
    """The newest hundred."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def keep(self, plan: KeptPlan) -> None:
        """Keep this one, in the place of an earlier one of the same id; the oldest goes."""
        self._connection.execute(sa.delete(policy_plan).where(policy_plan.c.id == plan.id))
        self._connection.execute(sa.insert(policy_plan).values(asdict(plan)))
        newest = sa.select(policy_plan.c.id).order_by(policy_plan.c.created_at.desc(), policy_plan.c.id).limit(MOST)
        kept = self._connection.execute(newest).scalars().all()
        self._connection.execute(sa.delete(policy_plan).where(policy_plan.c.id.not_in(kept)))

    def get(self, id: str) -> KeptPlan | None:
        """The plan of this id; None where it is not kept."""
        found = self._connection.execute(sa.select(policy_plan).where(policy_plan.c.id == id)).first()
        return None if found is None else KeptPlan(**found._mapping)
