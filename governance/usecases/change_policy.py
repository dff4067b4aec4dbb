"""Putting a policy in force: the first one, a new one, an old one again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from governance.policy import Policy
from governance.policy.diff import MISSING, Edit, diff
from governance.policy.document import Core
from governance.policy.nodes import dotted
from governance.policy.revision import document_hash
from governance.store import Revision, Store
from governance.store.unit_of_work import UnitOfWork
from governance.usecases.candidate import document_of, usable, usable_revision
from governance.usecases.revisions import show

LONGEST_COMMENT: Final = 2_000
_LONGEST_NAME: Final = 200
# Of one change in the audit; the revisions have everything.
_MOST_ENTRIES: Final = 200
_LONGEST_VALUE: Final = 2_000


class Author(NamedTuple):
    """Who changes a policy.

    Args:
        kind: `user`, `key` or `admin` of a proxy, `command` on a machine, or `file`.
        request_id: what the proxy calls the request; "" where there is none.
    """

    name: str
    kind: str
    request_id: str = ""


@dataclass(frozen=True)
class Applied:
    """This revision is in force now."""

    revision: Revision
    before: Revision


@dataclass(frozen=True)
class Unchanged:
    """It was in force already."""

    revision: Revision


@dataclass(frozen=True)
class Conflict:
    """Somebody else changed the policy since the one that the change was made from; nothing was done."""

    base: str
    active: Revision


Outcome = Applied | Unchanged | Conflict


def seed(store: Store, policy: Policy, author: Author, now: datetime) -> Revision:
    """The revision in force; where there is none yet, this policy becomes it.

    Raises StoreUnavailable.
    """
    with store.write() as work:
        pointer = work.pointer.get()
        found = None if pointer is None else work.revisions.get(pointer.active_id)
        if found is not None:
            return found
        revision = _keep(work, policy.text, policy.revision, None, author, "seed", "", now)
        work.pointer.move(revision.id, from_version=None, at=now, by=revision.author)
        _note(work, "seed", None, revision, author, now)
        return revision


def apply(
    store: Store,
    text: str,
    *,
    base: str | None,
    file: Core,
    environment: Mapping[str, str],
    author: Author,
    comment: str = "",
    now: datetime,
    source: str = "policy",
) -> Outcome:
    """Put a text in force, if the one that it was made from still is.

    Args:
        base: the hash of that one; None = whichever is.
        file: settings that come from the policy file in any case.

    Raises:
        PolicyError, GovernanceError: it cannot be used; nothing was done.
        StoreUnavailable: it is not known whether it was done.
        NoSuchRevision: there is none to begin from.
    """
    show(store)
    usable(text, source, file, environment)
    return _put(store, text, base, author, "apply", comment, now)


def rollback(
    store: Store,
    id: int,
    *,
    base: str | None = None,
    file: Core,
    environment: Mapping[str, str],
    author: Author,
    comment: str = "",
    now: datetime,
) -> Outcome:
    """Put an old revision in force again, as a new one. Raises as `apply` does; NoSuchRevision also for the old one."""
    old = show(store, id)
    usable_revision(old, file, environment)
    return _put(store, old.yaml, base, author, "rollback", comment or f"back to revision {id}", now)


def _put(
    store: Store, text: str, base: str | None, author: Author, action: str, comment: str, now: datetime
) -> Outcome:
    with store.write() as work:
        pointer = work.pointer.get()
        active = None if pointer is None else work.revisions.get(pointer.active_id)
        assert pointer is not None  # noqa: S101 - the caller has shown it, and pointers stay
        assert active is not None  # noqa: S101 - the database holds it by a foreign key
        if base is not None and base != active.hash:
            return Conflict(base, active)
        if text == active.yaml:
            return Unchanged(active)
        hash = document_hash(document_of(text))
        revision = _keep(work, text, hash, active.id, author, action, comment, now)
        if not work.pointer.move(revision.id, from_version=pointer.version, at=now, by=revision.author):
            raise AssertionError("the pointer moved while this unit was the only one that writes")
        _note(work, action, active, revision, author, now)
        return Applied(revision, active)


def _keep(
    work: UnitOfWork,
    text: str,
    hash: str,
    parent_id: int | None,
    author: Author,
    source: str,
    comment: str,
    now: datetime,
) -> Revision:
    return work.revisions.add(
        hash=hash,
        parent_id=parent_id,
        yaml=text,
        author=_plain(author.name, _LONGEST_NAME),
        author_kind=author.kind,
        source=source,
        comment=_plain(comment, LONGEST_COMMENT),
        created_at=now,
    )


def _note(
    work: UnitOfWork, action: str, before: Revision | None, after: Revision, author: Author, now: datetime
) -> None:
    work.events.append(
        at=now,
        actor=after.author,
        actor_kind=after.author_kind,
        action=action,
        revision_id=after.id,
        before_hash=None if before is None else before.hash,
        after_hash=after.hash,
        entries=() if before is None else _changes(before, after),
        reason=after.comment,
        request_id=_plain(author.request_id, _LONGEST_NAME),
    )


def _changes(before: Revision, after: Revision) -> list[dict[str, Any]]:
    # What was in force holds no secret (usable), unless somebody wrote it there by other means.
    try:
        edits = diff(document_of(before.yaml), document_of(after.yaml))
    except Exception:  # a damaged revision must not keep anybody from replacing it
        return [{"kind": "changed", "path": "", "before": "(damaged)", "after": after.hash}]
    told = [_told(edit) for edit in edits[:_MOST_ENTRIES]]
    if len(edits) > _MOST_ENTRIES:
        told.append({"kind": "changed", "path": "", "before": "", "after": f"{len(edits) - _MOST_ENTRIES} more"})
    return told


def _told(edit: Edit) -> dict[str, Any]:
    values = {name: value for name, value in (("before", edit.before), ("after", edit.after)) if value is not MISSING}
    short = {name: value if len(repr(value)) <= _LONGEST_VALUE else "(long)" for name, value in values.items()}
    return {"kind": edit.kind, "path": dotted(edit.path), **short}


def _plain(text: str, most: int) -> str:
    """Text that every database and terminal takes."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)[:most]
