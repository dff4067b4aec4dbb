"""GET /governance/api/spend: who spent what, a team's statement, and what budgets have settled beyond that."""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone
from governance.usecases import statement as statements
from governance.usecases.spend import NotAsked, Report, asked, spend, told
from governance.usecases.spend_csv import as_csv, statement_csv
from governance.usecases.unattributed import compared, settled
from governance.usecases.unattributed import told as told_window

# A year of hours is summed up in seconds.
WITHIN_S = 30.0

Word = Annotated[str | None, Query(max_length=300)]
Format = Annotated[Literal["json", "csv"], Query()]


def routes(of: Administered) -> APIRouter:
    """Of all workers that share the store."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.get("/spend", summary="Who spent what, by whatever is asked for")
    async def spent(
        by: Annotated[str, Query(max_length=200, description="such as team,model")] = "team",
        last: Annotated[str | None, Query(max_length=40, description="such as 30d; default")] = None,
        from_: Annotated[str | None, Query(alias="from", max_length=40, description="a date or a moment, UTC")] = None,
        to: Annotated[str | None, Query(max_length=40)] = None,
        team: Word = None,
        key: Word = None,
        user: Word = None,
        model: Word = None,
        target: Word = None,
        profile: Word = None,
        format: Format = "json",
    ) -> Any:
        where = {"team": team, "key": key, "user": user, "model": model, "target": target, "profile": profile}
        report = await reported(of, by, last, from_, to, where)
        return _csv(as_csv(report), "spend.csv") if format == "csv" else told(report)

    @router.get("/spend/statement", summary="What a team spent in a month")
    async def of_team(
        team: Annotated[str, Query(max_length=300, description="by id or name")],
        month: Annotated[str, Query(max_length=10, description="such as 2026-11; UTC")],
        format: Format = "json",
    ) -> Any:
        found = await stated(of, team, month)
        return _csv(statement_csv(found), f"statement-{month}.csv") if format == "csv" else found

    @router.get("/spend/unattributed", summary="What budgets have settled and nobody is named for")
    async def unattributed() -> dict[str, Any]:
        windows = await settled(of.engine, time.time)
        found = await of.policies.ask(partial(compared, windows=windows), WITHIN_S)
        return {"windows": [{**told_window(each)} for each in found]}

    return router


async def reported(
    of: Administered, by: str, last: str | None, from_: str | None, to: str | None, where: dict[str, str | None]
) -> Report:
    """The answer to what somebody has written. Raises NotDone, StoreUnavailable."""
    try:
        what = asked(by, last, from_, to, where, time.time())
    except NotAsked as error:
        raise NotDone(400, "invalid_request", str(error)) from None
    return await of.policies.ask(partial(spend, of=what), WITHIN_S)


async def stated(of: Administered, team: str, month: str) -> dict[str, Any]:
    """A statement. Raises NotDone, StoreUnavailable."""
    try:
        made = partial(statements.statement, team=team, month=month, now_s=time.time())
        return await of.policies.ask(made, WITHIN_S)
    except NotAsked as error:
        raise NotDone(404 if "has asked for nothing" in str(error) else 400, "invalid_request", str(error)) from None


def _csv(text: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
