"""Who may open which page: dependencies that stand on the routers, so that no page can forget to ask."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from typing import Final
from urllib.parse import quote, urlsplit

from fastapi import Request

from governance.admin.administered import Administered
from governance.pages.holder import Holder, Identify
from governance.pages.not_shown import NotShown
from governance.pages.session import Sessions

COOKIE: Final = "governance_session"
# Under TLS: a cookie that no subdomain and no plain HTTP can set.
SECURE_COOKIE: Final = "__Host-governance_session"

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_TRIES: Final = 20
_WITHIN_S: Final = 300.0
_MOST_ADDRESSES: Final = 1_000


class LoginNeeded(Exception):
    """Nobody has logged in; `url` is where that is done."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


class Door:
    """Of one worker."""

    def __init__(self, of: Administered, identify: Identify) -> None:
        self.sessions = Sessions(of, identify)
        self._tried: OrderedDict[str, deque[float]] = OrderedDict()

    async def same_origin(self, request: Request) -> None:
        """Nothing is changed because another site says so.

        Source: https://words.filippo.io/csrf/ (Go 1.25, net/http.CrossOriginProtection).
        """
        if request.method in _SAFE:
            return
        site = request.headers.get("sec-fetch-site")
        if site in ("same-origin", "none"):
            return
        origin = request.headers.get("origin")
        if site is None and (origin is None or urlsplit(origin).netloc == request.headers.get("host")):
            return
        raise NotShown(403, "this was sent by another site, and nothing was done; use the pages here")

    async def anybody(self, request: Request) -> None:
        """Whoever has logged in."""
        await self._holder(request)

    async def viewer(self, request: Request) -> None:
        """Who may see everything: admins and viewers."""
        if not (await self._holder(request)).sees_all:
            raise NotShown(403, "this page is for admins and viewers; yours is “Mine”")

    async def admin(self, request: Request) -> None:
        """Who may change things."""
        if (await self._holder(request)).role != "admin":
            raise NotShown(403, "this is for admins; viewers may read, and change nothing")

    def may_try(self, request: Request) -> None:
        """Raises NotDone: 429, where too many keys from that address were none."""
        tried, now_s = self._tried.get(_address(request), deque()), time.monotonic()
        while tried and tried[0] < now_s - _WITHIN_S:
            tried.popleft()
        if len(tried) >= _TRIES:
            wait_s = max(1, round(tried[0] + _WITHIN_S - now_s))
            message = f"too many keys that are not known; try again in {wait_s} s"
            raise NotShown(429, message, {"retry-after": str(wait_s)})

    def tried(self, request: Request) -> None:
        """That key was none."""
        self._tried.setdefault(_address(request), deque()).append(time.monotonic())
        while len(self._tried) > _MOST_ADDRESSES:
            self._tried.popitem(last=False)

    async def _holder(self, request: Request) -> Holder:
        token = request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE)
        holder = await self.sessions.find(request, token) if token else None
        if holder is None:
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            raise LoginNeeded("/governance/ui/login" + (f"?next={quote(asked)}" if request.method == "GET" else ""))
        request.state.holder = holder
        return holder


def holder_of(request: Request) -> Holder:
    """Who has logged in, on a page that depends on it."""
    holder: Holder = request.state.holder
    return holder


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
