"""What tests of the store put into it."""

from __future__ import annotations

from datetime import datetime, timezone

from governance.store import Revision
from governance.store.unit_of_work import UnitOfWork

NOW = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=timezone.utc)


def keep(work: UnitOfWork, yaml: str = "version: 1", hash: str = "sha256:1", parent_id: int | None = None) -> Revision:
    return work.revisions.add(
        hash=hash,
        parent_id=parent_id,
        yaml=yaml,
        author="ada",
        author_kind="user",
        source="apply",
        comment="why",
        created_at=NOW,
    )


def note(work: UnitOfWork, revision: Revision, before: str | None = None) -> None:
    work.events.append(
        at=NOW,
        actor="ada",
        actor_kind="user",
        action="apply",
        revision_id=revision.id,
        before_hash=before,
        after_hash=revision.hash,
        entries=[{"path": "budgets[0].amount", "before": "1 USD/day", "after": "ключ 🔑"}],
    )
