"""GET /governance/api/policy/candidate: the policy that is tried, and what came of it so far."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter

from governance.admin.administered import Administered
from governance.admin.answered import Answered, answers
from governance.store import Revision, Staging, Store
from governance.telemetry import recent
from governance.telemetry.recent import Recent
from governance.usecases.revisions import row, show
from governance.usecases.shadow_figures import of_entries, of_policy
from governance.usecases.staging import tried
from governance.usecases.trial_summary import summary

_MOST_READ: Final = 10_000


def routes(of: Administered) -> APIRouter:
    """What viewers may read, too."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.get("/policy/candidate", responses=answers())
    async def candidate() -> dict[str, Any]:
        """The policy that is tried; `candidate` is null where there is none."""
        found = None if of.policies.source == "file" else await of.policies.ask(_tried)
        if found is None:
            return {"candidate": None}
        revision, staging, active = found
        records = await _records(of.telemetry.recent, revision.created_at.timestamp())
        told = summary(records, revision.hash, active.hash).report()
        figures = of_policy(records, revision.hash, of.models.catalog).report()
        page = {"candidate": {**row(revision), **staging._asdict()}, "looked_at": len(records), **told}
        return {**page, "figures": figures}

    @router.get("/policy/shadow", responses=answers())
    async def shadow() -> dict[str, Any]:
        """What each entry in mode `shadow` would have done with the requests that it met, by the kept records."""
        records = await _records(of.telemetry.recent, None)
        entries = of_entries(records, of.models.catalog)
        return {"looked_at": len(records), "entries": {name: figures.report() for name, figures in entries.items()}}

    return router


def _tried(store: Store) -> tuple[Revision, Staging, Revision] | None:
    found = tried(store)
    return None if found is None else (*found, show(store))


async def _records(kept: Recent | None, since_s: float | None) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    cursor = None
    while kept is not None and len(records) < _MOST_READ:
        page = await recent.search(kept, recent.Query(since_s=since_s), _MOST_READ - len(records), cursor)
        records += page.decisions
        cursor = page.cursor
        if cursor is None:
            break
    return records
