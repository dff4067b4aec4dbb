"""Policies that people write together before they are planned, tried and put in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from governance.model.errors import GovernanceError
from governance.policy.document import Core
from governance.store import Draft, Store
from governance.usecases.candidate import usable
from governance.usecases.change_policy import LONGEST_COMMENT, Author
from governance.usecases.noted import plain

MOST_DRAFTS: Final = 1_000
_LONGEST_NAME: Final = 200


class NoSuchDraft(GovernanceError):
    """There is no draft of this number, or it is gone."""


class StaleDraft(GovernanceError):
    """Somebody has changed the draft since; nothing was done.

    Args:
        draft: as it is now.
    """

    def __init__(self, draft: Draft) -> None:
        super().__init__(
            f"draft {draft.id} is at version {draft.version} by now; read it, and put your change into that one"
        )
        self.draft = draft


class TooManyDrafts(GovernanceError):
    """Nobody finds anything among so many."""


@dataclass(frozen=True)
class Text:
    """What somebody writes.

    Args:
        base_hash: of the policy that it was made from.
    """

    yaml: str
    base_hash: str
    comment: str = ""


def about(draft: Draft) -> dict[str, Any]:
    """A draft without its text, as plain values."""
    values = asdict(draft)
    del values["yaml"], values["base_hash"]
    moments = {name: getattr(draft, name).isoformat() for name in ("created_at", "updated_at")}
    return {**values, "base": draft.base_hash, **moments}


def drafts(store: Store, most: int, before_id: int | None = None) -> list[Draft]:
    """The newest first, without their texts. Raises StoreUnavailable."""
    with store.read() as work:
        return work.drafts.newest(most, before_id)


def draft(store: Store, id: int) -> Draft:
    """One of them. Raises NoSuchDraft, StoreUnavailable."""
    with store.read() as work:
        found = work.drafts.get(id)
    if found is None:
        raise NoSuchDraft(f"there is no draft {id}")
    return found


def begin_draft(
    store: Store, text: Text, *, file: Core, environment: Mapping[str, str], author: Author, now: datetime
) -> Draft:
    """Keep a new one.

    Raises:
        PolicyError, GovernanceError: it cannot be used as a policy. Only what can be read is known to hold no secret.
        TooManyDrafts, StoreUnavailable: nothing was done.
    """
    usable(text.yaml, "policy", file, environment)
    with store.write() as work:
        if work.drafts.count() >= MOST_DRAFTS:
            raise TooManyDrafts(f"there are {MOST_DRAFTS:,} drafts; take some out first")
        name = plain(author.name, _LONGEST_NAME)
        comment = plain(text.comment, LONGEST_COMMENT)
        return work.drafts.add(Draft(0, text.base_hash, text.yaml, name, author.kind, comment, 0, now, now))


def change_draft(
    store: Store,
    id: int,
    text: Text,
    *,
    version: int | None,
    file: Core,
    environment: Mapping[str, str],
    now: datetime,
) -> Draft:
    """Give it another text.

    Args:
        version: the one that the writer has seen; None = whichever there is.

    Raises:
        NoSuchDraft, StaleDraft, StoreUnavailable, PolicyError, GovernanceError: nothing was done.
    """
    usable(text.yaml, "policy", file, environment)
    with store.write() as work:
        old = _seen(work.drafts.get(id), id, version)
        comment = plain(text.comment, LONGEST_COMMENT)
        work.drafts.change(id, old.version, yaml=text.yaml, base_hash=text.base_hash, comment=comment, at=now)
        new = replace(old, yaml=text.yaml, base_hash=text.base_hash, comment=comment)
        return replace(new, version=old.version + 1, updated_at=now)


def remove_draft(store: Store, id: int, *, version: int | None) -> None:
    """Take it out. Raises NoSuchDraft, StaleDraft, StoreUnavailable."""
    with store.write() as work:
        work.drafts.remove(id, _seen(work.drafts.get(id), id, version).version)


def _seen(found: Draft | None, id: int, version: int | None) -> Draft:
    if found is None:
        raise NoSuchDraft(f"there is no draft {id}")
    if version not in (None, found.version):
        raise StaleDraft(found)
    return found
