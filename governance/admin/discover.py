"""POST /governance/api/discover: read what providers list."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone


class Wanted(BaseModel):
    """Which provider to read; left out, those in use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str | None = Field(default=None, max_length=200)


def routes(of: Administered) -> APIRouter:
    """What is discovered is stored for all workers of the machine."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.post("/discover", summary="Read now what providers list")
    async def discover(wanted: Wanted) -> dict[str, Any]:
        """Read one provider's list, or those in use. A failure is in the answer, and changes nothing."""
        known = [source.name for source in of.models.discovering.sources]
        if wanted.provider is not None and wanted.provider not in known:
            raise NotDone(400, "invalid_request", f"provider: is not known; known: {', '.join(known)}")
        names = None if wanted.provider is None else (wanted.provider,)
        outcomes = await of.models.discovering.discover(names)
        return {"providers": [outcome.told for outcome in outcomes]}

    return router
