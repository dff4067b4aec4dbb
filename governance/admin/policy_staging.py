"""POST /governance/api/policy/promote and /abort: what becomes of a policy that is tried."""

from __future__ import annotations

import os
from functools import partial

from fastapi import APIRouter, Request, Response
from pydantic import Field

from governance.admin.access import author_of
from governance.admin.administered import Administered
from governance.admin.answered import Answered, answers
from governance.admin.awaited import changed
from governance.admin.frozen import refuse_while_frozen
from governance.admin.in_force import policy_is_a_file
from governance.admin.looked_at import guarded
from governance.admin.policy_changes import Why, now
from governance.admin.refused_changes import refusals
from governance.store import Staging
from governance.usecases.change_guard import LONGEST_REASON
from governance.usecases.guard import GUARDED_WITHIN_S
from governance.usecases.staging import abort, promote


class Abort(Why):
    """Args:
    revision: the number of the one that is meant; left out: whichever is tried.
    """

    revision: int | None = Field(default=None, ge=1, le=2**63 - 1)


class Promote(Abort):
    """Args:
    percent, shadow: on how many it is tried from now on; both left out: it is in force for all.
    override_guard: why, where it is put in force against the change guard.
    """

    percent: int | None = Field(default=None, ge=0, le=100)
    shadow: int | None = Field(default=None, ge=0, le=100)
    override_guard: str = Field(default="", max_length=LONGEST_REASON)


def routes(of: Administered) -> APIRouter:
    """For admins."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.post("/policy/promote", responses=answers(202, 400, 409, 422))
    async def promote_candidate(request: Request, given: Promote) -> Response:
        """Put the policy that is tried in force for all, or try it on another share."""
        if of.policies.source == "file":
            raise policy_is_a_file(of, None)
        stage = (
            None if given.percent is None and given.shadow is None else Staging(given.percent or 0, given.shadow or 0)
        )
        change = partial(
            promote,
            candidate_id=given.revision,
            stage=stage,
            file=of.policies.settings,
            environment=os.environ,
            author=author_of(request),
            comment=given.comment,
            now=now(),
            override_guard=given.override_guard,
        )
        await refuse_while_frozen(of)
        with refusals():
            outcome = await guarded(of, change, GUARDED_WITHIN_S)
        return await changed(of, outcome, given.wait, now)

    @router.post("/policy/abort", responses=answers(202, 400, 409))
    async def abort_candidate(request: Request, given: Abort) -> Response:
        """Try the policy no longer; the one in force is so for all again."""
        if of.policies.source == "file":
            raise policy_is_a_file(of, None)
        change = partial(
            abort, candidate_id=given.revision, author=author_of(request), comment=given.comment, now=now()
        )
        with refusals():
            outcome = await of.policies.ask(change)
        return await changed(of, outcome, given.wait, now)

    return router
