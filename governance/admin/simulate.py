"""POST /governance/api/simulate: what this proxy would do with a request now. Nothing is counted, nobody is called."""

from __future__ import annotations

import asyncio
import json

from fastapi import APIRouter, Response

from governance.admin.administered import Administered
from governance.admin.answered import NotDone, Roomy
from governance.engine.simulation import SimulationInput, simulate_now
from governance.usecases.who_serves import helped, needs_of


def routes(of: Administered) -> APIRouter:
    """The page of this worker: its policy, its models, its ledger's counters."""
    router = APIRouter(prefix="/api", route_class=Roomy)

    @router.post("/simulate", summary="What the proxy would do with a request")
    async def simulate(given: SimulationInput) -> Response:
        if not isinstance(given.body.get("model"), str):
            example = '{"body": {"model": "fast/glm-4.7"}}'
            raise NotDone(400, "invalid_request", f"body.model: is required, such as {example}")
        decision = await simulate_now(of.engine, given, of.models.catalog)
        # A caller's model name may hold what no UTF-8 can; in JSON its escape is the same text.
        record = decision.trace.record()
        if needs_of(record):
            # Of thousands of models that takes a while.
            record = await asyncio.to_thread(helped, record, of.models.catalog, of.engine.host.policy)
        return Response(json.dumps(record, default=str), media_type="application/json")

    return router
