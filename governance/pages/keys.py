"""The keys of the policy: who may come in. One is shown when it is made, and never again."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, Final

import yaml
from fastapi import APIRouter, Query, Request, Response

from governance.pages.answered import UI, Shown
from governance.pages.editing import Edited, open_policy
from governance.pages.forms import form_of
from governance.pages.not_shown import NotShown
from governance.pages.render import Show
from governance.pages.reviewed import review
from governance.policy.sections import SECTIONS
from governance.usecases.entries import NoSuchEntry, shown_entry
from governance.usecases.keyring import NoKey, made, rotated, state_of, switched

_ROWS: Final = 100
_LONGEST_DAYS: Final = 365
_DAYS: Final = re.compile(r"[0-9]{1,3}")
_TEXTS: Final = ("name", "team", "user", "customer", "expires")
_LISTS: Final = ("models", "denied_models")

Word = Annotated[str, Query(max_length=200)]


def routes(show: Show) -> APIRouter:
    """For admins and viewers: which there are."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/keys")
    async def keys(
        request: Request, text: Word = "", rotate: Word = "", page: Annotated[int, Query(ge=1, le=1_000)] = 1
    ) -> Response:
        return await keys_page(show, request, text, page, {"rotate": rotate}, {})

    return router


def changes(show: Show) -> APIRouter:
    """For admins: one made, rotated, switched off or on, or taken out; nothing is in force before it was reviewed."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.post("/keys")
    async def change(request: Request) -> Response:
        form = await form_of(request)
        policy, do, name = open_policy(show), form.get("do", "new"), form.get("of", "")
        # What is written is the entry of now with one thing changed, whatever its writer has seen.
        edited = Edited("keys", name, policy.revision)
        secret, entry = None, None
        try:
            if do == "new":
                secret, entry = made(**_given(form))
            elif do == "rotate":
                secret, entry = rotated(_old(policy.text, name), _ends(form.get("keep", "")))
            elif do in ("off", "on"):
                entry = switched(_old(policy.text, name), do == "on")
            elif do != "remove":
                raise NotShown(400, f"a key is made, rotated, switched off or on, or taken out, and not `{do[:100]}`")
        except NoKey as error:
            form = {**form, "rotate": name if do == "rotate" else ""}
            return await keys_page(show, request, "", 1, form, {error.field: error.message}, 422)

        async def refused(problems: list[dict[str, Any]], candidate: str) -> Response:
            wrong = {"": "; ".join(problem["message"] for problem in problems)}
            return await keys_page(show, request, "", 1, form, wrong, 422)

        written = None if entry is None else yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, width=110)
        return await review(show, request, edited, written, refused, key=secret)

    return router


async def keys_page(
    show: Show,
    request: Request,
    text: str,
    page: int,
    given: dict[str, str],
    wrong: dict[str, str],
    status: int = 200,
) -> Response:
    """The keys, and the form for a new one; what was written stays in it."""
    policy = show.of.engine.stated.policy
    now, wanted = datetime.now(timezone.utc), text.strip().lower()
    found = [
        (key, *state_of(key, now))
        for key in policy.core.keys
        if wanted in f"{key.name} {key.team} {key.user} {key.customer} {key.id}".lower()
    ]
    first = (page - 1) * _ROWS
    return await show.page(
        request,
        "keys.html",
        status=status,
        rows=found[first : first + _ROWS],
        total=len(found),
        first=first,
        number=page,
        more=len(found) > first + _ROWS,
        text=text,
        given=given,
        wrong=wrong,
        models=show.of.models.offered()[:300],
        base=policy.revision,
    )


def _given(form: dict[str, str]) -> dict[str, Any]:
    lists = {name: [part.strip() for part in form.get(name, "").split(",") if part.strip()] for name in _LISTS}
    return {**{name: form.get(name, "").strip() for name in _TEXTS}, **lists}


def _old(policy: str, name: str) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = shown_entry(policy, SECTIONS["keys"], name).value
    except NoSuchEntry:
        raise NotShown(404, f"the policy has no key of the name {name[:100]}") from None
    return entry


def _ends(days: str) -> datetime:
    if not _DAYS.fullmatch(days.strip()) or int(days) > _LONGEST_DAYS:
        raise NoKey("keep", f"must be a number of days, from 0 to {_LONGEST_DAYS}")
    return datetime.now(timezone.utc) + timedelta(days=int(days))
