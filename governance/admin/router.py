"""All pages of this package, put together. It imports each of them: see `governance.admin.on_demand`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Depends

from governance.admin import (
    backtest_changes,
    backtests,
    decisions,
    discover,
    draft_changes,
    drafts,
    entries,
    entry_changes,
    health,
    metrics,
    models,
    openapi,
    overlay,
    overlay_changes,
    overview,
    policy,
    policy_candidate,
    policy_changes,
    policy_plan,
    policy_staging,
    residency,
    routing_profile_changes,
    routing_profiles,
    simulate,
    spend,
    usage,
)
from governance.admin.administered import Administered
from governance.admin.answered import answers
from governance.admin.once import once

_MODULES: Final = (
    health,
    metrics,
    simulate,
    discover,
    policy_changes,
    policy_staging,
    entry_changes,
    draft_changes,
    overlay_changes,
    backtest_changes,
)
_READABLE: Final = (
    usage,
    spend,
    decisions,
    residency,
    overview,
    models,
    policy,
    policy_candidate,
    policy_plan,
    entries,
    drafts,
    overlay,
    backtests,
)
# Under the address that other gateways give them.
_ELSEWHERE: Final = (routing_profile_changes,)
_READABLE_ELSEWHERE: Final = (routing_profiles,)


def admin_router(of: Administered, admin: Callable[..., Any], viewer: Callable[..., Any] | None = None) -> APIRouter:
    """All pages about one worker, under /governance and /api/governance.

    Args:
        admin: a FastAPI dependency that lets an admin in and raises for everybody else; every page depends on it
            or on `viewer`.
        viewer: one that lets in, besides admins, who may look and change nothing; None = nobody.
    """
    router = APIRouter(tags=["governance"])
    again = Depends(once(of))
    for prefix, modules, who in (
        ("/governance", _MODULES, admin),
        ("/governance", _READABLE, viewer or admin),
        ("/api/governance", _ELSEWHERE, admin),
        ("/api/governance", _READABLE_ELSEWHERE, viewer or admin),
    ):
        for module in modules:
            router.include_router(
                module.routes(of), prefix=prefix, dependencies=[Depends(who), again], responses=answers()
            )
    router.include_router(
        openapi.routes(router), prefix="/governance", dependencies=[Depends(viewer or admin)], responses=answers()
    )
    return router
