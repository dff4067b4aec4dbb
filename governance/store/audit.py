"""Who changed the policy in force, when, and what: a chain in which every event seals all those before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone
from typing import Any, Final

import sqlalchemy as sa

from governance.store.records import Event
from governance.store.tables import policy_event

_PER_READ: Final = 500


def event_hash(event: Event) -> str:
    """The seal of an event: over every field, and over the seal of the one before."""
    text = json.dumps(sealed(event), sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def sealed(event: Event) -> dict[str, Any]:
    """What the seal is over, as plain values."""
    fields = asdict(event)
    del fields["hash"]
    return {**fields, "at": event.at.astimezone(timezone.utc).isoformat(timespec="microseconds")}


class Events:
    """Appended to, never changed."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def append(
        self,
        *,
        at: datetime,
        actor: str,
        actor_kind: str,
        action: str,
        revision_id: int | None,
        before_hash: str | None,
        after_hash: str | None,
        entries: Sequence[Mapping[str, Any]] = (),
        reason: str = "",
        request_id: str = "",
    ) -> Event:
        """Seal what was done, in the transaction that does it."""
        last = self.last()
        event = Event(
            id=1 if last is None else last.id + 1,
            at=at,
            actor=actor,
            actor_kind=actor_kind,
            action=action,
            revision_id=revision_id,
            before_hash=before_hash,
            after_hash=after_hash,
            entries=tuple(entries),
            reason=reason,
            request_id=request_id,
            prev_hash="" if last is None else last.hash,
            hash="",
        )
        event = replace(event, hash=event_hash(event))
        values = {**asdict(event), "entries": json.dumps(list(event.entries))}
        self._connection.execute(sa.insert(policy_event).values(values))
        return event

    def append_beside(self, *, entries: Sequence[Mapping[str, Any]], **said: Any) -> Event:
        """Seal what was done beside the policy, which stays as it is.

        Args:
            said: `at`, `actor`, `actor_kind`, `action`, `reason`, `request_id`.
        """
        last = self.last()
        revision_id, hash = (None, None) if last is None else (last.revision_id, last.after_hash)
        return self.append(revision_id=revision_id, before_hash=hash, after_hash=hash, entries=entries, **said)

    def last(self) -> Event | None:
        """The newest event; None where nothing was done yet."""
        found = self._connection.execute(sa.select(policy_event).order_by(policy_event.c.id.desc()).limit(1)).first()
        return None if found is None else _event(found)

    def newest(self, most: int, before_id: int | None = None) -> list[Event]:
        """The newest first, from the one before `before_id` on."""
        asked = sa.select(policy_event).order_by(policy_event.c.id.desc()).limit(most)
        if before_id is not None:
            asked = asked.where(policy_event.c.id < min(before_id, 2**63 - 1))
        return [_event(row) for row in self._connection.execute(asked)]

    def all(self) -> Iterator[Event]:
        """The oldest first."""
        after = -(2**63)
        while True:
            asked = sa.select(policy_event).where(policy_event.c.id > after).order_by(policy_event.c.id)
            rows = self._connection.execute(asked.limit(_PER_READ)).all()
            yield from map(_event, rows)
            if len(rows) < _PER_READ:
                return
            after = rows[-1].id


def _event(row: Any) -> Event:
    fields = dict(row._mapping)
    try:
        entries = tuple(json.loads(fields["entries"]))
    except (ValueError, TypeError):  # somebody has changed it, which its seal tells
        entries = ({"unreadable": str(fields["entries"])},)
    return Event(**{**fields, "entries": entries})
