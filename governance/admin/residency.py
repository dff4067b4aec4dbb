"""GET /governance/api/residency: where the requests of each team went, by labels."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from governance.admin.administered import Administered
from governance.admin.answered import Answered
from governance.admin.decisions import Word, kept_by, moment
from governance.usecases.residency import residency


def routes(of: Administered) -> APIRouter:
    """Read from the decisions that are kept, and so as far back as these go."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.get("/residency", summary="Where the requests of teams went, by labels")
    async def went(
        team: Annotated[str | None, Query(max_length=500, description="by id or name; left out: all")] = None,
        since: Word = None,
    ) -> dict[str, Any]:
        return await residency(kept_by(of), team, None if since is None else moment(since))

    return router
