"""GET /governance/api/usage: every window that exists, the fullest first."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone
from governance.limits.subjects import EVERYONE
from governance.trace import iso
from governance.usecases.usage import Usage, usage

MOST_ROWS: Final = 1_000

Filter = Annotated[str | None, Query(max_length=500)]


def routes(of: Administered) -> APIRouter:
    """The page about this worker's ledger; all workers on the same ledger tell the same."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.get("/usage", summary="Every window that exists, the fullest first")
    async def usage_page(subject: Filter = None, limit: Filter = None) -> dict[str, Any]:
        """What every limit and budget has counted, of one subject or one limit if these are given."""
        check_subject(subject)
        return _told(await usage(of.engine, time.time, subject, limit))

    return router


def check_subject(subject: str | None) -> None:
    """Raises NotDone for what names no subject."""
    if subject is not None and ":" not in subject and subject.lower() != EVERYONE:
        raise NotDone(400, "invalid_request", "subject: write kind:id, such as team:research, or everyone")


def _told(found: Usage) -> dict[str, Any]:
    return {
        "at": iso(found.at_s),
        "ledger": {
            "kind": found.ledger.kind,
            "reachable": found.ledger.reachable,
            "epoch": None if found.ledger.epoch_s is None else iso(found.ledger.epoch_s),
        },
        "windows": found.rows[:MOST_ROWS],
        "left_out": max(0, len(found.rows) - MOST_ROWS),
    }
