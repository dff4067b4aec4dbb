"""GET /governance/api/usage: the windows that exist, the soonest empty first, a page at a time."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone
from governance.ledger.listing import Listing
from governance.limits.subjects import EVERYONE
from governance.trace import iso
from governance.usecases.usage import MOST_ROWS, Usage, usage

ROWS: Final = 100

Filter = Annotated[str | None, Query(max_length=500)]


def routes(of: Administered) -> APIRouter:
    """The page about this worker's ledger; all workers on the same ledger tell the same."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.get("/usage", summary="The windows that exist, the soonest empty first")
    async def usage_page(
        subject: Filter = None,
        limit: Filter = None,
        cursor: Annotated[str | None, Query(max_length=100)] = None,
        size: Annotated[int, Query(ge=1, le=MOST_ROWS)] = ROWS,
    ) -> dict[str, Any]:
        """What limits and budgets have counted, of one subject or one limit if these are given."""
        check_subject(subject)
        return _told(await page(of, Listing(limit or None, subject or None), cursor, size))

    return router


async def page(of: Administered, listing: Listing, cursor: str | None, size: int) -> Usage:
    """One page of windows. Raises NotDone for a cursor that no page gave."""
    try:
        return await usage(of.engine, time.time, listing, cursor, size)
    except ValueError as error:
        raise NotDone(400, "invalid_request", str(error)) from None


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
        "windows": found.rows,
        "total": found.total,
        "ordered_at": None if found.ordered_at_s is None else iso(found.ordered_at_s),
        "cursor": found.cursor,
    }
