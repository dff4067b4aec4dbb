"""Plans that were looked at, kept so that just these can be put in force: on what they were made, and nothing else."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from governance.model.errors import GovernanceError
from governance.store import KeptPlan, Store
from governance.usecases.noted import Author, name_of

_ID: Final = re.compile(r"[0-9a-f]{64}")


class NoSuchPlan(GovernanceError):
    """The store does not keep this plan, or no longer."""


def keep_plan(store: Store, id: str, base: str, text: str, tests: str | None, author: Author, now: datetime) -> None:
    """Keep what was planned; the hundred newest are kept. Raises StoreUnavailable.

    Args:
        base: the hash of the policy that it was planned on.
        tests: that it brings; None = those of the policy in force.
    """
    with store.write() as work:
        work.plans.keep(KeptPlan(id, base, text, tests, name_of(author), now))


def planned(store: Store, id: str) -> KeptPlan:
    """A plan by its id. Raises NoSuchPlan, StoreUnavailable."""
    found = None
    if _ID.fullmatch(id):
        with store.read() as work:
            found = work.plans.get(id)
    if found is None:
        raise NoSuchPlan(f"no plan {id[:64]} is kept; plan the policy again, and apply that one")
    return found
