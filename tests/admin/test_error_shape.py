"""One shape of error, whatever goes wrong, on every page there is: `{"error": {"message", "type", "code"}}`.

The pages are those of the router, so a new one is walked too. Health answers everybody with one word instead.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry

from governance.admin.access import only
from governance.admin.answered import NotDone
from governance.admin.router import admin_router
from governance.ledger.memory import MemoryLedger
from governance.model.errors import LedgerUnavailable
from governance.policy.document import Core
from governance.policy.sections import SECTIONS
from governance.telemetry.metrics import Metrics
from governance.telemetry.telemetry import Telemetry
from tests.admin.conftest import Worker

HEALTH = "/governance/health"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE")
GARBAGE = (b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"provider": 1, "body": []}', b"[" * 10_000)
LONG = "x" * 5_000


class Away(MemoryLedger):
    """A store that does not answer."""

    async def listed(self, *args: Any) -> Any:
        raise LedgerUnavailable("no answer from 10.1.2.3:6379")

    reserve = read = reserved = listed


class Failing:
    """A worker in which everything fails that a page asks for; who may read metrics is still known."""

    telemetry = Telemetry(Core(), {}, Metrics(CollectorRegistry()))

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("hunter2")


Open = Callable[..., Worker]


class Page(NamedTuple):
    method: str
    path: str
    parameters: tuple[str, ...]

    @property
    def url(self) -> str:
        return self.path.replace("{", "").replace("}", "")


def known(request: Request) -> str:
    key = request.headers.get("authorization", "")
    if key not in ("Bearer admin", "Bearer somebody"):
        raise NotDone(401, "key_required", "no key")
    return key


def admin(key: str) -> None:
    if key != "Bearer admin":
        raise NotDone(403, "admin_required", "for admins only")


class Current:
    """The worker that a test asks of, behind the one app that all of them use."""

    worker: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.worker, name)


CURRENT = Current()
# Some forty pages take a while to be put together.
APP = FastAPI()
APP.include_router(admin_router(CURRENT, only(known, admin)))


def app_of(worker: Any) -> FastAPI:
    CURRENT.worker = worker
    return APP


def client(app: FastAPI, key: str = "admin") -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy", headers=headers)


def pages() -> Iterator[Page]:
    for path, operations in app_of(Failing()).openapi()["paths"].items():
        for method, operation in operations.items():
            yield Page(method.upper(), path, tuple(each["name"] for each in operation.get("parameters", ())))


# Of the sections of entries, whose pages are made alike, one list and one mapping.
ALIKE = tuple(f"/governance/api/{word}" for word in SECTIONS if word not in ("limits", "tasks"))
PAGES = [page for page in pages() if not page.path.startswith(ALIKE)]
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.method} {page.path}")


def told(answer: httpx.Response) -> dict[str, Any]:
    """The error that an answer tells, when its shape is the one there is."""
    body = answer.json()
    assert list(body) == ["error"], answer.text
    error: dict[str, Any] = body["error"]
    problems = error.pop("problems", [])
    assert list(error) == ["message", "type", "code"], answer.text
    assert all(isinstance(value, str) and value for value in error.values()), answer.text
    assert all(problem["message"] and problem["pointer"].startswith(("/", "")) for problem in problems), answer.text
    return error


def test_there_are_pages_to_walk() -> None:
    assert {page.path for page in PAGES} >= {HEALTH, "/governance/metrics", "/governance/api/usage"}


@EVERY_PAGE
async def test_nobody_gets_in_without_an_admins_key(page: Page, open_worker: Open) -> None:
    app = app_of(open_worker())
    for key, status, code in (("", 401, "key_required"), ("unknown", 401, "key_required"), ("somebody", 403, "")):
        async with client(app, key) as caller:
            answer = await caller.request(page.method, page.url)

        if page.path == HEALTH:
            assert list(answer.json()) == ["status"]
        else:
            assert answer.status_code == status
            assert told(answer)["code"] == (code or "admin_required")


@EVERY_PAGE
async def test_a_method_that_a_page_does_not_have_is_named_with_those_it_has(page: Page, open_worker: Open) -> None:
    async with client(app_of(open_worker())) as caller:
        for method in METHODS:
            if any(each.path == page.path and each.method == method for each in PAGES):
                continue
            answer = await caller.request(method, page.url)

            assert answer.status_code == 405, method
            assert page.method in answer.headers["allow"]
            if method != "HEAD":
                assert told(answer)["code"] == "method_not_allowed"


@EVERY_PAGE
async def test_garbage_is_answered_as_the_callers_mistake(page: Page, open_worker: Open) -> None:
    async with client(app_of(open_worker())) as caller:
        for body in GARBAGE if page.method != "GET" else ():
            for kind in ("application/json", "text/plain"):
                answer = await caller.request(page.method, page.url, content=body, headers={"content-type": kind})

                assert answer.status_code in (400, 404), (body, answer.text)
                told(answer)
        for name in page.parameters:
            answer = await caller.request(page.method, page.url, params={name: LONG})

            assert answer.status_code in (400, 404), (name, answer.text)
            told(answer)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_body_that_is_too_large_is_not_read_to_its_end(streamed: bool, open_worker: Open) -> None:
    sent = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b" " * 2**20

    async with client(app_of(open_worker())) as caller:
        json = {"content-type": "application/json"}
        answer = await caller.post(
            "/governance/api/limits", content=parts() if streamed else b" " * (2**20 + 1), headers=json
        )

    assert (answer.status_code, told(answer)["code"]) == (413, "too_large")
    assert "1 MiB" in answer.text
    assert sent < 5


async def test_who_accepts_it_is_told_an_error_as_a_problem(open_worker: Open) -> None:
    accepts = {"accept": "application/problem+json"}
    async with client(app_of(open_worker())) as caller:
        answer = await caller.post("/governance/api/policy/apply", json={"policy": 1}, headers=accepts)
        method = await caller.put("/governance/api/policy/apply", headers=accepts)

    assert answer.headers["content-type"] == "application/problem+json"
    page = answer.json()
    assert (page["type"], page["title"], page["status"], page["code"]) == (
        "about:blank",
        "Bad Request",
        400,
        "invalid_request",
    )
    assert page["problems"] == [{"pointer": "/policy", "message": "Input should be a valid string"}]
    assert "policy" in page["detail"]
    assert (method.status_code, method.headers["allow"], method.json()["status"]) == (405, "POST", 405)


@EVERY_PAGE
async def test_a_ledger_that_is_away_and_a_fault_of_ours_tell_nothing_of_the_inside(
    page: Page, open_worker: Open
) -> None:
    body = {"body": {"model": "m", "messages": []}}
    for worker in (open_worker(ledger=Away()), Failing()):
        async with client(app_of(worker)) as caller:
            answer = await caller.request(page.method, page.url, json=body if page.method != "GET" else None)

        assert "hunter2" not in answer.text
        assert "10.1.2.3" not in answer.text
        if answer.status_code >= 400:
            told(answer)
        if isinstance(worker, Failing) and page.path.startswith("/governance/api/usage"):
            assert (answer.status_code, told(answer)["code"]) == (500, "internal_error")
