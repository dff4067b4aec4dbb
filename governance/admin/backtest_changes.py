"""POST and DELETE of /governance/api/backtests: ask recorded traffic about another policy, or no longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from governance.admin.access import author_of
from governance.admin.administered import Administered
from governance.admin.answered import NotDone, Roomy, answers
from governance.admin.backtests import BacktestShown, ask_for_backtest
from governance.admin.drafts import ask_for_draft
from governance.admin.looked_at import started
from governance.admin.policy import ask_for_one
from governance.model.amounts import parse_period_s
from governance.model.errors import GovernanceError
from governance.policy.nodes import MAX_BYTES
from governance.usecases.backtests import NotRunning, about, cancel
from governance.usecases.questions import USUAL, Question

_WEEK: Any = "7d"
_LONGEST_S = 400 * 86_400


def _period(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("must be a period such as 7d or 24h")
    return min(parse_period_s(value), _LONGEST_S)


class GivenAssumptions(BaseModel):
    """What is taken to be so where nobody can know; left out: as the documentation says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    newly_refused: Literal["gone", "retries"] | None = None
    remove_retries: bool | None = None
    failures: Literal["by_minute", "never"] | None = None
    prices: Literal["today", "recorded"] | None = None
    warm_up: Literal["longest_window", "nothing"] | None = None
    changed_at_most: int | None = Field(default=None, ge=0, le=2_000)
    refusals_at_most: int | None = Field(default=None, ge=0)
    refusals_ppm_at_most: int | None = Field(default=None, ge=0, le=1_000_000)


class GivenBacktest(BaseModel):
    """Which policy, and which traffic. The policy is beside the one in force."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    policy: str | None = Field(default=None, max_length=MAX_BYTES, description="its text")
    revision: int | None = Field(default=None, ge=1, le=2**63 - 1, description="or the number of a revision")
    draft: int | None = Field(default=None, ge=1, le=2**63 - 1, description="or that of a draft")
    last: Annotated[int, BeforeValidator(_period)] | None = Field(
        default=None, description="of the time up to now, such as 24h; 7d unless `from` or `to` say otherwise"
    )
    from_: datetime | None = Field(default=None, alias="from", description="from this time on, with its zone")
    to: datetime | None = Field(default=None, description="before this time")
    assumptions: GivenAssumptions = GivenAssumptions()

    @model_validator(mode="after")
    def _is_one(self) -> GivenBacktest:
        if sum(each is not None for each in (self.policy, self.revision, self.draft)) != 1:
            raise ValueError("one of `policy`, `revision` and `draft` is needed")
        if self.last is not None and (self.from_ or self.to):
            raise ValueError("`last` stands beside `from` or `to`; it is the time up to now")
        if any(moment and moment.tzinfo is None for moment in (self.from_, self.to)):
            raise ValueError("`from` and `to` say their zone, such as 2026-11-21T09:00:00Z")
        return self

    @property
    def question(self) -> Question:
        """What is asked of the traffic."""
        said = {name: value for name, value in self.assumptions.model_dump().items() if value is not None}
        last = self.last if self.last or self.from_ or self.to else _period(_WEEK)
        return Question(last, _ms(self.from_), _ms(self.to), replace(USUAL, **said))


def routes(of: Administered) -> APIRouter:
    """For admins."""
    router = APIRouter(prefix="/api/backtests", route_class=Roomy)

    @router.post(
        "",
        status_code=202,
        response_model=BacktestShown,
        responses=answers(400, 404, 409, 422),
        summary="Ask recorded traffic about another policy",
    )
    async def begin(request: Request, given: GivenBacktest) -> JSONResponse:
        """Begin a backtest, in a process of its own; one runs at a time."""
        text = await _text(of, given)
        one = await started(of, text, given.question, author_of(request))
        return JSONResponse(about(one), 202, {"location": f"/governance/api/backtests/{one.id}"})

    @router.delete("/{id}", response_model=BacktestShown, responses=answers(404, 409), summary="Cancel a backtest")
    async def end(id: str) -> dict[str, Any]:
        """Whoever runs it ends it within a second or two."""
        await ask_for_backtest(of, id)
        try:
            return about(await of.policies.ask(partial(cancel, id=id, now=_now())))
        except NotRunning as error:
            raise NotDone(409, "not_running", str(error)) from None

    return router


async def _text(of: Administered, given: GivenBacktest) -> str:
    if given.policy is not None:
        return given.policy
    if given.draft is not None:
        return (await ask_for_draft(of, given.draft)).yaml
    assert given.revision is not None  # noqa: S101 - one of the three is there
    try:
        return (await ask_for_one(of, given.revision)).yaml
    except GovernanceError as error:
        raise NotDone(404, "no_such_revision", str(error)) from None


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def _now() -> datetime:
    return datetime.now(timezone.utc)
