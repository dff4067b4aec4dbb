"""Who runs out first."""

from __future__ import annotations

import time
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from governance.admin.usage import check_subject
from governance.pages.answered import UI, Shown
from governance.pages.render import Show
from governance.usecases.usage import usage

_ROWS: Final = 50

Filter = Annotated[str, Query(max_length=500)]


def routes(show: Show) -> APIRouter:
    """For admins and viewers."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/edge")
    async def edge(
        request: Request, subject: Filter = "", limit: Filter = "", page: Annotated[int, Query(ge=1, le=10_000)] = 1
    ) -> Response:
        subject, limit = subject.strip(), limit.strip()
        check_subject(subject or None)
        found = await usage(show.of.engine, time.time, subject or None, limit or None, "soonest")
        first = (page - 1) * _ROWS
        return await show.page(
            request,
            "edge.html",
            rows=found.rows[first : first + _ROWS],
            total=len(found.rows),
            empty=sum(row["percent"] >= 100 for row in found.rows),
            running_out=sum(row["forecast"]["used_up_at"] is not None and row["percent"] < 100 for row in found.rows),
            reachable=found.ledger.reachable,
            subject=subject,
            limit=limit,
            number=page,
            first=first,
            more=len(found.rows) > first + _ROWS,
        )

    return router
