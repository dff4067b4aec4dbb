"""Rules in another order: each asked a place earlier or later, and nothing in force before it was reviewed."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from governance.model.errors import GovernanceError
from governance.pages.answered import UI, Shown
from governance.pages.editing import open_policy
from governance.pages.forms import form_of
from governance.pages.render import Show
from governance.usecases.rules_order import asked_order, moved_rule

_MOVES = {"up": -1, "down": 1}


def changes(show: Show) -> APIRouter:
    """For admins."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/rules/order")
    async def order(request: Request) -> Response:
        policy = open_policy(show)
        return await page(request, policy.text, policy.revision, "", "", 200)

    @router.post("/rules/order")
    async def move(request: Request) -> Response:
        form = await form_of(request)
        text, (word, _, name) = form.get("text", ""), form.get("do", "").partition(" ")
        base = form.get("base") or open_policy(show).revision
        try:
            moved = moved_rule(text, name, _MOVES.get(word, 0))
        except GovernanceError as error:
            return await page(request, text, base, "", str(error), 422)
        return await page(request, moved, base, form.get("do", ""), "", 200)

    async def page(request: Request, text: str, base: str, focus: str, problem: str, status: int) -> Response:
        policy = open_policy(show)
        shown = text if not problem else policy.text
        return await show.page(
            request,
            "order.html",
            status=status,
            groups=asked_order(shown),
            text=shown,
            base=base,
            focus=focus,
            problem=problem,
            changed=shown != policy.text,
        )

    return router
