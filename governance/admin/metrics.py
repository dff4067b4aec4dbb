"""GET /governance/metrics: for Prometheus, of all workers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response

from governance.admin.administered import Administered
from governance.admin.answered import Answered
from governance.telemetry.exposition import CONTENT_TYPE, exposition


def routes(of: Administered) -> APIRouter:
    """The metrics, for admins and for whoever has the token of `telemetry.metrics.token_sha256`."""

    class Scraped(Answered):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            for_admins = super().get_route_handler()

            async def answer(request: Request) -> Response:
                return await (metrics() if _has_token(of, request) else for_admins(request))

            return answer

    router = APIRouter(route_class=Scraped)

    @router.get("/metrics", summary="The metrics of all workers, for Prometheus")
    async def metrics() -> Response:
        await of.telemetry.look()
        # Reading the files of all workers takes milliseconds.
        return Response(await asyncio.to_thread(exposition), media_type=CONTENT_TYPE)

    return router


def _has_token(of: Administered, request: Request) -> bool:
    """Whether the scraper's token was sent. It opens nothing but this page, so that no scraper needs an admin's key."""
    digest = of.telemetry.settings.metrics.token_sha256
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if digest is None or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(hashlib.sha256(token.strip().encode("utf-8", "replace")).hexdigest(), digest)
