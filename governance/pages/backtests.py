"""What a change would have done to recorded traffic: figures that come as they are computed, then all of it."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from governance.admin.answered import NotDone
from governance.admin.backtests import ask_for_backtest
from governance.admin.looked_at import started
from governance.backtest.report import Report
from governance.model.errors import StoreUnavailable
from governance.pages.answered import UI, Shown
from governance.pages.door import holder_of
from governance.pages.render import Show
from governance.store import Backtest
from governance.usecases.backtest_words import changes, counted, covered, figure_rows, left_out, money, worst_words
from governance.usecases.candidate import document_hash_of
from governance.usecases.change_guard import evidence
from governance.usecases.judged import Judgement, judge
from governance.usecases.plan import Plan
from governance.usecases.questions import Question
from governance.usecases.replayed import folder_of

_NO_TRAFFIC: Final = "No traffic is recorded on this machine, so nobody knows what it would have done."
_MOST_ROWS: Final = 50
_MOST_CHANGED: Final = 50
_HERE: Final = ("team", "key", "limit", "target")


def routes(show: Show) -> APIRouter:
    """For admins and viewers."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/backtests/{id}")
    async def whole(request: Request, id: str) -> Response:
        one = await ask_for_backtest(show.of, id)
        return await show.page(request, "backtest.html", **told(show, one), **_tables(one))

    @router.get("/backtests/{id}/figures")
    async def figures(request: Request, id: str, seen: str = "") -> Response:
        if seen == "end" and request.headers.get("hx-request"):
            # Nothing comes after the end, and what is there stays.
            return Response(status_code=204)
        return show.part(request, "backtest_figures.html", **told(show, await ask_for_backtest(show.of, id)))

    return router


async def looked_at(show: Show, request: Request, plan: Plan, text: str) -> dict[str, Any]:
    """What a review shows: a backtest that is there already, one that begins, or why there is none."""
    of = show.of
    active = of.engine.stated.policy
    guard = active.core.change_guard
    nothing: dict[str, Any] = {"backtest": None, "why_not": None, "guarded": guard.given}
    if all(set(change.effects) == {"cosmetic"} for change in plan.changes):
        return nothing
    folder = folder_of(active, os.environ)
    if folder is None or not folder.is_dir():
        return {**nothing, "why_not": _NO_TRAFFIC}
    question = Question(last_s=guard.last)
    now_in_force, then = document_hash_of(active.text), document_hash_of(text)
    try:
        found = await of.policies.ask(
            partial(evidence, active_hash=now_in_force, candidate_hash=then, question=question, now=_now())
        )
        if found is None:
            author = holder_of(request).author
            return {**nothing, **told(show, await started(of, text, question, author))}
        return {**nothing, **told(show, await ask_for_backtest(of, found[0]))}
    except (NotDone, StoreUnavailable) as error:
        return {**nothing, "why_not": str(getattr(error, "message", error))}


def told(show: Show, one: Backtest) -> dict[str, Any]:
    """A backtest as the pages show it."""
    ended = one.state not in ("running", "cancelling")
    values: dict[str, Any] = {
        "backtest": one,
        "ended": ended,
        "progress": {"lines": 0, "first": None, **json.loads(one.progress)},
        "figures": None,
    }
    if one.result is None:
        return values
    report = Report.from_json(one.result)
    judgement = _judged(show, one, report)
    return {
        **values,
        "figures": list(figure_rows(report)),
        "covered": covered(report),
        "left_out": list(left_out(report)),
        "believed": not report.fidelity.compared or report.fidelity.trusted,
        "worst": [worst_words(worst) for worst in report.worst[:3]],
        "judgement": judgement,
    }


def _judged(show: Show, one: Backtest, report: Report) -> Judgement | None:
    guard = show.of.engine.stated.policy.core.change_guard
    return judge(report, guard.max_new_refusals, guard.max_cost, one.id) if guard.given else None


def _tables(one: Backtest) -> dict[str, Any]:
    if one.result is None:
        return {"tables": [], "changed": [], "changed_total": 0, "assumptions": ()}
    report = Report.from_json(one.result)
    tables = []
    for what in _HERE:
        rows = [row for row in getattr(report, f"{what}s") if changes(row)]
        if rows:
            tables.append((what, [_row(row) for row in rows[:_MOST_ROWS]], len(rows)))
    changed = report.changed[:_MOST_CHANGED]
    return {
        "tables": tables,
        "changed": changed,
        "changed_total": report.changed_total,
        "assumptions": report.assumptions,
    }


def _row(row: Any) -> dict[str, str]:
    of = row.totals
    figures = {name: counted(getattr(of, name), sign=False) for name in ("newly_refused", "newly_admitted")}
    other = counted(of.other_target, sign=False)
    whole = {"name": row.name or row.id, "requests": f"{of.requests:,}", "other": other, "cost": money(of.cost.delta)}
    return {**whole, **figures}


def _now() -> datetime:
    return datetime.now(timezone.utc)
