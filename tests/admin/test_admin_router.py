"""Who gets to the admin's pages, and how they answer when something is wrong."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry

from governance.admin.access import only
from governance.admin.answered import Answered, NotDone
from governance.admin.router import admin_router
from governance.ledger.memory import MemoryLedger
from governance.model.errors import LedgerUnavailable
from governance.policy.document import Core
from governance.telemetry.metrics import Metrics
from governance.telemetry.telemetry import Telemetry


class KeyRefused(Exception):
    """What the proxy itself answers."""


class Worker:
    telemetry = Telemetry(Core(), {}, Metrics(CollectorRegistry()))

    class engine:
        ledger = MemoryLedger()


def key_of(request: Request) -> str:
    key = request.headers.get("authorization", "")
    if not key:
        raise KeyRefused
    return key


def require_admin(key: str) -> None:
    if key != "Bearer admin":
        raise NotDone(403, "admin_required", "for admins only")


def app() -> FastAPI:
    app = FastAPI()
    app.include_router(admin_router(Worker(), only(key_of, require_admin)))  # type: ignore[arg-type]
    app.add_exception_handler(KeyRefused, lambda request, error: JSONResponse({"from": "the proxy"}, 401))
    return app


def client(app: FastAPI, key: str = "admin") -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy", headers=headers)


def pages(app: FastAPI) -> list[APIRoute]:
    return [route for route in app.routes if isinstance(route, APIRoute) and route.path.startswith("/governance")]


async def test_every_page_is_for_admins_only_and_answers_its_mistakes() -> None:
    proxy = app()
    paths = httpx.Response(200, json=proxy.openapi()).json()["paths"]
    assert "/governance/api/usage" in paths
    del paths["/governance/health"]  # has one word for everybody: test_health.py
    for path, methods in paths.items():
        for method in methods:
            url = path.replace("{", "").replace("}", "")
            async with client(proxy, "") as nobody, client(proxy, "somebody") as somebody:
                refused = await nobody.request(method, url)
                forbidden = await somebody.request(method, url)

            assert (refused.status_code, refused.json()) == (401, {"from": "the proxy"}), path
            assert forbidden.status_code == 403, path
            assert forbidden.json() == {
                "error": {"message": "for admins only", "type": "permission_error", "code": "admin_required"}
            }


FAULTS: dict[str, tuple[Exception, int, str]] = {
    "not-done": (NotDone(409, "changed_meanwhile", "read it again"), 409, "changed_meanwhile"),
    "ledger": (LedgerUnavailable("secret host"), 503, "ledger_unavailable"),
    "http": (HTTPException(404, "no such thing"), 404, "refused"),
    "ours": (RuntimeError("secret text"), 500, "internal_error"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_page_that_fails_answers_as_json_and_tells_no_inner_matters(fault: str) -> None:
    error, status, code = FAULTS[fault]
    router = APIRouter(route_class=Answered)

    @router.get("/page")
    async def page(number: int) -> Any:
        raise error

    proxy = FastAPI()
    proxy.include_router(router)
    async with client(proxy) as admin:
        answer = await admin.get("/page", params={"number": 1})
        wrong = await admin.get("/page", params={"number": "one"})

    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert "secret" not in answer.text
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "invalid_request")
    assert "number" in wrong.json()["error"]["message"]
