"""GET /governance/api/overview: what happened in the last hour."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter

from governance.admin.administered import Administered
from governance.admin.answered import Answered
from governance.trace import iso
from governance.usecases.cooling import cooling
from governance.usecases.overview import Pulse


def routes(of: Administered) -> APIRouter:
    """On a memory ledger of this worker, else of all that share the ledger."""
    router = APIRouter(prefix="/api", route_class=Answered)
    pulse = Pulse()

    @router.get("/overview")
    async def overview() -> dict[str, Any]:
        seen = await pulse.look(of.telemetry.recent, time.time())
        until = await cooling(of.engine.ledger, [strip.target for strip in seen.strips])
        return {**seen.report(), "cooling": {target: iso(at_s) for target, at_s in until.items()}}

    return router
