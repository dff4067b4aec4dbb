"""Why? A decision by its id, or those that a name or a pasted error is about; and one of them as a picture."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from governance.admin.decisions import find, kept_by
from governance.model.errors import StoreUnavailable
from governance.pages.answered import UI, Shown
from governance.pages.not_shown import NotShown
from governance.pages.render import Show
from governance.policy import Policy
from governance.store import Revision
from governance.telemetry.recent import Query as Wanted
from governance.telemetry.recent import search
from governance.usecases.asked_again import asked_again, policy_test
from governance.usecases.revisions import by_hash
from governance.usecases.who_serves import help_for
from governance.usecases.why import why

_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.I)
_ROWS: Final = 50
_CURSOR: Final = r"^[0-9]{1,15}-[0-9]{1,15}$"

Word = Annotated[str, Query(max_length=500)]


def routes(show: Show) -> APIRouter:
    """For admins and viewers."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/why")
    async def asked(q: Annotated[str, Query(max_length=4_000)] = "") -> Response:
        wanted = _ID.search(q)
        if wanted and await kept_by(show.of).find(wanted[0].lower()) is not None:
            return RedirectResponse(f"/governance/ui/decisions/{wanted[0].lower()}", 303)
        return RedirectResponse(f"/governance/ui/decisions?text={quote(q.strip()[:2_000])}", 303)

    @router.get("/decisions")
    async def decisions(
        request: Request,
        text: Annotated[str, Query(max_length=4_000)] = "",
        outcome: Annotated[str, Query(pattern="^(route|refuse|pass)?$")] = "",
        reason: Word = "",
        target: Word = "",
        cursor: Annotated[str | None, Query(pattern=_CURSOR)] = None,
    ) -> Response:
        given = {"text": text.strip(), "outcome": outcome, "reason": reason.strip(), "target": target.strip()}
        query = Wanted(
            text=given["text"] or None,
            outcome=outcome or None,
            reason=given["reason"] or None,
            target=given["target"] or None,
        )
        page = await search(kept_by(show.of), query, _ROWS, cursor)
        rows = [(record, why(record, None)) for record in page.decisions]
        return await show.page(
            request, "decisions.html", rows=rows, cursor=page.cursor, given=given, query=given["text"]
        )

    @router.get("/decisions/{decision_id}")
    async def decision(request: Request, decision_id: str) -> Response:
        record = await find(kept_by(show.of), decision_id)
        if record is None:
            keep = show.of.telemetry.settings.decisions.keep
            message = (
                f"decision {decision_id[:50]} is not among the last {keep:,} or so; requests are told when they end"
            )
            raise NotShown(404, message)
        revision, decided_by = await _decided_by(show, record["policy_revision"])
        return await show.page(
            request,
            "decision.html",
            record=record,
            helping=await asyncio.to_thread(help_for, record, show.of.models.catalog, show.of.engine.host.policy),
            why=why(record, decided_by),
            revision=revision,
            in_force=record["policy_revision"] == show.of.engine.host.policy.revision,
            file=show.of.policies.file.name,
            again=asked_again(record),
            test=policy_test(record),
            query=record["id"],
        )

    return router


async def _decided_by(show: Show, hash: str) -> tuple[Revision | None, str | Policy | None]:
    """The revision of the store, where one keeps it, and what it says, where that is known."""
    policy = show.of.engine.host.policy
    found: Any = None
    if show.of.policies.source == "database":
        try:
            found = await show.of.policies.ask(partial(by_hash, hash=hash))
        except StoreUnavailable:
            found = None
    if found is not None:
        return found, policy if policy.revision == hash and policy.text == found.yaml else found.yaml
    return None, policy if policy.revision == hash else None
