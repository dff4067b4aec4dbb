"""GET /governance/api/backtests: what other policies would have done to recorded traffic, and how far each is."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone, answers
from governance.backtest.report import Report
from governance.store import Backtest
from governance.usecases.backtest_words import covered, figure_rows
from governance.usecases.backtests import NoSuchBacktest, about, backtest_of, backtests


class BacktestShown(BaseModel):
    """One backtest."""

    id: str
    state: str = Field(description="`running`, `cancelling`, `done`, `cancelled` or `failed`")
    active: str = Field(description="the hash of the policy that was in force")
    candidate: str = Field(description="the hash of the other one")
    question: dict[str, Any] = Field(description="which time, and what is taken to be so")
    author: str
    begun_at: str
    seen_at: str = Field(description="when it was last heard of, or when it ended")
    progress: dict[str, Any] = Field(description="`lines` read, and the `first` figures: of the last hour alone")
    error: str | None = Field(description="why it came to nothing")
    says: list[str] | None = Field(default=None, description="the figures in words, once it is done")
    report: dict[str, Any] | None = Field(default=None, description="all of it, once it is done")


class BacktestsShown(BaseModel):
    """The newest backtests, without their reports."""

    backtests: list[BacktestShown]


def routes(of: Administered) -> APIRouter:
    """For admins and viewers."""
    router = APIRouter(prefix="/api/backtests", route_class=Answered)

    @router.get("", response_model=BacktestsShown, responses=answers(400), summary="The newest backtests")
    async def newest(limit: Annotated[int, Query(ge=1, le=50)] = 20) -> dict[str, Any]:
        """The newest first."""
        found = await of.policies.ask(partial(backtests, most=limit))
        return {"backtests": [about(each) for each in found]}

    @router.get("/{id}", response_model=BacktestShown, responses=answers(404), summary="One backtest")
    async def one(id: str) -> dict[str, Any]:
        """How far it is; its report once it is done."""
        return shown(await ask_for_backtest(of, id))

    @router.get("/{id}/report", responses=answers(404, 409), summary="The report of a backtest, byte by byte")
    async def report(id: str) -> Response:
        """The same bytes for the same two policies, traffic, catalogue and assumptions."""
        found = await ask_for_backtest(of, id)
        if found.result is None:
            raise NotDone(409, "not_done", f"backtest {id} has no report: it is {found.state}")
        return Response(found.result, media_type="application/json")

    return router


async def ask_for_backtest(of: Administered, id: str) -> Backtest:
    """One of those that are kept. Raises NotDone, StoreUnavailable."""
    try:
        return await of.policies.ask(partial(backtest_of, id=id))
    except NoSuchBacktest as error:
        raise NotDone(404, "no_such_backtest", str(error)) from None


def shown(one: Backtest) -> dict[str, Any]:
    """A backtest as pages tell it."""
    told = about(one)
    if one.result is None:
        return told
    found = Report.from_json(one.result)
    says = [covered(found), *("  ".join(filter(None, row)) for row in figure_rows(found))]
    return {**told, "says": says, "report": json.loads(one.result)}
