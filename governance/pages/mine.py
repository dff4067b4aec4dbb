"""What the holder of a key may know, in its own words."""

from __future__ import annotations

import time
from typing import Final

from fastapi import APIRouter, Request, Response

from governance.pages.answered import UI, Shown
from governance.pages.door import holder_of
from governance.pages.render import Show
from governance.usecases.mine import mine
from governance.usecases.why import why

_MODELS: Final = 200


def routes(show: Show) -> APIRouter:
    """For everybody who has logged in."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/mine")
    async def own(request: Request) -> Response:
        of, holder = show.of, holder_of(request)
        found = await mine(of.engine, time.time, of.telemetry.recent, holder.identity)
        refusals = None if found.refusals is None else [(record, why(record, None)) for record in found.refusals]
        names = await holder.models()
        return await show.page(
            request,
            "mine.html",
            me=holder.identity,
            rows=found.usage.rows,
            refusals=refusals,
            reachable=found.usage.ledger.reachable,
            names=names[:_MODELS],
            more_names=max(0, len(names) - _MODELS),
        )

    return router
