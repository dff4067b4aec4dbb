"""The HTML faces of what the API tells and does: what a browser shows under /governance/ui.

A module of this package has `routes(show) -> APIRouter`, which stands in one of the lists below: who may open it; where
viewers read what admins change, `changes(show)` besides.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends

from governance.admin.administered import Administered
from governance.pages import (
    backtests,
    beside,
    edge,
    edit,
    history,
    keys,
    login,
    mine,
    models,
    order,
    overview,
    policy,
    sheet,
    simulate,
    sources,
    spend,
    statements,
    static,
    switches,
    tasks,
    why,
)
from governance.pages.door import Door
from governance.pages.holder import Identify
from governance.pages.render import Show

_FOR_ALL_WHO_SEE = tuple(
    each.routes
    for each in (overview, why, edge, models, policy, history, switches, keys, tasks, backtests, spend, statements)
)
_FOR_ADMINS = (
    simulate.routes,
    edit.routes,
    sheet.routes,
    switches.changes,
    keys.changes,
    tasks.changes,
    sources.changes,
    beside.changes,
    order.changes,
)


def pages_router(of: Administered, identify: Identify, *, in_schema: bool = False) -> APIRouter:
    """All pages about one worker.

    Args:
        identify: says who a key is, and raises NotDone where it lets nobody in.
        in_schema: whether the app's OpenAPI tells of them; pages are for people.
    """
    door = Door(of, identify)
    show = Show(of)
    router = APIRouter(include_in_schema=in_schema, dependencies=[Depends(door.same_origin)])
    router.include_router(static.routes())
    router.include_router(login.routes(show, door))
    router.include_router(mine.routes(show), dependencies=[Depends(door.anybody)])
    for pages, who in ((_FOR_ALL_WHO_SEE, door.viewer), (_FOR_ADMINS, door.admin)):
        for routes in pages:
            router.include_router(routes(show), dependencies=[Depends(who)])
    return router
