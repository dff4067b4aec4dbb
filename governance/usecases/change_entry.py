"""One entry of the policy in force changed: a plan of one entry, made from that policy and put in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from governance.model.errors import GovernanceError, StoreUnavailable
from governance.policy.document import Core
from governance.policy.sections import Section
from governance.store import Store
from governance.usecases.candidate import usable_revision
from governance.usecases.change_policy import Applied, Author, Conflict, Unchanged, apply
from governance.usecases.compare import compare
from governance.usecases.entries import EntryChange, with_change
from governance.usecases.merge_change import MergedChange, merge_change
from governance.usecases.plan import told
from governance.usecases.revisions import history, show

# Of somebody who takes whichever policy is in force; each loses against one other writer, who then is done.
_MOST_TRIES: Final = 20
_MOST_REVISIONS: Final = 200


@dataclass(frozen=True)
class Stale:
    """Somebody else changed the policy since the one that the change was made from; nothing was done.

    Args:
        merged: the policy in force with the change, or what is at odds; None where the base is no revision of late, or
            did not have the entry.
    """

    conflict: Conflict
    merged: MergedChange | None


EntryOutcome = Applied | Unchanged | Stale


def change_entry(
    store: Store,
    section: Section,
    change: EntryChange,
    *,
    base: str | None,
    file: Core,
    environment: Mapping[str, str],
    author: Author,
    comment: str = "",
    now: datetime,
) -> EntryOutcome:
    """Change one entry, if the policy that the caller has seen is still in force.

    Args:
        base: the hash of that one; None = whichever is.
        file: settings that come from the policy file in any case.

    Raises:
        BadEntry, NoSuchEntry, NameTaken, NotEditable: as `with_change` does; nothing was done.
        PolicyError, GovernanceError: the policy with the change cannot be used, does not pass the tests that are kept
            with it, or another is being tried; nothing was done.
        StoreUnavailable: it is not known whether it was done.
    """
    for _ in range(_MOST_TRIES):
        active = show(store)
        if base is not None and base != active.hash:
            return _stale(store, section, change, Conflict(base, active))
        outcome = apply(
            store,
            with_change(active.yaml, section, change),
            base=active.hash,
            file=file,
            environment=environment,
            author=author,
            comment=comment,
            now=now,
        )
        if isinstance(outcome, Applied | Unchanged):
            return outcome
        if base is not None and isinstance(outcome, Conflict):
            return _stale(store, section, change, outcome)
    raise StoreUnavailable("others change the policy all the time; nothing was done, try again")


def effects(outcome: Applied | Unchanged, file: Core, environment: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """What the change does to callers, as a plan tells it; None where a policy can no longer be read here."""
    if isinstance(outcome, Unchanged):
        return []
    try:
        before, after = (usable_revision(each, file, environment) for each in (outcome.before, outcome.revision))
    except GovernanceError:
        return None
    return [told(change) for change in compare(before, after)]


def _stale(store: Store, section: Section, change: EntryChange, conflict: Conflict) -> Stale:
    page = history(store, _MOST_REVISIONS)
    seen = next((revision for revision in page.revisions if revision.hash == conflict.base), None)
    if seen is None:
        return Stale(conflict, None)
    try:
        mine = with_change(seen.yaml, section, change)
        return Stale(conflict, merge_change(seen.yaml, mine, conflict.active.yaml))
    except StoreUnavailable:
        raise
    except GovernanceError:
        return Stale(conflict, None)
