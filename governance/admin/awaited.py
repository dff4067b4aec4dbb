"""What became of a change of the policy: which revision, and which workers serve by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse

from governance.admin.administered import Administered
from governance.admin.in_force import etag
from governance.model.errors import StoreUnavailable
from governance.usecases.acknowledged import ASK_EVERY_S, Acknowledged, acknowledged
from governance.usecases.change_policy import Applied, Staged, Unchanged
from governance.usecases.revisions import row


async def changed(
    of: Administered, outcome: Applied | Staged | Unchanged, wait_s: float, clock: Callable[[], datetime]
) -> Response:
    """200 where it is done; 202 where workers that were waited for do not serve by it."""
    of.policies.look_soon()
    active = outcome.active if isinstance(outcome, Staged) else outcome.revision
    told: dict[str, Any] = {
        "revision": row(outcome.revision),
        "changed": not isinstance(outcome, Unchanged),
        "candidate": outcome.staging._asdict() if isinstance(outcome, Staged) else None,
        "workers": None,
        "guard": None if isinstance(outcome, Unchanged) or not outcome.judgement else outcome.judgement.report(),
    }
    status = 200
    if wait_s > 0:
        try:
            found = await _wait(of, outcome.version, wait_s, clock)
            told["workers"], status = found.report(), 200 if found.by_all else 202
        except StoreUnavailable as error:
            told["workers"], status = {"error": str(error)}, 202
    return JSONResponse(told, status, {"etag": etag(active.hash)})


async def _wait(of: Administered, version: int, wait_s: float, clock: Callable[[], datetime]) -> Acknowledged:
    loop = asyncio.get_running_loop()
    until_s = loop.time() + wait_s
    while True:
        found = await of.policies.ask(partial(acknowledged, version=version, now=clock()))
        if not found.missing or loop.time() >= until_s:
            return found
        await asyncio.sleep(ASK_EVERY_S)
