"""POST /governance/api/policy/apply and /rollback: another policy in force, if nobody else was faster."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from governance.admin.access import author_of
from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone
from governance.admin.in_force import base_of, etag, policy_is_a_file
from governance.admin.policy import ask_for_one
from governance.model.errors import GovernanceError, PolicyError, StoreUnavailable
from governance.policy.nodes import MAX_BYTES
from governance.store import Store
from governance.usecases.change_policy import LONGEST_COMMENT, Applied, Conflict, Outcome, apply, rollback
from governance.usecases.merge_change import MergedChange, merge_into
from governance.usecases.revisions import NoSuchRevision, row

_LONGEST_TAG: Final = 200

IfMatch = Annotated[str | None, Header(max_length=_LONGEST_TAG)]


class Candidate(BaseModel):
    """A policy to put in force: its text, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: str = Field(max_length=MAX_BYTES)
    comment: str = Field(default="", max_length=LONGEST_COMMENT)


class Why(BaseModel):
    """The reason of a change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    comment: str = Field(default="", max_length=LONGEST_COMMENT)


def routes(of: Administered) -> APIRouter:
    """For admins. Where the file is the truth, each says which line of it to edit."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.post("/policy/apply")
    async def apply_policy(request: Request, given: Candidate, if_match: IfMatch = None) -> Response:
        if of.policies.source == "file":
            raise policy_is_a_file(of, given.policy)
        base = base_of(if_match)
        author = author_of(request)
        return await _done(
            of,
            partial(
                apply,
                text=given.policy,
                base=base,
                file=of.policies.settings,
                environment=os.environ,
                author=author,
                comment=given.comment,
                now=_now(),
            ),
            given.policy,
        )

    @router.post("/policy/rollback/{revision_id}")
    async def roll_back(request: Request, revision_id: int, given: Why, if_match: IfMatch = None) -> Response:
        if of.policies.source == "file":
            raise policy_is_a_file(of, None)
        await ask_for_one(of, revision_id)
        author = author_of(request)
        return await _done(
            of,
            partial(
                rollback,
                id=revision_id,
                base=base_of(if_match or "*"),
                file=of.policies.settings,
                environment=os.environ,
                author=author,
                comment=given.comment,
                now=_now(),
            ),
        )

    return router


async def _done(of: Administered, change: Callable[[Store], Outcome], text: str | None = None) -> Response:
    try:
        outcome = await of.policies.ask(change)
    except PolicyError as error:
        problems = [problem._asdict() for problem in error.problems]
        raise NotDone(422, "invalid_policy", str(error), problems=problems) from None
    except NoSuchRevision as error:
        raise NotDone(404, "no_such_revision", str(error)) from None
    except StoreUnavailable:
        raise
    except GovernanceError as error:
        raise NotDone(422, "invalid_policy", str(error), problems=[]) from None
    if isinstance(outcome, Conflict):
        active = outcome.active
        message = (
            f"the policy in force is revision {active.id} by {active.author or 'somebody'} and not the one that yours "
            "was made from; read it, put your change into it, and apply that"
        )
        merged = None if text is None else await _merged(of, outcome, text)
        more = {} if merged is None else merged.report()
        raise NotDone(412, "stale_base", message, {"etag": etag(active.hash)}, active=row(active), **more)
    of.policies.look_soon()
    told: dict[str, Any] = {"revision": row(outcome.revision), "changed": isinstance(outcome, Applied)}
    return JSONResponse(told, headers={"etag": etag(outcome.revision.hash)})


async def _merged(of: Administered, conflict: Conflict, text: str) -> MergedChange | None:
    merge = partial(merge_into, base=conflict.base, mine=text, in_force=conflict.active.yaml)
    try:
        return await of.policies.ask(merge)
    except PolicyError:  # a damaged revision has nothing to merge with
        return None


def _now() -> datetime:
    return datetime.now(timezone.utc)
