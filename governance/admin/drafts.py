"""GET /governance/api/drafts: the policies that people are writing."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone
from governance.store import Draft
from governance.usecases import drafts as usecases

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$")]


class DraftAbout(BaseModel):
    """A draft without its text."""

    id: int
    base: str = Field(description="the hash of the policy that it was made from")
    author: str
    author_kind: str
    comment: str
    version: int = Field(description="counts its changes; the `if-match` of the next one")
    created_at: datetime
    updated_at: datetime


class DraftShown(DraftAbout):
    """A draft."""

    policy: str = Field(description="its text, as it was written")


class DraftsPage(BaseModel):
    """Drafts, the newest first."""

    drafts: list[DraftAbout]
    cursor: str | None = Field(description="the parameter `cursor` of the next page; null: there is none")


def routes(of: Administered) -> APIRouter:
    """For viewers, too."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.get("/drafts", summary="Policies that people are writing")
    async def drafts(limit: Limit = 50, cursor: Cursor = None) -> DraftsPage:
        before = None if cursor is None else int(cursor)
        found = await of.policies.ask(partial(usecases.drafts, most=limit, before_id=before))
        rows = [DraftAbout(**usecases.about(each)) for each in found]
        return DraftsPage(drafts=rows, cursor=str(rows[-1].id) if len(rows) == limit and rows[-1].id > 1 else None)

    @router.get("/drafts/{draft_id}", summary="One draft, with its text")
    async def draft(response: Response, draft_id: int) -> DraftShown:
        found = await ask_for_draft(of, draft_id)
        response.headers["etag"] = tag(found)
        response.headers["cache-control"] = "no-store"
        return shown(found)

    return router


def shown(draft: Draft) -> DraftShown:
    """A draft as pages tell it."""
    return DraftShown(**usecases.about(draft), policy=draft.yaml)


def tag(draft: Draft) -> str:
    """Its version as RFC 9110, section 8.8.3, wants it."""
    return f'"{draft.version}"'


async def ask_for_draft(of: Administered, id: int) -> Draft:
    """A draft by its number. Raises NotDone, StoreUnavailable."""
    try:
        return await of.policies.ask(partial(usecases.draft, id=id))
    except usecases.NoSuchDraft as error:
        raise NotDone(404, "no_such_draft", str(error)) from None
