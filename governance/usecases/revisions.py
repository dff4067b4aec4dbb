"""Which policies were in force, and which is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from governance.model.errors import GovernanceError
from governance.policy.load import read_text
from governance.policy.revision import document_hash
from governance.store import Pointer, Revision, Store
from governance.usecases.candidate import document_of

# What is asked about is mostly of today.
_MOST_LOOKED_AT: Final = 200


class NoSuchRevision(GovernanceError):
    """The store has no revision of this number, or none at all."""


@dataclass(frozen=True)
class History:
    """A page of revisions, the newest first, and the pointer; None before the first revision."""

    revisions: tuple[Revision, ...]
    pointer: Pointer | None


@dataclass(frozen=True)
class Drift:
    """The policy file against the revision in force, which it does not change."""

    file_hash: str
    active: Revision

    @property
    def in_sync(self) -> bool:
        return self.file_hash == self.active.hash


def row(revision: Revision) -> dict[str, Any]:
    """A revision without its text, as plain values."""
    values = asdict(revision)
    del values["yaml"], values["tests"]
    return {**values, "created_at": revision.created_at.isoformat()}


def whole(revision: Revision) -> dict[str, Any]:
    """The same with its text, and that of its tests."""
    return {**row(revision), "yaml": revision.yaml, "tests": revision.tests}


def rows(page: History) -> list[dict[str, Any]]:
    """A page of revisions: which is `active`, and which is a `candidate`, and how far that one is tried."""
    pointer = page.pointer

    def place(id: int) -> dict[str, Any]:
        if pointer is None:
            return {"active": False}
        tried = {"candidate": pointer.staging._asdict()} if id == pointer.candidate_id else {}
        return {"active": id == pointer.active_id, **tried}

    return [{**row(each), **place(each.id)} for each in page.revisions]


def history(store: Store, most: int, before_id: int | None = None) -> History:
    """The newest revisions, from the one before `before_id` on. Raises StoreUnavailable."""
    with store.read() as work:
        return History(tuple(work.revisions.newest(most, before_id)), work.pointer.get())


def show(store: Store, id: int | None = None) -> Revision:
    """One revision; without a number, the one in force. Raises NoSuchRevision, StoreUnavailable."""
    with store.read() as work:
        if id is None:
            pointer = work.pointer.get()
            if pointer is None:
                raise NoSuchRevision(
                    f"the store ({store.name}) has no revision yet; a proxy with `policy: {{source: database}}` puts "
                    "its policy file there when it starts"
                )
            id = pointer.active_id
        found = work.revisions.get(id)
    if found is None:
        raise NoSuchRevision(f"there is no revision {id}; `governance policy history` lists them")
    return found


def by_hash(store: Store, hash: str) -> Revision | None:
    """The newest of the late revisions that says this; None where none does. Raises StoreUnavailable."""
    page = history(store, _MOST_LOOKED_AT)
    return next((revision for revision in page.revisions if revision.hash == hash), None)


def drift(store: Store, file: Path) -> Drift:
    """Raises PolicyError where the file is no YAML, NoSuchRevision, StoreUnavailable."""
    return Drift(document_hash(document_of(read_text(file), file.name)), show(store))
