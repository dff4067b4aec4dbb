"""A template and values to a page, with the headers that every page has."""

from __future__ import annotations

import secrets
import time
from datetime import datetime, timezone
from typing import Any, Final

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from governance.admin.administered import Administered
from governance.admin.health import status_of
from governance.model.errors import StoreUnavailable
from governance.pages import words
from governance.pages.assets import ASSETS
from governance.pages.holder import Holder
from governance.usecases import told
from governance.usecases.follow import GONE_AFTER, seen_workers

_POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types htmx"
)
# A worker list is asked of the store; a page that is looked at again and again does not ask each time.
_BADGES_LAST_S: Final = 2.0

PAGES: Final = (
    ("overview", "Overview"),
    ("edge", "Near the edge"),
    ("decisions", "Decisions"),
    ("spend", "Spend"),
    ("profiles", "Profiles"),
    ("rules", "Rules"),
    ("limits", "Limits"),
    ("tasks", "Tasks"),
    ("models", "Models"),
    ("keys", "Keys"),
    ("switches", "Switches"),
    ("history", "History"),
)

_environment = Environment(
    loader=PackageLoader("governance.pages", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(
    amount=told.amount,
    usd=told.usd,
    number=told.number,
    period=told.period,
    per=told.per,
    plain=words.plain,
    short=words.short,
    clock=words.clock,
    clock_beside=words.clock_beside,
    room=words.room,
    moment=words.moment,
    ago=words.ago,
    until=words.until,
    ms=words.ms,
    minute=words.minute,
    price=words.price,
    inline=words.inline,
    whom=told.subject_named,
)
_environment.globals.update(asset=ASSETS.url, pages=PAGES, bar=words.bar, spark=words.spark)


class Show:
    """Makes the pages of one worker."""

    def __init__(self, of: Administered) -> None:
        self.of = of
        self._badges: tuple[float, dict[str, Any]] = (0.0, {})

    async def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        **values: Any,
    ) -> Response:
        """A whole page, for whoever has logged in."""
        holder: Holder | None = getattr(request.state, "holder", None)
        badges = await self._badges_now() if holder is not None else None
        return _response(request, template, status, None, holder=holder, badges=badges, **values)

    def part(self, request: Request, template: str, **values: Any) -> Response:
        """A part of a page that is there."""
        return _response(request, template, 200, None, holder=getattr(request.state, "holder", None), **values)

    async def _badges_now(self) -> dict[str, Any]:
        at_s, badges = self._badges
        if time.monotonic() - at_s < _BADGES_LAST_S:
            return badges
        health, _ = await status_of(self.of)
        badges = {"health": health, "revision": self.of.reload.revision, "workers": None, "id": None}
        followed = self.of.policies.followed
        if followed is not None:
            badges["id"] = followed["revision_id"]
            badges["workers"] = await self._workers(followed["revision_id"])
        self._badges = (time.monotonic(), badges)
        return badges

    async def _workers(self, id: int | None) -> tuple[int, int] | None:
        try:
            seen = await self.of.policies.ask(lambda store: seen_workers(store, _now() - GONE_AFTER))
        except StoreUnavailable:
            return None
        return sum(worker.active_id == id for worker in seen), len(seen)


def error_page(request: Request, status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """What is wrong, and what would be right."""
    holder = getattr(request.state, "holder", None)
    return _response(request, "error.html", status, headers, holder=holder, badges=None, code=status, message=message)


def _response(request: Request, template: str, status: int, headers: dict[str, str] | None, **values: Any) -> Response:
    nonce = secrets.token_urlsafe(16)
    named = {"nonce": nonce, "here": request.url.path, "query": "", "now": _now(), **values}
    # A name may hold what no UTF-8 can.
    html = _environment.get_template(template).render(named).encode("utf-8", "replace")
    return Response(
        html,
        status,
        {
            "cache-control": "no-store",
            "content-security-policy": _POLICY.format(nonce=nonce),
            "cross-origin-opener-policy": "same-origin",
            "referrer-policy": "same-origin",
            "x-content-type-options": "nosniff",
            **(headers or {}),
        },
        "text/html; charset=utf-8",
    )


def _now() -> datetime:
    return datetime.now(timezone.utc)
