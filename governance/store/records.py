"""What the store keeps, as the rest of the house knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Revision:
    """One policy as it was once put in force; never changed afterwards.

    Args:
        id: counts up; the order of revisions is by id, never by time.
        hash: of what it says (governance/policy/revision.py); a rollback has that of an earlier one.
        yaml: as it was written, comments and all.
        author_kind: `user`, `key` or `admin` of a proxy, `command`, or `file` for the first one.
        source: what made it: `seed`, `apply` or `rollback`.
        schema_version: the format of policies that it was written for.
    """

    id: int
    hash: str
    parent_id: int | None
    yaml: str
    author: str
    author_kind: str
    source: str
    comment: str
    created_at: datetime
    schema_version: int


@dataclass(frozen=True)
class Pointer:
    """Which revision is in force.

    Args:
        version: counts its moves.
    """

    active_id: int
    version: int
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True)
class Event:
    """One line of the audit.

    Args:
        id: 1, 2, 3, … without a gap.
        entries: what changed, each with `path`, `before` and `after`; nothing secret.
        prev_hash: the hash of the event before; of the first one `""`.
        hash: over everything above (governance/store/chain.py).
    """

    id: int
    at: datetime
    actor: str
    actor_kind: str
    action: str
    revision_id: int
    before_hash: str | None
    after_hash: str
    entries: tuple[Mapping[str, Any], ...]
    reason: str
    request_id: str
    prev_hash: str
    hash: str


@dataclass(frozen=True)
class Worker:
    """One process that follows the pointer.

    Args:
        active_id: the revision it serves by; None = it knows none of the store's.
        refused_id, reason: the revision it would not take, and why.
    """

    id: str
    host: str
    active_id: int | None
    refused_id: int | None
    reason: str | None
    seen_at: datetime
