"""GET /governance/api/models: what is known of each model."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from governance.admin.administered import Administered
from governance.admin.answered import Answered
from governance.catalog import cards

MOST_ROWS: Final = 5_000

Filter = Annotated[str | None, Query(max_length=200)]


def routes(of: Administered) -> APIRouter:
    """The models of this worker."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.get("/models", summary="What is known of each model")
    async def models(provider: Filter = None, modality: Filter = None, all: bool = False) -> dict[str, Any]:
        """As `governance models --json`: what the proxy serves by name, the policy names and providers list."""
        # Thousands of cards take a while; requests shall not wait for them.
        rows = await asyncio.to_thread(cards, of.models.catalog, provider, modality, everything=all)
        return {"models": rows[:MOST_ROWS], "left_out": max(0, len(rows) - MOST_ROWS)}

    return router
