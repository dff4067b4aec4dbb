"""Rules in another order: each asked a place earlier or later, and nothing in force before it was reviewed."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import accumulate
from typing import Final

from fastapi import APIRouter, Request, Response

from governance.apart import apart
from governance.model.errors import GovernanceError
from governance.pages.answered import UI, Shown
from governance.pages.editing import open_policy
from governance.pages.forms import form_of
from governance.pages.render import Show
from governance.policy import Policy
from governance.usecases.entries import shown_written
from governance.usecases.rules_order import Asked, asked_order, in_order, moved_rule

_MOVES: Final = {"up": -1, "down": 1}
_ROWS: Final = 100
_NUMBERS: Final = frozenset(map(str, range(1, 1_001)))


def changes(show: Show) -> APIRouter:
    """For admins."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/rules/order")
    async def order(request: Request) -> Response:
        policy = await asyncio.to_thread(open_policy, show)
        return await page(request, policy, "", policy.revision, "", "", 1)

    @router.post("/rules/order")
    async def move(request: Request) -> Response:
        form = await form_of(request)
        policy = await asyncio.to_thread(open_policy, show)
        text, (word, _, name) = form.get("text", ""), form.get("do", "").partition(" ")
        # Who has changed nothing yet begins with the policy of now.
        base = (form.get("base") if text else "") or policy.revision
        if word == "page":
            return await page(request, policy, text, base, "", "", int(name) if name in _NUMBERS else 1)
        try:
            before = text or policy.text
            work = partial(apart, moved_rule, before, name, _MOVES.get(word, 0), size=len(before))
            moved = await asyncio.to_thread(work)
        except GovernanceError as error:
            return await page(request, policy, "", policy.revision, "", str(error), 1)
        return await page(request, policy, moved, base, form.get("do", ""), "")

    async def page(
        request: Request, policy: Policy, text: str, base: str, focus: str, problem: str, number: int | None = None
    ) -> Response:
        changed = bool(text) and text != policy.text
        groups = await asyncio.to_thread(_groups, policy, text if changed else "")
        names = [rule.name for of in groups for rule in of.rules]
        if number is None:
            number = names.index(focus.partition(" ")[2]) // _ROWS + 1 if focus.partition(" ")[2] in names else 1
        first = (number - 1) * _ROWS
        return await show.page(
            request,
            "order.html",
            status=422 if problem else 200,
            groups=_shown(groups, first),
            text=text if changed else "",
            base=base,
            focus=focus,
            problem=problem,
            changed=changed,
            number=number,
            first=first,
            last=min(first + _ROWS, len(names)),
            total=len(names),
        )

    return router


def _groups(policy: Policy, text: str) -> list[Asked]:
    """The rules of a text, or of the policy in force, which is parsed already."""
    if text:
        return apart(asked_order, text, size=len(text))
    return in_order(map(shown_written, policy.entries.get("rules", ())))


def _shown(groups: list[Asked], first: int) -> list[tuple[Asked, int, int]]:
    """Those of which a page shows rules, and from which of their rules to which."""
    begins = accumulate((len(of.rules) for of in groups), initial=0)
    cut = [
        (of, max(0, first - at), min(len(of.rules), first + _ROWS - at)) for of, at in zip(groups, begins, strict=False)
    ]
    return [(of, begin, end) for of, begin, end in cut if begin < end]
