"""Who may open which page: every route, for every role."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from governance.pages import pages_router
from tests.pages.conftest import KEYS, UI, Office

# Whoever is in none of these may not open it.
FOR_EVERYBODY = {"GET /login", "POST /login", "POST /logout", "GET /static/{name}"}
FOR_HOLDERS = {"GET ", "GET /", "GET /mine"}
FOR_VIEWERS = {
    "GET /overview",
    "GET /overview/live",
    "GET /why",
    "GET /decisions",
    "GET /decisions/{decision_id}",
    "GET /edge",
    "GET /switches",
    "GET /tasks",
    "GET /keys",
    "GET /models",
    "GET /spend",
    "GET /spend/statement",
    "GET /spend/invoice",
    "POST /spend/invoice",
    "GET /models/sources",
    "GET /profiles",
    "GET /rules",
    "GET /limits",
    "GET /history",
    "GET /history/audit",
    "GET /history/{revision_id}",
    "GET /backtests/{id}",
    "GET /backtests/{id}/figures",
}
FOR_ADMINS = {
    "GET /simulate",
    "POST /simulate",
    "GET /edit",
    "GET /edit/{section}",
    "POST /review",
    "POST /sheet/{section}",
    "POST /check",
    "POST /switches",
    "GET /rules/order",
    "POST /rules/order",
    "POST /drafts",
    "POST /models/sources",
    "POST /models/page",
    "POST /tasks",
    "POST /keys",
    "POST /switches/{entry_id}/withdraw",
    "POST /apply",
    "POST /history/{revision_id}/rollback",
    "GET /applied/{revision_id}",
    "GET /applied/{revision_id}/progress",
}
OPEN = {
    "": FOR_EVERYBODY,
    "sk-ci": FOR_EVERYBODY | FOR_HOLDERS,
    "sk-viewer": FOR_EVERYBODY | FOR_HOLDERS | FOR_VIEWERS,
    "sk-admin": FOR_EVERYBODY | FOR_HOLDERS | FOR_VIEWERS | FOR_ADMINS,
}


def routes(office: Office) -> set[str]:
    app = FastAPI()
    app.include_router(pages_router(office, office.identify, in_schema=True))  # type: ignore[arg-type]
    paths = app.openapi()["paths"].items()
    return {f"{method.upper()} {path.removeprefix(UI)}" for path, methods in paths for method in methods}


async def test_every_route_is_of_one_role(office: Office) -> None:
    assert routes(office) == OPEN["sk-admin"]


@pytest.mark.parametrize("key", OPEN)
async def test_a_page_is_open_to_its_roles_and_shut_to_all_others(office: Office, key: str) -> None:
    decision = await office.ask("fast/m", team_id="research")
    async with office.browser() as browser:
        if key:
            await browser.log_in(key)
        for route in sorted(routes(office) - FOR_EVERYBODY):
            method, _, path = route.partition(" ")
            path = path.format(decision_id=decision, revision_id=1, section="budgets", name="x", entry_id="x", id="x")
            data = {} if method == "GET" else {"data": {"model": "fast/m", "text": "version: 1"}}
            answer = await browser.request(method, f"{UI}{path}", headers={"sec-fetch-site": "same-origin"}, **data)

            if route in OPEN[key]:
                assert answer.status_code in (200, 303, 404, 409, 412, 422), (route, answer.status_code, answer.text)
                assert "/login" not in answer.headers.get("location", ""), route
            elif key:
                assert answer.status_code == 403, (route, answer.status_code)
            else:
                assert answer.status_code == 303, (route, answer.status_code)
                assert answer.headers["location"].startswith(f"{UI}/login"), route


async def test_a_wrong_key_logs_nobody_in_and_may_be_tried_so_often(office: Office) -> None:
    async with office.browser() as browser:
        tried = [await browser.log_in("sk-wrong") for _ in range(21)]
        late = await browser.log_in("sk-admin")

        assert [answer.status_code for answer in tried] == [401] * 20 + [429]
        assert late.status_code == 429
        assert not browser.cookies


async def test_a_session_ends_with_its_key_and_by_logging_out(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("governance.pages.session._BELIEVED_S", 0.0)
    async with office.browser() as browser, office.browser() as other:
        for each in (browser, other):
            answer = await each.log_in("sk-ci")
            cookie = answer.headers["set-cookie"].lower()
            assert "httponly" in cookie, cookie
            assert "samesite=strict" in cookie, cookie
            assert (await each.open("/mine")).status_code == 200

        kept = dict(other.cookies)
        await other.send_form("/logout")
        other.cookies.update(kept)
        assert (await other.open("/mine")).status_code == 303
        del office.keys["sk-ci"]
        assert (await browser.open("/mine")).status_code == 303


async def test_another_worker_of_the_store_knows_the_session(office: Office) -> None:
    async with office.browser() as browser, office.browser() as of_another:
        await browser.log_in("sk-viewer")
        of_another.cookies.update(browser.cookies)

        assert (await of_another.open("/overview")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
    ],
)
async def test_another_site_changes_nothing(office: Office, headers: dict[str, str]) -> None:
    async with office.browser() as browser:
        await browser.log_in("sk-admin")
        answer = await browser.post(f"{UI}/logout", data={}, headers=headers)

        assert answer.status_code == 403
        assert (await browser.open("/overview")).status_code == 200


async def test_every_page_says_what_a_browser_may_do_with_it(office: Office) -> None:
    async with office.browser() as browser:
        nobody = await browser.open("/login")
        await browser.log_in("sk-admin")
        pages = [nobody, await browser.open("/overview"), await browser.open("/nothing"), await browser.open("/edit/x")]

    def rules(answer: httpx.Response) -> str:
        return answer.headers.get("content-security-policy", "")

    for answer in pages:
        if answer.request.url.path == f"{UI}/nothing":
            continue
        assert answer.headers["cache-control"] == "no-store"
        assert "unsafe" not in rules(answer)
        assert "frame-ancestors 'none'" in rules(answer)
        assert "default-src 'none'" in rules(answer)
    nonces = {rules(answer).partition("'nonce-")[2].partition("'")[0] for answer in (pages[0], pages[1], pages[3])}
    assert len(nonces) == 3


def test_the_roles_here_are_those_of_the_keys() -> None:
    assert {KEYS[key] for key in OPEN if key} == {"admin", "viewer", "holder"}
