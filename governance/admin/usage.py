"""GET /governance/api/usage: every window that exists, the fullest first."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone
from governance.engine.engine import Engine
from governance.limits.subjects import EVERYONE
from governance.limits.usage import is_about, row
from governance.trace import iso

MOST_ROWS: Final = 1_000
# One call holds up everybody else on the ledger for as long as it takes.
_READ_PER_CALL: Final = 200

Filter = Annotated[str | None, Query(max_length=500)]


def routes(of: Administered) -> APIRouter:
    """The page about this worker's ledger; all workers on the same ledger tell the same."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.get("/usage", summary="Every window that exists, the fullest first")
    async def usage(subject: Filter = None, limit: Filter = None) -> dict[str, Any]:
        """What every limit and budget has counted, of one subject or one limit if these are given."""
        if subject is not None and ":" not in subject and subject.lower() != EVERYONE:
            raise NotDone(400, "invalid_request", "subject: write kind:id, such as team:research, or everyone")
        return await _usage(of.engine, subject, limit)

    return router


async def _usage(engine: Engine, subject: str | None, limit: str | None) -> dict[str, Any]:
    ledger, in_force = engine.ledger, engine.host.overlay
    health = await ledger.health()
    now_s = time.time() if health.now_s is None else health.now_s
    windows = (
        [in_force.window(each) for each in await ledger.announced() if is_about(each, subject, limit)]
        if health.reachable
        else []
    )
    rows = []
    reserved = await ledger.reserved(windows) if windows else ()
    for begin in range(0, len(windows), _READ_PER_CALL):
        readings = await ledger.read(windows[begin : begin + _READ_PER_CALL])
        rows += [row(reading, held, now_s) for reading, held in zip(readings, reserved[begin:], strict=False)]
    rows.sort(key=lambda row: (-row["percent"], row["limit"], row["subject"], row["unit"], row["window"]))
    return {
        "at": iso(now_s),
        "ledger": {
            "kind": health.kind,
            "reachable": health.reachable,
            "epoch": None if health.epoch_s is None else iso(health.epoch_s),
        },
        "windows": rows[:MOST_ROWS],
        "left_out": max(0, len(rows) - MOST_ROWS),
    }
