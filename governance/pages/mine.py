"""What the holder of a key may know, in its own words."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Final

from fastapi import APIRouter, Request, Response

from governance.model import Identity
from governance.model.errors import StoreUnavailable
from governance.pages.answered import UI, Shown
from governance.pages.door import holder_of
from governance.pages.render import Show
from governance.store import Store
from governance.usecases.mine import mine
from governance.usecases.spend import Asked, Report, month_s, spend
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
        own = await _spent(show, holder.identity)
        return await show.page(
            request,
            "mine.html",
            me=holder.identity,
            rows=found.usage.rows,
            refusals=refusals,
            spent=own,
            reachable=found.usage.ledger.reachable,
            names=names[:_MODELS],
            more_names=max(0, len(names) - _MODELS),
        )

    return router


async def _spent(show: Show, who: Identity) -> list[tuple[str, Report]] | None:
    """What this key and its team have spent since the month began; None while the store does not answer."""
    asked = [(name, id) for name, id in (("key", who.virtual_key_id), ("team", who.team_id)) if id]
    if not asked:
        return []
    from_s, to_s = month_s(datetime.fromtimestamp(time.time(), timezone.utc).strftime("%Y-%m"))

    def sums(store: Store) -> list[tuple[str, Report]]:
        return [(name, spend(store, Asked(("model",), from_s, to_s, {name: id}))) for name, id in asked]

    try:
        return await show.of.policies.ask(sums)
    except StoreUnavailable:
        return None
