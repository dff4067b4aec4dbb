"""GET /governance/api/models: what is known of each model. POST /governance/api/discover: read what providers list."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone
from governance.catalog import cards

MOST_ROWS: Final = 5_000

Filter = Annotated[str | None, Query(max_length=200)]


class Wanted(BaseModel):
    """Which provider to read; left out, those in use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str | None = Field(default=None, max_length=200)


def routes(of: Administered) -> APIRouter:
    """The models of this worker; what is discovered is stored for all workers of the machine."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.get("/models", summary="What is known of each model")
    async def models(provider: Filter = None, modality: Filter = None, all: bool = False) -> dict[str, Any]:
        """As `governance models --json`: what the proxy serves by name, the policy names and providers list."""
        # Thousands of cards take a while; requests shall not wait for them.
        rows = await asyncio.to_thread(cards, of.models.catalog, provider, modality, everything=all)
        return {"models": rows[:MOST_ROWS], "left_out": max(0, len(rows) - MOST_ROWS)}

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
