"""The survey: one worker for all looks at every window once a minute, so that whoever asks reads only a page."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from governance.engine.engine import Engine
from governance.ledger import Ledger
from governance.ledger.listing import Ranked
from governance.limits.usage import percent, rank
from governance.model.errors import LedgerUnavailable
from governance.usecases.usage import readings

log = logging.getLogger("governance.usecases")

EVERY_S: Final = 60.0
# Whose turn it is, is asked more often: its worker may have died.
ASK_EVERY_S: Final = 15.0
_PER_STEP: Final = 50
# 50,000 windows take half a minute, so that neither the ledger nor this worker notices.
_PAUSE_S: Final = 0.03


async def survey(engine: Engine, pause_s: float = _PAUSE_S) -> int:
    """Rank every window, and take its sample of this minute. Returns how many. Raises LedgerUnavailable.

    Args:
        pause_s: between two steps of about 50 windows.
    """
    ledger, looked_at, cursor = engine.ledger, 0, 0
    while True:
        looked_at, cursor = await _step(ledger, engine, looked_at, cursor)
        if not cursor:
            return looked_at
        await asyncio.sleep(pause_s)


async def survey_when_due(engine: Engine) -> bool:
    """The same, if no worker has begun it within a minute, and the ledger answers. Whether it was done."""
    try:
        if not await engine.ledger.survey(EVERY_S):
            return False
        await survey(engine)
    except LedgerUnavailable as error:
        log.debug("windows are not surveyed, the ledger does not answer: %s", error)
        return False
    return True


async def _step(ledger: Ledger, engine: Engine, looked_at: int, cursor: int) -> tuple[int, int]:
    further, known = await ledger.known(cursor, _PER_STEP)
    health = await ledger.health()
    if health.now_s is None:
        raise LedgerUnavailable("the ledger does not tell the time")
    found = []
    for each, reading in zip(known, await readings(ledger, engine.host.overlay, known), strict=True):
        found.append(Ranked(each.id, rank(reading, health.now_s), percent(reading)))
    await ledger.rank(found, int(health.now_s // 60), last=further == 0)
    return looked_at + len(found), further
