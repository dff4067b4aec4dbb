"""A revision that is tried on a share of the callers: another share, in force for all, or no longer tried."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from governance.model.errors import GovernanceError
from governance.policy.document import Core
from governance.store import Pointer, Revision, Staging, Store
from governance.store.unit_of_work import UnitOfWork
from governance.usecases.candidate import usable_revision
from governance.usecases.change_guard import GuardOf
from governance.usecases.change_policy import Applied, Author, Staged
from governance.usecases.noted import name_of, note, staged


class NoCandidate(GovernanceError):
    """No revision is being tried, or another one than was meant; nothing was done.

    Attributes:
        candidate_id: of the one that is; None = there is none.
    """

    def __init__(self, candidate_id: int | None, wanted: int | None) -> None:
        there = "no revision is being tried" if candidate_id is None else f"revision {candidate_id} is being tried"
        super().__init__(there if candidate_id is None or wanted is None else f"{there}, and not revision {wanted}")
        self.candidate_id = candidate_id


def tried(store: Store) -> tuple[Revision, Staging] | None:
    """The revision that is being tried, and how far; None where there is none. Raises StoreUnavailable."""
    with store.read() as work:
        pointer = work.pointer.get()
        found = None if pointer is None or pointer.candidate_id is None else work.revisions.get(pointer.candidate_id)
        return None if pointer is None or found is None else (found, pointer.staging)


def promote(
    store: Store,
    *,
    candidate_id: int | None = None,
    stage: Staging | None = None,
    file: Core,
    environment: Mapping[str, str],
    author: Author,
    comment: str = "",
    now: datetime,
    override_guard: str = "",
) -> Applied | Staged:
    """Put the revision that is tried in force for all, or try it on another share.

    Args:
        candidate_id: which one is meant; None = whichever is tried.
        stage: how far it is tried from now on; None = it is in force.
        override_guard: why it decides against the change guard of the policy in force; "" = it does not.

    Raises:
        NoCandidate: nothing is tried, or another one.
        GuardExceeded, NotJudged: the change guard does not allow it, or nobody has looked yet.
        Damaged, PolicyError, GovernanceError: it can no longer be used.
        StoreUnavailable: it is not known whether it was done.
    """
    with store.read() as work:
        _, active, candidate = _meant(work, candidate_id)
    host = usable_revision(candidate, file, environment)
    guard = GuardOf(file, environment, override_guard, now)
    decides = stage is None or stage.percent > 0
    judgement = guard.judged(store, active, host, candidate.hash) if decides else None
    said = guard.audited(judgement)
    with store.write() as work:
        # While one is tried, neither it nor the one in force changes.
        pointer, active, candidate = _meant(work, candidate.id)
        if stage is None:
            work.pointer.move(candidate.id, from_version=pointer.version, at=now, by=name_of(author))
            note(work, "promote", active, candidate, author, now, comment=comment, more=said)
            return Applied(candidate, active, pointer.version + 1, judgement)
        work.pointer.move(
            active.id,
            from_version=pointer.version,
            at=now,
            by=name_of(author),
            candidate_id=candidate.id,
            staging=stage,
        )
        note(work, "stage", active, active, author, now, comment=comment, more=[staged(candidate, stage), *said])
        return Staged(candidate, active, stage, pointer.version + 1, judgement)


def abort(
    store: Store, *, candidate_id: int | None = None, author: Author, comment: str = "", now: datetime
) -> Applied:
    """Try the revision no longer; the one in force is so for all again. Raises NoCandidate, StoreUnavailable."""
    with store.write() as work:
        pointer, active, candidate = _meant(work, candidate_id)
        work.pointer.move(active.id, from_version=pointer.version, at=now, by=name_of(author))
        told = {"kind": "aborted", "path": "", "before": {"revision_id": candidate.id, **pointer.staging._asdict()}}
        note(work, "abort", active, active, author, now, comment=comment, more=[told])
        return Applied(active, candidate, pointer.version + 1)


def _meant(work: UnitOfWork, candidate_id: int | None) -> tuple[Pointer, Revision, Revision]:
    pointer = work.pointer.get()
    if pointer is None or pointer.candidate_id is None or candidate_id not in (None, pointer.candidate_id):
        raise NoCandidate(None if pointer is None else pointer.candidate_id, candidate_id)
    active, candidate = work.revisions.get(pointer.active_id), work.revisions.get(pointer.candidate_id)
    assert active is not None  # noqa: S101 - the database holds it by a foreign key
    if candidate is None:
        raise NoCandidate(None, candidate_id)
    return pointer, active, candidate
