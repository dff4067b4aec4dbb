"""What is in force beside the policy for a while: more room, a limit that is not enforced, a drain, a freeze."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field, TypeAdapter, ValidationError

from governance.engine.overlay import limits_of, profiles_of
from governance.model import Unit
from governance.model.errors import LedgerUnavailable, StoreUnavailable
from governance.pages.answered import UI, Shown
from governance.pages.door import holder_of
from governance.pages.forms import form_of
from governance.pages.not_shown import NotShown
from governance.pages.render import Show
from governance.usecases.overlay import NoSuchEntry, TooMany, entries, row, set_entry, withdraw
from governance.usecases.overlay_asked import AnyAsked, NotUsable, entry_of

_ASKED: Final[TypeAdapter[Any]] = TypeAdapter(Annotated[AnyAsked, Field(discriminator="kind")])
_FIELDS: Final = frozenset(
    {"kind", "limit", "section", "unit", "amount", "factor", "target", "profile", "until", "reason"}
)
_MOST_SUGGESTED: Final = 500

Word = Annotated[str, Query(max_length=300)]


def routes(show: Show) -> APIRouter:
    """For admins and viewers: what is in force."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/switches")
    async def switches(
        request: Request, kind: Word = "", limit: Word = "", unit: Word = "", section: Word = ""
    ) -> Response:
        given = {"kind": kind, "limit": limit, "unit": unit, "section": section}
        return await switches_page(show, request, given, {}, 200)

    return router


def changes(show: Show) -> APIRouter:
    """For admins: an entry begins, or ends before its time."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.post("/switches")
    async def set_one(request: Request) -> Response:
        form = await form_of(request)
        author = holder_of(request).author._replace(request_id=request.headers.get("x-request-id", ""))
        of = show.of
        try:
            asked = _ASKED.validate_python(
                {key: form[key].strip() for key in _FIELDS & form.keys() if form[key].strip()}
            )
            entry = entry_of(asked, of.engine.stated, of.models.catalog, author, time.time())
            await set_entry(of.overlay.kept, entry, author)
        except ValidationError as error:
            wrong = {str((each["loc"] or ("",))[-1]): each["msg"] for each in error.errors()}
            return await switches_page(show, request, form, wrong, 422)
        except (NotUsable, TooMany) as error:
            field, colon, message = str(error).partition(": ")
            wrong = {field: message} if colon and field in _FIELDS else {"": str(error)}
            return await switches_page(show, request, form, wrong, 422)
        await of.overlay.look()
        return RedirectResponse(f"{UI}/switches", 303)

    @router.post("/switches/{entry_id}/withdraw")
    async def withdraw_one(request: Request, entry_id: str) -> Response:
        author = holder_of(request).author._replace(request_id=request.headers.get("x-request-id", ""))
        try:
            await withdraw(show.of.overlay.kept, entry_id[:100], author, time.time())
        except NoSuchEntry as error:
            raise NotShown(404, str(error)) from None
        await show.of.overlay.look()
        return RedirectResponse(f"{UI}/switches", 303)

    return router


async def in_force(show: Show) -> tuple[list[dict[str, Any]], str]:
    """What has not ended, and why that is not known."""
    of, now_s = show.of, time.time()
    try:
        found = await entries(of.overlay.kept)
    except (LedgerUnavailable, StoreUnavailable) as error:
        return [], str(error)
    return [row(entry, of.engine.stated) for entry in found if entry.in_force(now_s)], ""


async def switches_page(
    show: Show, request: Request, given: dict[str, str], wrong: dict[str, str], status: int
) -> Response:
    """What is in force, and the forms; what was written stays in them."""
    rows, unknown = await in_force(show)
    of = show.of
    sections = of.engine.stated.policy.sections
    catalog = of.models.catalog
    return await show.page(
        request,
        "switches.html",
        status=status,
        rows=rows,
        unknown=unknown,
        given=given,
        wrong=wrong,
        units=get_args(Unit),
        limits=[limit.name for each in sections.values() for limit in limits_of(each) if limit.enabled][
            :_MOST_SUGGESTED
        ],
        profiles=[name for each in sections.values() for name in profiles_of(each)],
        targets=list(catalog.offered)[:_MOST_SUGGESTED],
    )
