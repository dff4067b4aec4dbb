"""Log in with a key that the proxy knows, and out again."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from governance.admin.answered import NotDone
from governance.pages.answered import UI, Shown
from governance.pages.door import COOKIE, SECURE_COOKIE, Door
from governance.pages.forms import form_of
from governance.pages.not_shown import NotShown
from governance.pages.render import Show
from governance.usecases.logging_in import LASTS

_LONGEST_KEY: Final = 4_000
_LONGEST_FORM: Final = 32_000


def routes(show: Show, door: Door) -> APIRouter:
    """For everybody."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("")
    @router.get("/")
    async def home(request: Request) -> Response:
        await door.anybody(request)
        sees_all = request.state.holder.sees_all
        return RedirectResponse(f"{UI}/overview" if sees_all else f"{UI}/mine", 303)

    @router.get("/login")
    async def ask(request: Request, next: str = "") -> Response:
        return await show.page(request, "login.html", next=_inside(next), error="")

    @router.post("/login")
    async def log_in(request: Request) -> Response:
        form = await form_of(request, _LONGEST_FORM)
        key, wanted = form.get("key", "").strip()[:_LONGEST_KEY], _inside(form.get("next", ""))
        door.may_try(request)
        try:
            if not key:
                raise NotShown(401, "write a key of this proxy")
            token, _ = await door.sessions.begin(request, key)
        except NotDone as error:
            if error.status >= 500:
                raise
            door.tried(request)
            return await show.page(request, "login.html", status=401, next=wanted, error=error.message)
        answer = RedirectResponse(wanted or UI, 303, {"cache-control": "no-store"})
        secure = request.url.scheme == "https"
        answer.set_cookie(
            SECURE_COOKIE if secure else COOKIE,
            token,
            max_age=round(LASTS.total_seconds()),
            path="/" if secure else UI,
            secure=secure,
            httponly=True,
            samesite="strict",
        )
        return answer

    @router.post("/logout")
    async def log_out(request: Request) -> Response:
        answer = RedirectResponse(f"{UI}/login", 303, {"cache-control": "no-store"})
        for name, path in ((SECURE_COOKIE, "/"), (COOKIE, UI)):
            token = request.cookies.get(name)
            if token:
                await door.sessions.end(token)
                answer.delete_cookie(name, path=path, secure=name == SECURE_COOKIE, httponly=True, samesite="strict")
        return answer

    return router


def _inside(url: str) -> str:
    """A page of ours; "" for whatever leads elsewhere."""
    parts = urlsplit(url)
    ours = url.startswith(f"{UI}/") and not parts.scheme and not parts.netloc and "\\" not in url
    return url if ours and url.isprintable() else ""
