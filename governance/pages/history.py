"""Which policies were in force, what each changed, who changed it; and one of them put in force again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from governance.admin.policy import ask_for_one
from governance.engine.host import Host
from governance.model.errors import GovernanceError
from governance.pages.answered import UI, Shown
from governance.pages.changed import rows_of
from governance.pages.render import Show
from governance.policy.diff_effects import Change
from governance.policy.environment import within
from governance.usecases.audit import audit, verify_audit
from governance.usecases.compare import compare
from governance.usecases.revisions import history

_ROWS: Final = 50

Cursor = Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$")]


def routes(show: Show) -> APIRouter:
    """For admins and viewers; without a store there is no history."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/history")
    async def revisions(request: Request, cursor: Cursor = None) -> Response:
        of = show.of
        if of.policies.source == "file":
            return await show.page(request, "history_file.html", file=of.policies.file)
        page = await of.policies.ask(partial(history, most=_ROWS, before_id=None if cursor is None else int(cursor)))
        last = page.revisions[-1].id if page.revisions else 0
        return await show.page(
            request,
            "history.html",
            revisions=page.revisions,
            active_id=None if page.pointer is None else page.pointer.active_id,
            cursor=last if len(page.revisions) == _ROWS and last > 1 else None,
        )

    @router.get("/history/audit")
    async def events(request: Request, cursor: Cursor = None, verify: bool = False) -> Response:
        of = show.of
        if of.policies.source == "file":
            return await show.page(request, "history_file.html", file=of.policies.file)
        found = await of.policies.ask(partial(audit, most=_ROWS, before_id=None if cursor is None else int(cursor)))
        verified = await of.policies.ask(verify_audit) if verify else None
        more = found[-1].id if len(found) == _ROWS and found[-1].id > 1 else None
        return await show.page(request, "audit.html", events=found, verified=verified, cursor=more)

    @router.get("/history/{revision_id}")
    async def revision(request: Request, revision_id: int) -> Response:
        of = show.of
        if of.policies.source == "file":
            return await show.page(request, "history_file.html", file=of.policies.file)
        found = await ask_for_one(of, revision_id)
        before = None if found.parent_id is None else await ask_for_one(of, found.parent_id)
        known = within(os.environ, of.policies.settings.access.environment)
        compared = () if before is None else _changes(before.yaml, found.yaml, known)
        changes = None if compared is None else rows_of(compared)
        active = (of.policies.followed or {}).get("revision_id")
        return await show.page(
            request, "revision.html", revision=found, before=before, changes=changes, active=found.id == active
        )

    return router


def _changes(before: str, after: str, known: Mapping[str, str]) -> tuple[Change, ...] | None:
    """None where one of them can no longer be read by this version."""
    try:
        return compare(Host.parse(before, "before", known), Host.parse(after, "after", known))
    except GovernanceError:
        return None
