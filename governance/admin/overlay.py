"""GET /governance/api/overlay: what is in force beside the policy, until when, by whom and why."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter

from governance.admin.administered import Administered
from governance.admin.answered import Answered
from governance.trace import iso
from governance.usecases.overlay import entries, row


def routes(of: Administered) -> APIRouter:
    """What viewers may read, too. All workers of a ledger tell the same."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.get("/overlay")
    async def overlay() -> dict[str, Any]:
        """Every entry that has not ended; `problem` says what it names that the policy does not have."""
        now_s, stated = time.time(), of.engine.stated
        found = [entry for entry in await entries(of.overlay.kept) if entry.in_force(now_s)]
        return {
            "at": iso(now_s),
            "kept_in": of.overlay.kept.name,
            "entries": [row(entry, stated) for entry in found],
        }

    return router
