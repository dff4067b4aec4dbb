"""Putting a policy in force: the first one, a new one, an old one again; or trying it first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from governance.engine.host import Host
from governance.model.errors import GovernanceError
from governance.policy import Policy
from governance.policy.document import Core
from governance.store import Pointer, Revision, Staging, Store
from governance.store.unit_of_work import UnitOfWork
from governance.usecases.candidate import document_hash_of, usable, usable_revision
from governance.usecases.change_guard import GuardOf
from governance.usecases.guard import guard, overruled
from governance.usecases.judged import Judgement
from governance.usecases.noted import LONGEST_COMMENT, Author, keep, note, staged
from governance.usecases.revisions import show
from governance.usecases.stageable import check_stageable

__all__ = ["LONGEST_COMMENT", "Applied", "Author", "CandidateStaged", "Conflict", "Outcome", "Staged", "Unchanged"]
__all__ += ["apply", "rollback", "seed"]


@dataclass(frozen=True)
class Applied:
    """This revision is in force now.

    Args:
        version: of the pointer since then.
        judgement: of the change guard; None where it had nothing to judge.
    """

    revision: Revision
    before: Revision
    version: int = field(default=0, compare=False)
    judgement: Judgement | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Staged:
    """This revision is tried beside the one in force now."""

    revision: Revision
    active: Revision
    staging: Staging
    version: int = field(default=0, compare=False)
    judgement: Judgement | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Unchanged:
    """It was in force already."""

    revision: Revision
    version: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Conflict:
    """Somebody else changed the policy since the one that the change was made from; nothing was done."""

    base: str
    active: Revision


Outcome = Applied | Staged | Unchanged | Conflict


class CandidateStaged(GovernanceError):
    """While a revision is tried, what it is compared with stays; nothing was done.

    Attributes:
        candidate_id: of that revision.
    """

    def __init__(self, pointer: Pointer) -> None:
        super().__init__(
            f"revision {pointer.candidate_id} is being tried on {pointer.staging.percent} %; promote it or abort that "
            "first (`governance policy promote`, `governance policy abort`)"
        )
        self.candidate_id = pointer.candidate_id


class _Change(NamedTuple):
    text: str
    base: str | None
    author: Author
    action: str
    comment: str
    now: datetime
    force: bool
    stage: Staging | None
    guard: GuardOf | None = None


def seed(store: Store, policy: Policy, author: Author, now: datetime) -> Revision:
    """The revision in force; where there is none yet, this policy becomes it.

    Raises StoreUnavailable.
    """
    with store.write() as work:
        pointer = work.pointer.get()
        found = None if pointer is None else work.revisions.get(pointer.active_id)
        if found is not None:
            return found
        revision = keep(work, policy.text, policy.revision, None, author, "seed", "", now)
        work.pointer.move(revision.id, from_version=None, at=now, by=revision.author)
        note(work, "seed", None, revision, author, now, comment="")
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
    tests: str | None = None,
    force: bool = False,
    stage: Staging | None = None,
    override_guard: str = "",
) -> Outcome:
    """Put a text in force, if the one that it was made from still is.

    Args:
        base: the hash of that one; None = whichever is.
        file: settings that come from the policy file in any case.
        tests: what it must pass, kept with it; None = the tests of the one in force, which stay.
        force: put it in force though it does not pass; needs a comment.
        stage: try it on so many first; None = put it in force for all.
        override_guard: why it is put in force against the change guard of the policy in force; "" = it is not.

    Raises:
        PolicyError, GovernanceError: it cannot be used; nothing was done.
        TestsFailed, ReasonRequired, TestsTakeTooLong: it does not pass its tests.
        GuardExceeded, NotJudged: the change guard does not allow it, or nobody has looked yet.
        CandidateStaged: another one is being tried.
        StoreUnavailable: it is not known whether it was done.
        NoSuchRevision: there is none to begin from.
    """
    # Who only looks on decides nothing.
    guarded = None if stage is not None and stage.percent == 0 else GuardOf(file, environment, override_guard, now)
    change = _Change(text, base, author, "apply" if stage is None else "stage", comment, now, force, stage, guarded)
    host = usable(text, source, file, environment)
    if stage is not None:
        check_stageable(host, show(store), file, environment)
    return _guarded(store, change, host, tests)


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
    force: bool = False,
) -> Outcome:
    """Put an old revision in force again, as a new one, with the tests that it had.

    Raises as `apply` does; NoSuchRevision also for the old one.
    """
    old = show(store, id)
    host = usable_revision(old, file, environment)
    why = comment or ("" if force else f"back to revision {id}")
    return _guarded(store, _Change(old.yaml, base, author, "rollback", why, now, force, None), host, old.tests)


def _guarded(store: Store, change: _Change, host: Host, tests: str | None) -> Outcome:
    while True:
        active = show(store)
        if change.base is not None and change.base != active.hash:
            return Conflict(change.base, active)
        wanted = active.tests if tests is None else tests
        failed = guard(host, wanted, force=change.force, reason=change.comment)
        judgement = None
        if change.guard is not None:
            judgement = change.guard.judged(store, active, host, document_hash_of(change.text))
        with store.write() as work:
            pointer, now_active = _in_force(work)
            if (tests is None and now_active.tests != wanted) or (change.guard and now_active.hash != active.hash):
                continue  # somebody brought others meanwhile, which it has to pass, too
            more = [*overruled(failed), *(change.guard.audited(judgement) if change.guard else ())]
            return _judged(_put(work, change, pointer, now_active, wanted, more, forced=failed is not None), judgement)


def _judged(outcome: Outcome, judgement: Judgement | None) -> Outcome:
    return replace(outcome, judgement=judgement) if isinstance(outcome, Applied | Staged) else outcome


def _in_force(work: UnitOfWork) -> tuple[Pointer, Revision]:
    pointer = work.pointer.get()
    active = None if pointer is None else work.revisions.get(pointer.active_id)
    assert pointer is not None  # noqa: S101 - the caller has shown it, and pointers stay
    assert active is not None  # noqa: S101 - the database holds it by a foreign key
    return pointer, active


def _put(
    work: UnitOfWork,
    change: _Change,
    pointer: Pointer,
    active: Revision,
    tests: str,
    said: list[dict[str, object]],
    *,
    forced: bool,
) -> Outcome:
    text, base, author, action, comment, now, _, stage, _ = change
    if base is not None and base != active.hash:
        return Conflict(base, active)
    if text == active.yaml and tests == active.tests:
        return Unchanged(active, pointer.version)
    if pointer.candidate_id is not None:
        raise CandidateStaged(pointer)
    hash = document_hash_of(text)
    revision = keep(work, text, hash, active.id, author, action, comment, now, tests=tests, forced=forced)
    version, by = pointer.version + 1, revision.author
    if stage is None:
        moved = work.pointer.move(revision.id, from_version=pointer.version, at=now, by=by)
        note(work, action, active, revision, author, now, comment=comment, more=said)
        done: Outcome = Applied(revision, active, version)
    else:
        moved = work.pointer.move(
            active.id, from_version=pointer.version, at=now, by=by, candidate_id=revision.id, staging=stage
        )
        more = [staged(revision, stage), *said]
        note(work, action, active, active, author, now, comment=comment, more=more)
        done = Staged(revision, active, stage, version)
    if not moved:
        raise AssertionError("the pointer moved while this unit was the only one that writes")
    return done
