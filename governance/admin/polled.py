"""What load balancers and Prometheus ask every worker for, by itself: it needs none of the other pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Depends

from governance.admin import health, metrics
from governance.admin.administered import Administered
from governance.admin.answered import answers

PATHS: Final = ("/governance/health", "/governance/metrics")


def polled_router(of: Administered, admin: Callable[..., Any]) -> APIRouter:
    """The first of `admin_router`, which describes them to programs."""
    router = APIRouter(tags=["governance"], include_in_schema=False)
    for module in (health, metrics):
        router.include_router(
            module.routes(of), prefix="/governance", dependencies=[Depends(admin)], responses=answers()
        )
    return router
