"""Everything that knows FastAPI: what the proxy serves under /governance, for its admins, some of it for viewers too.

A module of this package has `routes(of) -> APIRouter`, made with `route_class=Answered`, and stands in `_MODULES`, or
in `_READABLE` where viewers may call it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Depends

from governance.admin import (
    decisions,
    entries,
    entry_changes,
    health,
    metrics,
    models,
    policy,
    policy_changes,
    policy_plan,
    simulate,
    usage,
)
from governance.admin.administered import Administered

_MODULES: Final = (usage, decisions, health, metrics, simulate, models, policy_changes, entry_changes)
_READABLE: Final = (policy, policy_plan, entries)


def admin_router(of: Administered, admin: Callable[..., Any], viewer: Callable[..., Any] | None = None) -> APIRouter:
    """All pages about one worker, under /governance.

    Args:
        admin: a FastAPI dependency that lets an admin in and raises for everybody else; every page depends on it
            or on `viewer`.
        viewer: one that lets in, besides admins, who may look and change nothing; None = nobody.
    """
    router = APIRouter(prefix="/governance", tags=["governance"])
    for modules, who in ((_MODULES, admin), (_READABLE, viewer or admin)):
        for module in modules:
            router.include_router(module.routes(of), dependencies=[Depends(who)])
    return router
