"""A draft of the policy: kept from a review, and asked beside the policy in force."""

from __future__ import annotations

import asyncio
import os
import random
from datetime import datetime, timezone
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from governance.admin.drafts import ask_for_draft
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.overlay import effective
from governance.engine.simulation import SimulationInput, simulate_alike
from governance.model.errors import GovernanceError, StoreUnavailable
from governance.pages.answered import UI, Shown
from governance.pages.door import holder_of
from governance.pages.forms import form_of
from governance.pages.not_shown import NotShown
from governance.pages.render import Show
from governance.policy.environment import within
from governance.store import Draft
from governance.usecases.change_policy import LONGEST_COMMENT
from governance.usecases.drafts import Text, begin_draft, drafts

_MOST: Final = 50
_MOST_DRAWN: Final = 100


def changes(show: Show) -> APIRouter:
    """For admins."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.post("/drafts")
    async def keep(request: Request) -> Response:
        form = await form_of(request)
        author = holder_of(request).author._replace(request_id=request.headers.get("x-request-id", ""))
        text = Text(form.get("policy", ""), form.get("base", ""), form.get("comment", "").strip()[:LONGEST_COMMENT])
        begin = partial(
            begin_draft,
            text=text,
            file=show.of.policies.settings,
            environment=os.environ,
            author=author,
            now=datetime.now(timezone.utc),
        )
        kept = await show.of.policies.ask(begin)
        return RedirectResponse(f"{UI}/simulate?draft={kept.id}", 303)

    return router


async def drafts_of(show: Show) -> list[Draft]:
    """The newest; none where the store is away, or nobody has made one."""
    policies = show.of.policies
    if policies.source == "file" and not policies.store["opened"]:
        return []
    try:
        found: list[Draft] = await policies.ask(partial(drafts, most=_MOST))
    except StoreUnavailable:
        return []
    return found


async def decided_beside(show: Show, id: str, given: SimulationInput) -> tuple[dict[str, Any], dict[str, Any]]:
    """The record of a request by the policy in force, and what a draft would do, by the same of now. Raises NotDone."""
    if not (id.isascii() and id.isdigit()) or len(id) > 18:
        raise NotShown(404, f"there is no draft {id[:50]}")
    draft, of = await ask_for_draft(show.of, int(id)), show.of
    known = within(os.environ, of.policies.settings.access.environment)
    try:
        host = await asyncio.to_thread(Host.parse, draft.yaml, f"draft {draft.id}", known)
    except GovernanceError as error:
        raise NotShown(422, f"draft {draft.id} can no longer be used: {error}") from None
    running = of.engine
    # Windows of one name are counted together, so the draft finds what the policy in force has counted.
    drafted = Engine(effective(host, running.host.overlay.entries), running.ledger, clock=running.clock)
    drafted.habits, drafted.speeds = running.habits, running.speeds
    given = given if given.draw else given.model_copy(update={"draw": _drawn()})
    one, other = [(await simulate_alike(engine, given, of.models.catalog)).trace for engine in (running, drafted)]
    return one.record(), {"draft": draft, "record": other.record(), "text": draft.yaml}


def _drawn() -> tuple[float, ...]:
    """What both draw, so that they differ by their policies alone."""
    return tuple(random.random() for _ in range(_MOST_DRAWN))  # noqa: S311 - a draw among targets is no secret
