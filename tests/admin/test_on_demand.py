"""Pages that are made when one of them is asked for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from governance.admin.on_demand import OnDemand

MADE_IN: list[int] = []


@pytest.fixture
def app() -> FastAPI:
    """One that is healthy without its pages, and has a door at its end that takes everything."""
    MADE_IN.clear()
    app = FastAPI()
    app.add_api_route("/v1/models", _says("models"))
    app.add_api_route("/governance/health", _says("well"))
    OnDemand(app, _pages, ("/governance/",), ["/governance/health"], app.openapi_url)
    app.add_api_route("/{anything:path}", _says("no page"))
    return app


def _says(word: str) -> Callable[[], str]:
    return lambda: word


def _pages() -> tuple[APIRouter, ...]:
    MADE_IN.append(threading.get_ident())
    inner, outer = APIRouter(), APIRouter()
    inner.add_api_route("/page", _says("a page"))
    inner.add_api_route("/page", _says("written"), methods=["POST"])
    outer.include_router(inner, prefix="/governance")
    return (outer,)


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy")


@pytest.mark.parametrize("path", ["/v1/models", "/governance/health", "/elsewhere"])
async def test_nothing_is_made_for_what_needs_none_of_them(app: FastAPI, path: str) -> None:
    async with client(app) as asks:
        assert (await asks.get(path)).status_code == 200

    assert not MADE_IN


async def test_they_are_made_once_for_all_who_ask_and_beside_the_event_loop(app: FastAPI) -> None:
    async with client(app) as asks:
        found = await asyncio.gather(*(asks.get("/governance/page") for _ in range(5)))

    assert [answer.json() for answer in found] == ["a page"] * 5
    assert len(MADE_IN) == 1
    assert MADE_IN[0] != threading.get_ident()


async def test_they_stand_where_they_would_have_stood_from_the_start(app: FastAPI) -> None:
    async with client(app) as asks:
        assert (await asks.post("/governance/page")).json() == "written"
        assert (await asks.get("/governance/other")).json() == "no page"
        assert (await asks.get("/governance/health")).json() == "well"
        assert not [route for route in app.router.routes if isinstance(route, OnDemand)]


async def test_who_asks_for_a_description_of_all_routes_is_told_of_them_too(app: FastAPI) -> None:
    async with client(app) as asks:
        assert "/governance/page" in (await asks.get("/openapi.json")).json()["paths"]


async def test_where_they_could_not_be_made_that_is_told_and_the_next_one_to_ask_tries_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app, failed = FastAPI(), []

    def fails_once() -> tuple[APIRouter, ...]:
        if not failed:
            failed.append(True)
            raise ImportError("a file is missing")
        return _pages()

    OnDemand(app, fails_once, ("/governance/",), (), None)
    async with client(app) as asks:
        refused = await asks.get("/governance/page")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "pages_unavailable")
        assert "ImportError: a file is missing" in caplog.text
        assert (await asks.get("/governance/page")).json() == "a page"
