"""POST /governance/api/overlay and DELETE /governance/api/overlay/{id}: an entry begins, or ends before its time."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request
from fastapi.responses import JSONResponse

from governance.admin.access import author_of
from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone
from governance.usecases.overlay import Done, NoSuchEntry, TooMany, row, set_entry, withdraw
from governance.usecases.overlay_asked import AnyAsked, NotUsable, entry_of


def routes(of: Administered) -> APIRouter:
    """For admins. This worker has it in force when it answers, all others within a second."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.post("/overlay")
    async def set_one(request: Request, asked: Annotated[AnyAsked, Body(discriminator="kind")]) -> JSONResponse:
        author = author_of(request)
        try:
            entry = entry_of(asked, of.engine.stated, of.models.catalog, author, time.time())
            done = await set_entry(of.overlay.kept, entry, author)
        except NotUsable as error:
            raise NotDone(422, "invalid_entry", str(error)) from None
        except TooMany as error:
            raise NotDone(409, "too_many_entries", str(error)) from None
        await of.overlay.look()
        return JSONResponse(_told(of, done), 201)

    @router.delete("/overlay/{entry_id}")
    async def withdraw_one(request: Request, entry_id: Annotated[str, Path(max_length=100)]) -> dict[str, Any]:
        try:
            done = await withdraw(of.overlay.kept, entry_id, author_of(request), time.time())
        except NoSuchEntry as error:
            raise NotDone(404, "no_such_entry", str(error)) from None
        await of.overlay.look()
        return _told(of, done)

    return router


def _told(of: Administered, done: Done) -> dict[str, Any]:
    return {"entry": row(done.entry, of.engine.stated), "audited": done.audited}
