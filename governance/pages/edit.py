"""Changing the policy: an entry or all of it, then a review with the consequences in view, then in force."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timezone
from functools import partial
from typing import Any

from fastapi import APIRouter, Query, Request, Response

from governance.admin.frozen import refuse_while_frozen
from governance.admin.looked_at import guarded
from governance.admin.policy import ask_for_one
from governance.admin.refused_changes import refusals
from governance.pages.answered import UI, Shown
from governance.pages.changed import conclude
from governance.pages.door import holder_of
from governance.pages.editing import FORMS, Edited, noun_of, open_policy
from governance.pages.forms import form_of
from governance.pages.not_shown import NotShown
from governance.pages.render import Show
from governance.pages.reviewed import review
from governance.pages.sheet import opened
from governance.policy.sections import SECTIONS
from governance.usecases.change_guard import LONGEST_REASON
from governance.usecases.change_policy import LONGEST_COMMENT, apply, rollback
from governance.usecases.entries import NoSuchEntry, shown_entry
from governance.usecases.follow import GONE_AFTER, seen_workers
from governance.usecases.guard import GUARDED_WITHIN_S
from governance.usecases.written_entry import entry_text


def routes(show: Show) -> APIRouter:
    """For admins. Where the file is the truth, a review ends with the patch for it."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/edit")
    async def whole(request: Request) -> Response:
        policy = open_policy(show)
        return await written(request, Edited("", "", policy.revision), policy.text)

    @router.get("/edit/{section}")
    async def new(request: Request, section: str, name: str = "", how: str = Query("", alias="as")) -> Response:
        noun, policy = noun_of(section), open_policy(show)
        edited = Edited(section, name, policy.revision)
        try:
            if how == "yaml" or section not in FORMS:
                text = await asyncio.to_thread(entry_text, policy.text, SECTIONS[section], name) if name else ""
                return await written(request, edited, text)
            # A policy may be long, and nobody else is to wait while it is read.
            shown = await asyncio.to_thread(shown_entry, policy.text, SECTIONS[section], name) if name else None
        except NoSuchEntry:
            raise NotShown(404, f"the policy has no {noun} of the name {name[:100]}") from None
        return await opened(show, request, edited, shown.value if shown else {})

    @router.post("/review")
    async def reviewed(request: Request) -> Response:
        form = await form_of(request)
        section, text = form.get("section", ""), form.get("text", "")
        if section:
            noun_of(section)
        base = form.get("base") or open_policy(show).revision
        edited = Edited(section, form.get("name", ""), base, form.get("comment", ""))

        async def refused(problems: list[dict[str, Any]], candidate: str) -> Response:
            return await written(request, edited, text, problems)

        remove = bool(section) and form.get("do") == "remove"
        return await review(show, request, edited, None if remove else text, refused)

    async def written(request: Request, edited: Edited, text: str, problems: Any = ()) -> Response:
        status, touched = (422, True) if problems else (200, False)
        values = {"text": text, **edited.values}
        return await show.page(request, "edit.html", status=status, problems=problems, touched=touched, **values)

    @router.post("/apply")
    async def put_in_force(request: Request) -> Response:
        form = await form_of(request)
        comment = form.get("comment", "").strip()[:LONGEST_COMMENT]
        text, why = form.get("policy", ""), form.get("override_guard", "").strip()[:LONGEST_REASON]
        by = _as_admin(show, request, comment)
        change = partial(apply, text=text, base=form.get("base", ""), override_guard=why, **by)
        await refuse_while_frozen(show.of)
        with refusals():
            outcome = await guarded(show.of, change, GUARDED_WITHIN_S)
        return await conclude(show, request, outcome, text, comment)

    @router.post("/history/{revision_id}/rollback")
    async def roll_back(request: Request, revision_id: int) -> Response:
        form = await form_of(request)
        comment = form.get("comment", "").strip()[:LONGEST_COMMENT]
        await ask_for_one(show.of, revision_id)
        change = partial(rollback, id=revision_id, base=form.get("base") or None, **_as_admin(show, request, comment))
        await refuse_while_frozen(show.of)
        with refusals():
            outcome = await show.of.policies.ask(change, GUARDED_WITHIN_S)
        return await conclude(show, request, outcome, None, comment)

    @router.get("/applied/{revision_id}")
    async def applied(request: Request, revision_id: int) -> Response:
        return await show.page(request, "applied.html", **await progress(revision_id))

    @router.get("/applied/{revision_id}/progress")
    async def applied_progress(request: Request, revision_id: int) -> Response:
        return show.part(request, "progress.html", **await progress(revision_id))

    async def progress(revision_id: int) -> dict[str, Any]:
        revision = await ask_for_one(show.of, revision_id)
        since = datetime.now(timezone.utc) - GONE_AFTER
        workers = await show.of.policies.ask(lambda store: seen_workers(store, since))
        return {"revision": revision, "workers": workers, "on": sum(each.active_id == revision_id for each in workers)}

    return router


def _as_admin(show: Show, request: Request, comment: str) -> dict[str, Any]:
    if show.of.policies.source == "file":
        message = f"the policy of this proxy is its file: put the patch into {show.of.policies.file}"
        raise NotShown(409, message)
    author = holder_of(request).author._replace(request_id=request.headers.get("x-request-id", ""))
    return {
        "file": show.of.policies.settings,
        "environment": os.environ,
        "author": author,
        "comment": comment,
        "now": datetime.now(timezone.utc),
    }
