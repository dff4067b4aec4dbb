"""POST /governance/api/policy/apply and /rollback: another policy in force, if nobody else was faster."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from governance.admin.access import author_of
from governance.admin.administered import Administered
from governance.admin.answered import NotDone, Roomy, answers
from governance.admin.awaited import changed
from governance.admin.frozen import refuse_while_frozen
from governance.admin.in_force import base_of, etag, policy_is_a_file
from governance.admin.looked_at import guarded
from governance.admin.policy import ask_for_one
from governance.admin.refused_changes import refusals
from governance.model.errors import PolicyError
from governance.policy.nodes import MAX_BYTES
from governance.store import KeptPlan, Staging
from governance.usecases.acknowledged import MOST_WAIT_S
from governance.usecases.change_guard import LONGEST_REASON
from governance.usecases.change_policy import LONGEST_COMMENT, Conflict, Outcome, apply, rollback
from governance.usecases.guard import GUARDED_WITHIN_S, LONGEST_TESTS
from governance.usecases.kept_plans import NoSuchPlan, planned
from governance.usecases.merge_change import MergedChange, merge_into
from governance.usecases.revisions import row

_LONGEST_TAG: Final = 200

IfMatch = Annotated[str | None, Header(max_length=_LONGEST_TAG)]


class Why(BaseModel):
    """The reason of a change, and how it is made.

    Args:
        wait: seconds to wait for all workers to serve by it; 0 = none.
        force: also where its tests fail; needs a comment.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    comment: str = Field(default="", max_length=LONGEST_COMMENT)
    wait: float = Field(default=0, ge=0, le=MOST_WAIT_S)
    force: bool = False


class Judged(Why):
    """Args:
    override_guard: why, where it is put in force against the change guard.
    """

    override_guard: str = Field(default="", max_length=LONGEST_REASON)


class Candidate(Judged):
    """A policy to put in force: its text, or a plan that was made of it.

    Args:
        tests: policy tests to keep with it; left out: those of the policy in force.
        percent: of the subjects that it is tried on; left out, and without `shadow`: it is in force for all.
        shadow: of the requests of the others, for which is noted what it would do.
    """

    policy: str | None = Field(default=None, max_length=MAX_BYTES)
    plan_id: str | None = Field(default=None, max_length=64)
    tests: str | None = Field(default=None, max_length=LONGEST_TESTS)
    percent: int | None = Field(default=None, ge=0, le=100)
    shadow: int | None = Field(default=None, ge=0, le=100)

    @model_validator(mode="after")
    def _is_one(self) -> Candidate:
        if (self.policy is None) == (self.plan_id is None):
            raise ValueError("either `policy` or `plan_id` is needed")
        if self.plan_id is not None and self.tests is not None:
            raise ValueError("`tests` stands beside `plan_id`; a plan has its own")
        return self


def routes(of: Administered) -> APIRouter:
    """For admins. Where the file is the truth, each says which line of it to edit."""
    router = APIRouter(prefix="/api", route_class=Roomy)

    @router.post("/policy/apply", responses=answers(202, 400, 404, 409, 412, 422, 428), summary="Put a policy in force")
    async def apply_policy(request: Request, given: Candidate, if_match: IfMatch = None) -> Response:
        """Put a policy in force, or try it on a share of the callers first."""
        if of.policies.source == "file":
            raise policy_is_a_file(of, given.policy)
        base: str | None
        text, tests = given.policy, given.tests
        if given.plan_id is not None:
            plan = await _plan(of, given.plan_id)
            if if_match is not None and base_of(if_match) not in (None, plan.base_hash):
                raise NotDone(
                    412, "stale_base", f"the plan was made from {plan.base_hash}, not from what if-match says"
                )
            base, text, tests = plan.base_hash, plan.yaml, plan.tests
        else:
            base = base_of(if_match)
        assert text is not None  # noqa: S101 - one of the two is there
        author = author_of(request)
        stage = (
            None if given.percent is None and given.shadow is None else Staging(given.percent or 0, given.shadow or 0)
        )
        change = partial(
            apply,
            text=text,
            base=base,
            file=of.policies.settings,
            environment=os.environ,
            author=author,
            comment=given.comment,
            now=now(),
            tests=tests,
            force=given.force,
            stage=stage,
            override_guard=given.override_guard,
        )
        return await done(of, change, text, given.wait)

    @router.post(
        "/policy/rollback/{revision_id}",
        responses=answers(202, 400, 404, 409, 412, 422),
        summary="Put an old revision in force again",
    )
    async def roll_back(request: Request, revision_id: int, given: Why, if_match: IfMatch = None) -> Response:
        """Put an old revision in force again, as a new one, with the tests that it had."""
        if of.policies.source == "file":
            raise policy_is_a_file(of, None)
        await ask_for_one(of, revision_id)
        author = author_of(request)
        change = partial(
            rollback,
            id=revision_id,
            base=base_of(if_match or "*"),
            file=of.policies.settings,
            environment=os.environ,
            author=author,
            comment=given.comment,
            now=now(),
            force=given.force,
        )
        return await done(of, change, wait_s=given.wait)

    return router


async def done(of: Administered, change: partial[Outcome], text: str | None = None, wait_s: float = 0) -> Response:
    """The answer to a change of the policy, which is made. Raises NotDone, StoreUnavailable.

    Args:
        text: what was to be put in force, where it may be merged with what is.
        wait_s: for the workers that are to serve by it.
    """
    await refuse_while_frozen(of)
    with refusals():
        outcome = await guarded(of, change, GUARDED_WITHIN_S)
    if isinstance(outcome, Conflict):
        active = outcome.active
        message = (
            f"the policy in force is revision {active.id} by {active.author or 'somebody'} and not the one that yours "
            "was made from; read it, put your change into it, and apply that"
        )
        merged = None if text is None else await _merged(of, outcome, text)
        more = {} if merged is None else merged.report()
        raise NotDone(412, "stale_base", message, {"etag": etag(active.hash)}, active=row(active), **more)
    return await changed(of, outcome, wait_s, now)


async def _plan(of: Administered, id: str) -> KeptPlan:
    try:
        return await of.policies.ask(partial(planned, id=id))
    except NoSuchPlan as error:
        raise NotDone(404, "no_such_plan", str(error)) from None


async def _merged(of: Administered, conflict: Conflict, text: str) -> MergedChange | None:
    merge = partial(merge_into, base=conflict.base, mine=text, in_force=conflict.active.yaml)
    try:
        return await of.policies.ask(merge)
    except PolicyError:  # a damaged revision has nothing to merge with
        return None


def now() -> datetime:
    return datetime.now(timezone.utc)
