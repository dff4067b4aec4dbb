"""POST /governance/api/policy/plan: what would come of another policy on this proxy. Nothing is changed."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from governance.admin.access import author_of
from governance.admin.administered import Administered
from governance.admin.answered import Roomy, answers
from governance.admin.policy_changes import now
from governance.admin.refused_changes import refusals
from governance.apart import full_collections_wait
from governance.catalog import Catalog
from governance.engine.host import Host
from governance.engine.retired import let_go_slowly
from governance.model.errors import StoreUnavailable
from governance.model.turns import in_turns
from governance.policy.document import Core
from governance.policy.environment import within
from governance.policy.nodes import MAX_BYTES
from governance.testing import Result
from governance.usecases.candidate import usable
from governance.usecases.guard import LONGEST_TESTS, TESTS, results_of
from governance.usecases.kept_plans import keep_plan
from governance.usecases.noted import tests_hash
from governance.usecases.plan import Plan, plan
from governance.usecases.revisions import NoSuchRevision, show

_PIECES: Final = 1_000  # a millisecond


class Asked(BaseModel):
    """A policy that is to be.

    Args:
        policy: its text, YAML or JSON.
        base: the revision that it was written from; another one in force is a mistake.
        tests: policy tests that are to be kept with it; left out: those of the policy in force.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: Annotated[str, Field(max_length=MAX_BYTES)]
    base: str | None = None
    tests: str | None = Field(default=None, max_length=LONGEST_TESTS)


def routes(of: Administered) -> APIRouter:
    """The page of this worker: its policy, its models."""
    router = APIRouter(prefix="/api/policy", route_class=Roomy)

    @router.post(
        "/plan",
        responses=answers(400, 412, 422),
        response_model=dict[str, Any],
        summary="What would come of a policy",
    )
    async def plan_change(request: Request, asked: Asked) -> Response:
        """What would come of another policy; nothing is changed."""
        text = await asyncio.to_thread(written, await told(of, request, asked))
        return Response(text, media_type="application/json")

    return router


async def told(of: Administered, request: Request, asked: Asked) -> dict[str, Any]:
    """A plan as pages tell it, kept so that it can be applied. Raises NotDone."""
    made, untested = await planned(of, asked)
    stored = of.policies.source == "database"
    if untested is None and stored:
        untested = await _keep(of, made, asked, request)
        if untested is not None:
            made = replace(made, warnings=(*made.warnings, untested))
    return {**await asyncio.to_thread(made.report), "kept": untested is None and stored}


def written(plan: dict[str, Any]) -> str:
    """A plan as JSON. One of many changes would hold up requests for as long as that takes at once."""
    return "".join(in_turns(json.JSONEncoder(default=str).iterencode(plan), _PIECES))


async def planned(of: Administered, asked: Asked) -> tuple[Plan, str | None]:
    """What would come of a policy, and why its tests were not run. Raises NotDone with every mistake in it."""
    tests, untested = asked.tests, None
    if tests is None:
        tests, untested = await _tests_in_force(of)
    # A long policy takes a while to read, and requests do not wait for that.
    settings = of.policies.settings if of.policies.source == "database" else None
    with full_collections_wait():
        made = await asyncio.to_thread(_planned, of.engine.stated, of.models.catalog, asked, tests, settings)
    return made if untested is None else replace(made, warnings=(*made.warnings, untested)), untested


async def _tests_in_force(of: Administered) -> tuple[str, str | None]:
    if of.policies.source == "file":
        return "", None
    try:
        return (await of.policies.ask(show)).tests, None
    except (StoreUnavailable, NoSuchRevision) as error:
        return "", f"its tests were not run, and the plan is not kept: {error}"


async def _keep(of: Administered, made: Plan, asked: Asked, request: Request) -> str | None:
    keep = partial(
        keep_plan,
        id=made.id,
        base=made.base,
        text=asked.policy,
        tests=asked.tests,
        author=author_of(request),
        now=now(),
    )
    try:
        await of.policies.ask(keep)
    except StoreUnavailable as error:
        return f"the plan is not kept: {error}"
    return None


def _candidate(base: Host, text: str, settings: Core | None) -> Host:
    if settings is not None:
        return usable(text, "policy", settings, os.environ)
    known = within(os.environ, base.policy.core.access.environment)
    return Host.parse(text, "policy", known)


def _planned(base: Host, catalog: Catalog, asked: Asked, tests: str, settings: Core | None) -> Plan:
    with refusals():
        candidate = _candidate(base, asked.policy, settings)
        let_go_slowly(candidate)
        made = asyncio.run(plan(base, candidate, catalog, made_from=asked.base))
        found: Mapping[str, Sequence[Result]] = {TESTS: results_of(candidate, tests)} if tests else {}
    return replace(made, tests=found, brings="" if asked.tests is None else tests_hash(asked.tests))
