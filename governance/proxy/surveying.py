"""What a worker asks its ledger beside the requests: whether it answers, and once a minute how full all windows are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from governance.engine.engine import Engine
from governance.usecases.survey import ASK_EVERY_S, survey_when_due

log = logging.getLogger("governance.proxy")


async def connect_and_survey(engine: Callable[[], Engine]) -> None:
    """Until cancelled. `engine`: the one in force."""
    # Before the first request, so that it does not wait for a connection.
    health = await engine().ledger.health()
    if not health.reachable:
        log.error("the ledger (%s) does not answer yet", health.kind)
    while True:
        await asyncio.sleep(ASK_EVERY_S)
        try:
            await survey_when_due(engine())
        except Exception:  # whatever one window does, the others are looked at again
            log.exception("the windows could not be surveyed")
