"""What happens now."""

from __future__ import annotations

import time
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from governance.admin.health import details_of, status_of
from governance.pages.answered import UI, Shown
from governance.pages.render import Show
from governance.usecases.cooling import cooling
from governance.usecases.overview import OUTCOMES, Overview, Pulse

CHART_WIDTH: Final = 720
CHART_HEIGHT: Final = 120
_COLUMN: Final = 12


def routes(show: Show) -> APIRouter:
    """For admins and viewers."""
    router = APIRouter(prefix=UI, route_class=Shown)
    pulse = Pulse()

    async def values() -> dict[str, Any]:
        of = show.of
        seen = await pulse.look(of.telemetry.recent, time.time())
        health, ledger = await status_of(of)
        details = details_of(of, ledger)
        targets = [strip.target for strip in seen.strips]
        return {
            "seen": seen,
            "columns": _columns(seen),
            "peak": max((sum(minute.outcomes.values()) for minute in seen.minutes), default=0),
            "cooling": await cooling(of.engine.ledger, targets) if ledger.reachable else {},
            "ails": _ails(details),
            "health": health,
            "kept": of.telemetry.recent is not None,
            "shared": of.telemetry.recent is None or of.telemetry.recent.kind != "memory" or of.proxy["workers"] == 1,
        }

    @router.get("/overview")
    async def overview(request: Request) -> Response:
        return await show.page(request, "overview.html", **await values())

    @router.get("/overview/live")
    async def live(request: Request) -> Response:
        return show.part(request, "overview_live.html", **await values())

    return router


def _columns(seen: Overview) -> list[list[tuple[str, float, float, float]]]:
    """For each minute its stacked parts: outcome, x, y, height."""
    most = max((sum(minute.outcomes.values()) for minute in seen.minutes), default=0) or 1
    columns = []
    for i, minute in enumerate(seen.minutes):
        y, parts = float(CHART_HEIGHT), []
        for outcome in OUTCOMES:
            count = minute.outcomes[outcome]
            if count:
                height = CHART_HEIGHT * count / most
                y -= height
                parts.append((outcome, float(i * _COLUMN + 1), round(y, 2), round(height, 2)))
        columns.append(parts)
    return columns


def _ails(details: dict[str, Any]) -> list[str]:
    """What needs a human, each in a sentence."""
    found = []
    ledger, policy, proxy = details["ledger"], details["policy"], details["litellm"]
    if not ledger["reachable"]:
        found.append(f"The ledger ({ledger['kind']}) does not answer.")
    for error in (policy["error"], (policy.get("followed") or {}).get("error")):
        if error:
            found.append(f"The policy: {error}")
    if proxy.get("contract") == "broken":
        found.append("LiteLLM is not as governance expects it; see /governance/health.")
    for part, name in (
        ("decision_log", "The decision log"),
        ("decisions", "Recent decisions"),
        ("alerts", "Alerts"),
        ("trace", "Recorded traffic"),
    ):
        if details[part]["error"]:
            found.append(f"{name}: {details[part]['error']}")
    return found
