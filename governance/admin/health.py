"""GET /governance/health: whether this worker can decide, and for admins everything that ails it."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from governance.admin.administered import Administered
from governance.admin.answered import Answered
from governance.engine.host import Host
from governance.engine.plugins import installed
from governance.ledger import Health
from governance.telemetry.exposition import incomplete
from governance.trace import iso

# Of LiteLLM's headers for keys. Who sends none of them is a load balancer, and no attempt to get in.
_KEYS = ("authorization", "x-litellm-api-key", "api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key")


def routes(of: Administered) -> APIRouter:
    """For admins the whole story; for everybody else, load balancers among them, only its first word.

    503 while requests that touch a limit are refused because the ledger does not answer; 200 otherwise.
    """

    class Reduced(Answered):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            for_admins = super().get_route_handler()

            async def answer(request: Request) -> Response:
                if any(name in request.headers for name in _KEYS):
                    try:
                        full: Response | None = await for_admins(request)
                    except Exception:  # the proxy's own way to turn a key away; the page itself answers every error
                        full = None
                    if full is not None and full.status_code not in (401, 403):
                        return full
                status, _ = await status_of(of)
                return _page(status, {"status": status})

            return answer

    router = APIRouter(route_class=Reduced)

    @router.get("/health", summary="Whether this worker can decide, and what ails it")
    async def health() -> Response:
        status, ledger = await status_of(of)
        return _page(status, {"status": status, **details_of(of, ledger)})

    return router


async def status_of(of: Administered) -> tuple[str, Health]:
    """`failing`: requests are refused for it. `degraded`: they are served, but something needs a human."""
    ledger = await of.engine.ledger.health()
    if not ledger.reachable and of.engine.host.policy.core.ledger.on_unavailable == "refuse":
        return "failing", ledger
    telemetry = of.telemetry.health
    ails = [
        of.reload.error,
        ledger.spool_error,
        of.policies.store["error"],
        of.overlay.told["error"],
        of.proxy.get("contract") == "broken",
        *(telemetry[part]["error"] for part in ("decision_log", "decisions", "alerts", "trace")),
    ]
    return "degraded" if not ledger.reachable or any(ails) else "ok", ledger


def details_of(of: Administered, ledger: Health) -> dict[str, Any]:
    """Everything that ails this worker, or could."""
    host, telemetry = of.engine.host, of.telemetry
    return {
        "ledger": {
            "kind": ledger.kind,
            "reachable": ledger.reachable,
            "epoch": None if ledger.epoch_s is None else iso(ledger.epoch_s),
            "open_reservations": ledger.open_reservations,
            "expired": ledger.expired,
            "owed": ledger.owed,
            "lost": ledger.lost,
            "late": ledger.late,
            "workers": ledger.workers,
            "spool_error": ledger.spool_error,
            "allowed": ledger.allowed,
            "shared": ledger.shared,
            "refused": ledger.refused,
        },
        "policy": {
            "source": host.policy.source,
            "revision": host.policy.revision,
            "loaded_at": iso(of.reload.loaded_at_s),
            "error": of.reload.error,
            **({} if of.policies.followed is None else {"followed": of.policies.followed}),
        },
        "store": dict(of.policies.store),
        "overlay": dict(of.overlay.told),
        "plugins": [_plugin(host, name, telemetry.metrics.plugin_errors[name]) for name in host.policy.order],
        **telemetry.health,
        "metrics": {"incomplete": incomplete(os.environ, of.proxy["workers"])},
        "litellm": dict(of.proxy),
        "worker": os.getpid(),
        "last_errors": telemetry.troubles.last,
    }


def _plugin(host: Host, name: str, errors: int) -> dict[str, Any]:
    # An entry point without a distribution, or one that is gone since, has no version to tell.
    entry = installed().get(name)
    try:
        told = version(entry.dist.name) if entry is not None and entry.dist is not None else None
    except PackageNotFoundError:
        told = None
    on_error = getattr(type(host.plugins.get(name)), "on_error", "ignore")
    return {"name": name, "version": told, "on_error": on_error, "errors": errors}


def _page(status: str, page: dict[str, Any]) -> Response:
    return JSONResponse(page, 503 if status == "failing" else 200, {"cache-control": "no-store"})
