"""Who runs out first."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from governance.admin.usage import check_subject, page
from governance.ledger.listing import Listing
from governance.pages.answered import UI, Shown
from governance.pages.render import Show

_ROWS: Final = 50

Filter = Annotated[str, Query(max_length=500)]


def routes(show: Show) -> APIRouter:
    """For admins and viewers."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/edge")
    async def edge(
        request: Request, subject: Filter = "", limit: Filter = "", cursor: Annotated[str, Query(max_length=100)] = ""
    ) -> Response:
        subject, limit = subject.strip(), limit.strip()
        check_subject(subject or None)
        found = await page(show.of, Listing(limit or None, subject or None), cursor or None, _ROWS)
        return await show.page(
            request,
            "edge.html",
            found=found,
            reachable=found.ledger.reachable,
            subject=subject,
            limit=limit,
            begun=bool(cursor),
            file=show.of.policies.file.name,
        )

    return router
