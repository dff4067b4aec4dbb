"""The audit of policy changes: read, exported, and verified link by link."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from governance.store import Event, Revision, Store
from governance.store.audit import event_hash, sealed
from governance.store.unit_of_work import UnitOfWork
from governance.usecases.candidate import Damaged, check_whole
from governance.usecases.noted import tested

# What is done beside the policy, which stays as it is.
BESIDE: Final = frozenset({"overlay_set", "overlay_withdrawn"})


@dataclass(frozen=True)
class Verified:
    """What was found.

    Args:
        events: how many were read.
        head: the seal of the last one, which seals all before it; keep it elsewhere, and no one can cut the chain.
        faults: what is not as it was written, each in a sentence; empty = the chain holds.
    """

    events: int
    head: str
    faults: tuple[str, ...]


def audit(store: Store, most: int, before_id: int | None = None) -> tuple[Event, ...]:
    """The newest events, from the one before `before_id` on. Raises StoreUnavailable."""
    with store.read() as work:
        return tuple(work.events.newest(most, before_id))


def export_audit(store: Store) -> Iterator[dict[str, Any]]:
    """Every event as plain values, the oldest first, with all that its seal is over. Raises StoreUnavailable."""
    with store.read() as work:
        for event in work.events.all():
            yield told(event)


def told(event: Event) -> dict[str, Any]:
    """One event as plain values."""
    return {**sealed(event), "hash": event.hash}


def verify_audit(store: Store, head: str | None = None) -> Verified:
    """Read everything, and say what is not as it was written.

    Args:
        head: a seal that was kept elsewhere, which must be one of the chain's.

    Raises StoreUnavailable.
    """
    with store.read() as work:
        faults: list[str] = []
        last: Event | None = None
        heads = set()
        moves = 0
        for event in work.events.all():
            faults += _of_event(work, event, last)
            last = event
            heads.add(event.hash)
            moves += event.action not in BESIDE
        faults += _of_pointer(work, last, moves)
        if head is not None and head not in heads:
            faults.append(f"no event has the seal {head}: the chain was cut, or is another one")
        return Verified(len(heads), "" if last is None else last.hash, tuple(faults))


def _of_event(work: UnitOfWork, event: Event, before: Event | None) -> Iterator[str]:
    next_id, seal, active = (1, "", None) if before is None else (before.id + 1, before.hash, before.after_hash)
    if event.id != next_id:
        yield f"event {next_id} is missing"
    elif event.prev_hash != seal:
        yield f"event {event.id} does not follow the one before it"
    elif event.before_hash != active:
        yield f"event {event.id} begins from a policy that was not in force"
    if event.hash != event_hash(event):
        yield f"event {event.id} was changed after it was sealed"
    if event.action in BESIDE and (event.revision_id, event.after_hash) != (
        None if before is None else before.revision_id,
        event.before_hash,
    ):
        yield f"event {event.id} is about no policy and changes which is in force"
    if event.revision_id is None:
        return
    revision = work.revisions.get(event.revision_id)
    if revision is None:
        yield f"revision {event.revision_id} of event {event.id} is missing"
        return
    if revision.hash != event.after_hash:
        yield f"revision {revision.id} is another one than event {event.id} put in force"
    yield from _of_revision(revision, [entry.get("after") for entry in event.entries if entry.get("kind") == "tests"])
    for entry in event.entries:
        if entry.get("kind") == "staged":
            yield from _of_candidate(work, event, entry["after"])


def _of_candidate(work: UnitOfWork, event: Event, told: Mapping[str, Any]) -> Iterator[str]:
    candidate = work.revisions.get(told["revision_id"])
    if candidate is None:
        yield f"revision {told['revision_id']} of event {event.id} is missing"
    elif candidate.hash != told["hash"]:
        yield f"revision {candidate.id} is another one than event {event.id} began to try"
    else:
        yield from _of_revision(candidate, told["tests"])


def _of_revision(revision: Revision, seals: Sequence[Any]) -> Iterator[str]:
    try:
        check_whole(revision)
    except Damaged:
        yield f"revision {revision.id} was changed after it was kept"
    if list(seals) != [entry["after"] for entry in tested(revision)]:
        yield f"the tests of revision {revision.id} were changed after they were kept"


def _of_pointer(work: UnitOfWork, last: Event | None, moves: int) -> Iterator[str]:
    pointer = work.pointer.get()
    active, version = (None, 0) if pointer is None else (pointer.active_id, pointer.version)
    staged = [entry["after"] for entry in (last.entries if last else ()) if entry.get("kind") == "staged"]
    tried = None if pointer is None or pointer.candidate_id is None else (pointer.candidate_id, *pointer.staging)
    said = [(told["revision_id"], told["percent"], told["shadow_percent"]) for told in staged]
    if said != ([] if tried is None else [tried]):
        yield f"revision {tried[0] if tried else 'none'} is tried, and the last event says otherwise"
    if (None if last is None else last.revision_id) != active:
        yield f"revision {active} is in force, and no event says who put it there"
    elif version != moves:
        yield f"the pointer moved {version} times, and there are events of {moves}"
