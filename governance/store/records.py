"""What the store keeps, as the rest of the house knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Revision:
    """One policy as it was once put in force; never changed afterwards.

    Args:
        id: counts up; the order of revisions is by id, never by time.
        hash: of what it says (governance/policy/revision.py); a rollback has that of an earlier one.
        yaml: as it was written, comments and all.
        author_kind: `user`, `key` or `admin` of a proxy, `command`, or `file` for the first one.
        source: what made it: `seed`, `apply`, `rollback` or `stage`.
        schema_version: the format of policies that it was written for.
        tests: the text of the policy tests that are kept with it; "" = none.
        forced: some of these failed, and somebody put it in force all the same.
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
    tests: str = ""
    forced: bool = False


class Staging(NamedTuple):
    """How far a candidate is tried, each in percent.

    Args:
        percent: of the subjects, which are decided by it.
        shadow_percent: of the requests of all others, for which is noted what it would have done.
    """

    percent: int
    shadow_percent: int = 0


@dataclass(frozen=True)
class Pointer:
    """Which revision is in force, and which one is tried beside it.

    Args:
        version: counts its moves.
        candidate_id: of the one that is tried; None = there is none.
    """

    active_id: int
    version: int
    changed_at: datetime
    changed_by: str
    candidate_id: int | None = None
    candidate_percent: int | None = None
    candidate_shadow_percent: int | None = None

    @property
    def staging(self) -> Staging:
        """How far the candidate is tried; not at all where there is none."""
        return Staging(self.candidate_percent or 0, self.candidate_shadow_percent or 0)


@dataclass(frozen=True)
class Event:
    """One line of the audit.

    Args:
        id: 1, 2, 3, … without a gap.
        revision_id, after_hash: the revision in force after it; None in a store that has none.
        entries: what changed, each with `path`, `before` and `after`; nothing secret.
        prev_hash: the hash of the event before; of the first one `""`.
        hash: over everything above (governance/store/chain.py).
    """

    id: int
    at: datetime
    actor: str
    actor_kind: str
    action: str
    revision_id: int | None
    before_hash: str | None
    after_hash: str | None
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
        seen_version: of the pointer that it has followed; None = it is of a version that does not say.
        candidate_id: the revision that it tries beside that one; None = none.
    """

    id: str
    host: str
    active_id: int | None
    refused_id: int | None
    reason: str | None
    seen_at: datetime
    seen_version: int | None = None
    candidate_id: int | None = None


@dataclass(frozen=True)
class KeptPlan:
    """A change that somebody has looked at and may put in force.

    Args:
        base_hash: of the revision that it was planned on.
        tests: that it brings; None = those of that revision.
    """

    id: str
    base_hash: str
    yaml: str
    tests: str | None
    author: str
    created_at: datetime


@dataclass(frozen=True)
class Draft:
    """A policy that somebody is writing.

    Args:
        base_hash: of the policy that it was made from.
        version: counts its changes, from 1.
    """

    id: int
    base_hash: str
    yaml: str
    author: str
    author_kind: str
    comment: str
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Answer:
    """What came of something that somebody asked for under a key.

    Args:
        asked: a digest of what was asked.
        status, headers, body: None while somebody works on it.
    """

    caller: str
    key: str
    asked: str
    begun_at: datetime
    status: int | None
    headers: str | None
    body: str | None


@dataclass(frozen=True)
class Backtest:
    """Recorded traffic through another policy: one that runs, or what came of it.

    Args:
        asked: which traffic, with which assumptions; the same text for the same question.
        state: `running`, `cancelling`, `done`, `cancelled` or `failed`.
        seen_at: when whoever runs it was last heard of, or when it ended.
        progress: how far it is; JSON.
        result: the report, the same bytes for the same input; None while there is none, and in lists.
        error: why it failed.
    """

    id: str
    active_hash: str
    candidate_hash: str
    asked: str
    author: str
    state: str
    begun_at: datetime
    seen_at: datetime
    progress: str = "{}"
    result: bytes | None = None
    error: str | None = None
