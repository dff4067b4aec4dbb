"""Who spent what."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from governance.admin.answered import NotDone
from governance.admin.spend import WITHIN_S, reported
from governance.model.errors import LedgerUnavailable
from governance.pages.answered import UI, Shown
from governance.pages.render import Show
from governance.usecases.spend import Report
from governance.usecases.unattributed import Compared, compared, settled

CHART_WIDTH: Final = 720
CHART_HEIGHT: Final = 120
_ROWS: Final = 100
_LASTS: Final = ("1d", "7d", "30d", "90d")
_BYS: Final = ("team", "key", "user", "model", "target", "provider", "profile", "tag", "code")


def routes(show: Show) -> APIRouter:
    """For admins and viewers."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/spend")
    async def spent(request: Request, by: str = "team", last: str = "30d", team: str = "") -> Response:
        wrong = ""
        where = {"team": team or None}
        try:
            report = await reported(show.of, by, last, None, None, where)
        except NotDone as error:
            wrong, by, last = error.message, "team", "30d"
            report = await reported(show.of, by, last, None, None, where)
        over = await reported(show.of, "hour" if last == "1d" else "day", last, None, None, where)
        return await show.page(
            request,
            "spend.html",
            report=report,
            rows=report.rows[:_ROWS],
            columns=_columns(over),
            peak=max((row.sums.usd_micros for row in over.rows), default=0),
            over=over,
            lost=await _lost(),
            asked={"by": by, "last": last, "team": team},
            bys=_BYS,
            lasts=_LASTS,
            csv="/governance/api/spend?" + urlencode({"by": by, "last": last, "format": "csv", **_given(team)}),
            wrong=wrong,
        )

    async def _lost() -> list[Compared] | None:
        """Budgets whose sums are not all attributed; None where that cannot be told now."""
        try:
            windows = await settled(show.of.engine, time.time)
        except LedgerUnavailable:
            return None
        found = await show.of.policies.ask(partial(compared, windows=windows), WITHIN_S)
        return [each for each in found if each.unattributed_usd_micros][:20]

    return router


def _columns(over: Report) -> list[tuple[str, float, float, float, float, int]]:
    """For each moment its label, x, y, width, height and micro-dollars."""
    most = max((row.sums.usd_micros for row in over.rows), default=0) or 1
    width = CHART_WIDTH / max(1, len(over.rows))
    columns = []
    for i, row in enumerate(over.rows):
        height = CHART_HEIGHT * max(0, row.sums.usd_micros) / most
        place = (round(i * width, 2), round(CHART_HEIGHT - height, 2), round(width * 0.8, 2), round(height, 2))
        columns.append((row.values[0], *place, row.sums.usd_micros))
    return columns


def _given(team: str) -> dict[str, Any]:
    return {"team": team} if team else {}
