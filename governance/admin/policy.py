"""GET /governance/api/policy and what is under it: the policy in force, every one before it, and who changed it."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import datetime, timezone
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone, answers
from governance.admin.in_force import etag
from governance.model.errors import PolicyError, StoreUnavailable
from governance.policy.load import read_text
from governance.policy.revision import document_hash
from governance.store import Revision, Staging, Store, Worker
from governance.usecases.audit import audit, told, verify_audit
from governance.usecases.candidate import document_of, secrets_in
from governance.usecases.follow import GONE_AFTER, seen_workers
from governance.usecases.overlay import is_there
from governance.usecases.revisions import NoSuchRevision, history, row, rows, show, whole
from governance.usecases.staging import tried
from governance.usecases.whereabouts import lines

MOST_ROWS: Final = 200

Limit = Annotated[int, Query(ge=1, le=MOST_ROWS)]
Cursor = Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$")]


def routes(of: Administered) -> APIRouter:
    """What viewers may read, too. Where the file is the truth there are no revisions, and the audit is of what else is
    kept in the store.
    """
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.get("/policy", response_model=dict[str, Any], summary="The policy in force")
    async def policy() -> Response:
        active, workers, trial = await _active(of)
        text = of.engine.host.policy.text if active is None else active.yaml
        hash = of.engine.host.policy.revision if active is None else active.hash
        withheld = secrets_in(of.engine.host.policy) if active is None else []
        return JSONResponse(
            {
                "revision": hash,
                "source": of.policies.source,
                "editable": of.policies.source == "database",
                "file": str(of.policies.file),
                "in_sync": None if of.policies.source == "file" else _file_hash(of) == hash,
                "active": None if active is None else row(active),
                "candidate": trial and {**row(trial[0]), **trial[1]._asdict()},
                "workers": workers,
                "error": of.reload.error or (of.policies.followed or {}).get("error"),
                "sections": lines(text),
                "yaml": None if withheld else text,
                "tests": None if active is None else active.tests,
                "withheld": withheld,
            },
            headers={"etag": etag(hash), "cache-control": "no-store"},
        )

    @router.get("/policy/revisions", summary="Revisions, the newest first")
    async def revisions(limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
        if of.policies.source == "file":
            return {"revisions": [], "cursor": None}
        page = await of.policies.ask(partial(history, most=limit, before_id=_number(cursor)))
        return {"revisions": rows(page), "cursor": _next(page.revisions, limit)}

    @router.get("/policy/revisions/{revision_id}", responses=answers(400, 404), summary="One revision, with its text")
    async def revision(revision_id: int) -> dict[str, Any]:
        if of.policies.source == "file":
            raise NotDone(404, "no_such_revision", f"the policy is the file {of.policies.file}, which has no revisions")
        found = await ask_for_one(of, revision_id)
        return whole(found)

    @router.get("/policy/audit", summary="Who changed the policy, the newest first")
    async def policy_audit(limit: Limit = 50, cursor: Cursor = None, verify: bool = False) -> dict[str, Any]:
        if of.policies.source == "file" and not is_there(of.policies.settings.store.url, os.environ):
            return {"events": [], "cursor": None}
        events = await of.policies.ask(partial(audit, most=limit, before_id=_number(cursor)))
        verified = {"verified": asdict(await of.policies.ask(verify_audit))} if verify else {}
        return {"events": list(map(told, events)), "cursor": _next(events, limit), **verified}

    return router


async def ask_for_one(of: Administered, id: int) -> Revision:
    """A revision by its number. Raises NotDone, StoreUnavailable."""
    try:
        return await of.policies.ask(partial(show, id=id))
    except NoSuchRevision as error:
        raise NotDone(404, "no_such_revision", str(error)) from None


async def _active(
    of: Administered,
) -> tuple[Revision | None, list[dict[str, Any]] | None, tuple[Revision, Staging] | None]:
    if of.policies.source == "file":
        return None, None, None

    def ask(store: Store) -> tuple[Revision, list[Worker], tuple[Revision, Staging] | None]:
        return show(store), seen_workers(store, datetime.now(timezone.utc) - GONE_AFTER), tried(store)

    try:
        active, workers, trial = await of.policies.ask(ask)
    except StoreUnavailable:
        return None, None, None  # what this worker serves by can be read all the same, and the error is told
    return active, [{**asdict(worker), "seen_at": worker.seen_at.isoformat()} for worker in workers], trial


def _file_hash(of: Administered) -> str | None:
    try:
        return document_hash(document_of(read_text(of.policies.file)))
    except PolicyError:
        return None


def _number(cursor: str | None) -> int | None:
    return None if cursor is None else int(cursor)


def _next(rows: Any, limit: int) -> str | None:
    return str(rows[-1].id) if len(rows) == limit and rows[-1].id > 1 else None
