"""Everything that knows FastAPI: what the proxy serves under /governance, for its admins only.

A module of this package has `routes(of) -> APIRouter`, made with `route_class=Answered`, and stands in `_MODULES`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Depends

from governance.admin import decisions, health, metrics, models, policy_plan, simulate, usage
from governance.admin.administered import Administered

_MODULES: Final = (usage, decisions, health, metrics, simulate, models, policy_plan)


def admin_router(of: Administered, admin: Callable[..., Any]) -> APIRouter:
    """All pages about one worker, under /governance.

    Args:
        admin: a FastAPI dependency that lets an admin in and raises for everybody else; every page depends on it.
    """
    router = APIRouter(prefix="/governance", tags=["governance"], dependencies=[Depends(admin)])
    for module in _MODULES:
        router.include_router(module.routes(of))
    return router
