"""POST, PUT and DELETE of /governance/api/drafts: drafts written, planned, tried and put in force."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from governance.admin.access import author_of
from governance.admin.administered import Administered
from governance.admin.answered import NotDone, Roomy
from governance.admin.drafts import DraftShown, ask_for_draft, shown, tag
from governance.admin.in_force import in_force, policy_is_a_file
from governance.admin.policy_changes import Judged, done
from governance.admin.policy_plan import Asked, told, written
from governance.engine.host import Host
from governance.engine.simulation import SimulationInput, simulate
from governance.model.errors import GovernanceError, PolicyError, StoreUnavailable
from governance.policy.environment import within
from governance.policy.nodes import MAX_BYTES
from governance.store import Draft, Store
from governance.usecases import drafts
from governance.usecases.change_policy import LONGEST_COMMENT, apply

T = TypeVar("T")

_HASH = r'^"?[a-z0-9:]{1,100}"?$'
IfMatch = Annotated[
    str | None, Header(max_length=30, pattern=r'^(W/)?("?[0-9]{1,18}"?|\*)$', description="the version that was seen")
]


class GivenDraft(BaseModel):
    """A text that somebody is writing. It must be a valid policy, so that it is known to hold no secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: str | None = Field(default=None, max_length=MAX_BYTES, description="left out: the policy in force")
    base: str | None = Field(
        default=None, pattern=_HASH, description="the hash that it is made from; left out: that in force"
    )
    comment: str = Field(default="", max_length=LONGEST_COMMENT)


class ChangedDraft(BaseModel):
    """The text as it is to be from now on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: str = Field(max_length=MAX_BYTES)
    base: str | None = Field(default=None, pattern=_HASH, description="left out: as it was")
    comment: str | None = Field(default=None, max_length=LONGEST_COMMENT, description="left out: as it was")


class Nothing(BaseModel):
    """No more than the address says."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def routes(of: Administered) -> APIRouter:
    """For admins. Drafts are in the store, wherever the policy is."""
    router = APIRouter(prefix="/api", route_class=Roomy)

    @router.post("/drafts", status_code=201, summary="Begin a draft")
    async def begin_draft(request: Request, response: Response, given: GivenDraft) -> DraftShown:
        policy = await in_force(of)
        text = drafts.Text(
            policy.text if given.policy is None else given.policy, (given.base or policy.hash).strip('"'), given.comment
        )
        kept = await _ask(of, partial(drafts.begin_draft, text=text, author=author_of(request), **_here(of)))
        response.headers["etag"] = tag(kept)
        return shown(kept)

    @router.put("/drafts/{draft_id}", summary="Give a draft another text")
    async def change_draft(
        response: Response, draft_id: int, given: ChangedDraft, if_match: IfMatch = None
    ) -> DraftShown:
        old = await ask_for_draft(of, draft_id)
        if if_match is None:
            raise NotDone(428, "base_required", "say by the header if-match which version of the draft you have seen")
        base = old.base_hash if given.base is None else given.base.strip('"')
        text = drafts.Text(given.policy, base, old.comment if given.comment is None else given.comment)
        change = partial(drafts.change_draft, id=draft_id, text=text, version=_version(if_match), **_here(of))
        kept = await _ask(of, change)
        response.headers["etag"] = tag(kept)
        return shown(kept)

    @router.delete("/drafts/{draft_id}", status_code=204, summary="Take a draft out")
    async def remove_draft(draft_id: int, if_match: IfMatch = None) -> Response:
        await _ask(of, partial(drafts.remove_draft, id=draft_id, version=_version(if_match)))
        return Response(status_code=204)

    @router.post("/drafts/{draft_id}/plan", summary="What would come of a draft")
    async def plan_draft(request: Request, draft_id: int, given: Nothing) -> Response:
        found = await ask_for_draft(of, draft_id)
        made = await told(of, request, Asked(policy=found.yaml))
        page = {"draft": {"id": found.id, "version": found.version, "base": found.base_hash}, **made}
        return Response(await asyncio.to_thread(written, page), media_type="application/json")

    @router.post("/drafts/{draft_id}/simulate", summary="What a draft would do with a request")
    async def simulate_draft(draft_id: int, given: SimulationInput) -> Response:
        if not isinstance(given.body.get("model"), str):
            raise NotDone(
                400, "invalid_request", 'body.model: is required, such as {"body": {"model": "fast/glm-4.7"}}'
            )
        found = await ask_for_draft(of, draft_id)
        decision = await simulate(await asyncio.to_thread(_host, of, found), given, of.models.catalog)
        return Response(json.dumps(decision.trace.record(), default=str), media_type="application/json")

    @router.post("/drafts/{draft_id}/apply", summary="Put a draft in force, and take it out of the drafts")
    async def apply_draft(request: Request, draft_id: int, given: Judged, if_match: IfMatch = None) -> Response:
        found = await ask_for_draft(of, draft_id)
        if _version(if_match) not in (None, found.version):
            raise _stale(drafts.StaleDraft(found))
        if of.policies.source == "file":
            raise policy_is_a_file(of, found.yaml)
        here = _here(of)
        author, comment = author_of(request), given.comment or found.comment
        how = {"comment": comment, "force": given.force, "override_guard": given.override_guard, **here}
        change = partial(apply, text=found.yaml, base=found.base_hash, author=author, **how)
        answer = await done(of, change, found.yaml, given.wait)
        # What somebody has written meanwhile stays.
        with suppress(drafts.NoSuchDraft, drafts.StaleDraft, StoreUnavailable):
            await of.policies.ask(partial(drafts.remove_draft, id=found.id, version=found.version))
        return answer

    return router


def _here(of: Administered) -> dict[str, Any]:
    return {"file": of.policies.settings, "environment": os.environ, "now": datetime.now(timezone.utc)}


def _version(if_match: str | None) -> int | None:
    tag = (if_match or "*").removeprefix("W/").strip('"')
    return None if tag == "*" else int(tag)


def _host(of: Administered, draft: Draft) -> Host:
    try:
        known = within(os.environ, of.policies.settings.access.environment)
        return Host.parse(draft.yaml, f"draft {draft.id}", known)
    except GovernanceError as error:
        raise _invalid(error) from None


async def _ask(of: Administered, use: Callable[[Store], T]) -> T:
    try:
        return await of.policies.ask(use)
    except drafts.NoSuchDraft as error:
        raise NotDone(404, "no_such_draft", str(error)) from None
    except drafts.StaleDraft as error:
        raise _stale(error) from None
    except drafts.TooManyDrafts as error:
        raise NotDone(409, "too_many_drafts", str(error)) from None
    except StoreUnavailable:
        raise
    except GovernanceError as error:
        raise _invalid(error) from None


def _invalid(error: GovernanceError) -> NotDone:
    problems = [problem._asdict() for problem in error.problems] if isinstance(error, PolicyError) else []
    return NotDone(422, "invalid_policy", str(error), problems=problems)


def _stale(error: drafts.StaleDraft) -> NotDone:
    return NotDone(412, "stale_draft", str(error), {"etag": tag(error.draft)}, version=error.draft.version)
