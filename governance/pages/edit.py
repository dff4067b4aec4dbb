"""Changing the policy: an entry or all of it, then a review with the consequences in view, then in force."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from governance.admin.answered import NotDone
from governance.admin.frozen import refuse_while_frozen
from governance.admin.policy import ask_for_one
from governance.admin.policy_plan import Asked, planned
from governance.admin.refused_changes import refusals
from governance.model.errors import GovernanceError
from governance.pages.answered import UI, Shown
from governance.pages.changed import conclude, rows_of
from governance.pages.door import holder_of
from governance.pages.forms import form_of
from governance.pages.not_shown import NotShown
from governance.pages.render import Show
from governance.policy.patch import patch
from governance.policy.sections import SECTIONS
from governance.usecases.candidate import secrets_in
from governance.usecases.change_policy import LONGEST_COMMENT, apply, rollback
from governance.usecases.entries import NoSuchEntry
from governance.usecases.follow import GONE_AFTER, seen_workers
from governance.usecases.guard import GUARDED_WITHIN_S
from governance.usecases.written_entry import changed_entry, entry_text

EDITABLE: Final = {"profiles": "profile", "rules": "rule", "limits": "limit", "budgets": "budget"}


def routes(show: Show) -> APIRouter:
    """For admins. Where the file is the truth, a review ends with the patch for it."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/edit")
    async def whole(request: Request) -> Response:
        policy = _open(show)
        values: dict[str, Any] = {"text": policy.text, "base": policy.revision, "section": "", "name": ""}
        values["noun"] = "policy"
        return await show.page(request, "edit.html", problems=[], **values)

    @router.get("/edit/{section}")
    async def new(request: Request, section: str, name: str = "") -> Response:
        policy = _open(show)
        noun = _noun(section)
        try:
            text = entry_text(policy.text, SECTIONS[section], name) if name else ""
        except NoSuchEntry:
            raise NotShown(404, f"the policy has no {noun} of the name {name[:100]}") from None
        return await show.page(
            request, "edit.html", text=text, base=policy.revision, problems=[], section=section, name=name, noun=noun
        )

    @router.post("/review")
    async def review(request: Request) -> Response:
        form = await form_of(request)
        policy = _open(show)
        section, name, written = form.get("section", ""), form.get("name", ""), form.get("text", "")
        base = form.get("base") or policy.revision
        noun = _noun(section) if section else "policy"
        values: dict[str, Any] = {"text": written, "base": base, "section": section, "name": name, "noun": noun}
        try:
            remove = form.get("do") == "remove"
            text = written
            if section:
                text = changed_entry(policy.text, SECTIONS[section], name, None if remove else written)
            made, _ = await planned(show.of, Asked(policy=text))
        except NotDone as error:
            problems = error.more.get("problems") or [{"message": error.message, "line": None}]
            return await show.page(request, "edit.html", status=422, problems=problems, **values)
        except GovernanceError as error:
            problems = [{"message": str(error), "line": None}]
            return await show.page(request, "edit.html", status=422, problems=problems, **values)
        file = show.of.policies.source == "file"
        return await show.page(
            request,
            "review.html",
            plan=made,
            changes=rows_of(made.changes),
            effects=[f"{count} {effect.replace('_', ' ')}" for effect, count in made.effects.items() if count],
            warnings=made.warnings,
            tests=made.report()["tests"],
            candidate=text,
            edited=values,
            comment=form.get("comment", ""),
            stale=base != policy.revision,
            base_now=policy.revision,
            patch=patch(policy.text, text, show.of.policies.file.name) if file else None,
            file=show.of.policies.file,
        )

    @router.post("/apply")
    async def put_in_force(request: Request) -> Response:
        form = await form_of(request)
        comment = form.get("comment", "").strip()[:LONGEST_COMMENT]
        text = form.get("policy", "")
        change = partial(apply, text=text, base=form.get("base", ""), **_as_admin(show, request, comment))
        await refuse_while_frozen(show.of)
        with refusals():
            outcome = await show.of.policies.ask(change, GUARDED_WITHIN_S)
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


def _open(show: Show) -> Any:
    policy = show.of.engine.stated.policy
    withheld = secrets_in(policy)
    if withheld:
        where = ", ".join(withheld[:5])
        message = f"secrets stand in this policy ({where}), so it is changed in its file alone; name variables there"
        raise NotShown(409, message)
    return policy


def _noun(section: str) -> str:
    if section not in EDITABLE:
        message = f"these pages edit {', '.join(EDITABLE)}; the rest stands in the policy as a whole"
        raise NotShown(404, message)
    return EDITABLE[section]


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
