"""GET /governance/api/decisions: the recent decisions, searched; and one of them by its id."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timezone
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Query

from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone
from governance.telemetry import recent
from governance.telemetry.recent import Recent
from governance.usecases.who_serves import helped, needs_of
from governance.usecases.why import why

_CURSOR: Final = re.compile(r"[0-9]{1,15}-[0-9]{1,15}")

Word = Annotated[str | None, Query(max_length=500)]


def routes(of: Administered) -> APIRouter:
    """The decisions that every worker on the same Redis tells; on a memory ledger, those of this worker."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.get("/decisions", summary="Recent decisions, searched")
    async def decisions(
        id: Word = None,
        team: Word = None,
        target: Word = None,
        outcome: Literal["route", "refuse", "pass"] | None = None,
        reason: Word = None,
        profile: Word = None,
        rule: Word = None,
        since: Word = None,
        key: Word = None,
        text: Annotated[str | None, Query(max_length=4000)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: Word = None,
    ) -> dict[str, Any]:
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise NotDone(400, "invalid_request", "cursor: is not one that this page gave")
        since_s = None if since is None else moment(since)
        kept = kept_by(of)
        if id is not None:
            record = await find(kept, id)
            return {"decisions": [] if record is None else [record], "cursor": None}
        query = recent.Query(None, team, target, outcome, reason, profile, rule, since_s, key, text)
        page = await recent.search(kept, query, limit, cursor)
        return {"decisions": page.decisions, "cursor": page.cursor}

    async def one(decision_id: str) -> dict[str, Any]:
        record = await find(kept_by(of), decision_id)
        if record is None:
            keep = of.telemetry.settings.decisions.keep
            raise NotDone(
                404,
                "no_such_decision",
                f"decision {decision_id[:50]} is not among the last {keep:,} or so; "
                "a decision is told when its request has ended",
            )
        return record

    @router.get("/decisions/{decision_id}", summary="One decision")
    async def decision(decision_id: str) -> dict[str, Any]:
        """With `who_serves` where the request brings or wants images, audio or video: by the models of now."""
        record = await one(decision_id)
        if not needs_of(record):
            return record
        # Of thousands of models that takes a while.
        return await asyncio.to_thread(helped, record, of.models.catalog, of.engine.host.policy)

    @router.get("/decisions/{decision_id}/why")
    async def told(decision_id: str) -> dict[str, Any]:
        record = await one(decision_id)
        policy = of.engine.host.policy
        return why(record, policy if policy.revision == record["policy_revision"] else None).report()

    return router


def kept_by(of: Administered) -> Recent:
    """Where decisions are kept. Raises NotDone."""
    kept = of.telemetry.recent
    if kept is None:
        raise NotDone(404, "not_kept", "no decisions are kept: the policy says telemetry.decisions.keep: 0")
    return kept


async def find(kept: Recent, decision_id: str) -> dict[str, Any] | None:
    """One of them; None where it is not kept (any more). Raises NotDone for what is no id."""
    try:
        wanted = UUID(decision_id)
    except ValueError:
        wanted = None
    if wanted is None or wanted.version != 7:
        message = f"`{decision_id[:50]}` is no id of a decision; x-governance-decision-id of an answer is one"
        raise NotDone(400, "invalid_request", message)
    found = await kept.find(str(wanted))
    record: dict[str, Any] | None = None if found is None else orjson.loads(found)
    return record


def moment(since: str) -> float:
    """Unix seconds, or ISO 8601; without a zone it is UTC."""
    if re.fullmatch(r"[0-9]{1,11}(\.[0-9]{1,6})?", since):
        return float(since)
    try:
        moment = datetime.fromisoformat(since.replace("Z", "+00:00"))
    except ValueError:
        message = f"since: `{since[:50]}` is no moment; write 2026-11-20T12:00:00Z or Unix seconds"
        raise NotDone(400, "invalid_request", message) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
