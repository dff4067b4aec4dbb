"""POST /governance/api/policy/plan: what would come of another policy on this proxy. Nothing is changed."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone
from governance.catalog import Catalog
from governance.engine.host import Host
from governance.engine.plugins import installed, section_model
from governance.model.errors import GovernanceError, PolicyError
from governance.policy import parse_policy
from governance.policy.environment import within
from governance.policy.nodes import MAX_BYTES
from governance.usecases.plan import Plan, StalePlan, plan


class Asked(BaseModel):
    """A policy that is to be.

    Args:
        policy: its text, YAML or JSON.
        base: the revision that it was written from; another one in force is a mistake.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: Annotated[str, Field(max_length=MAX_BYTES)]
    base: str | None = None


def routes(of: Administered) -> APIRouter:
    """The page of this worker: its policy, its models."""
    router = APIRouter(prefix="/api/policy", route_class=Answered)

    @router.post("/plan")
    async def plan_change(asked: Asked) -> Response:
        # A long policy takes a while to read, and requests do not wait for that.
        made = await asyncio.to_thread(_planned, of.engine.host, of.models.catalog, asked)
        return Response(json.dumps(made.report(), default=str), media_type="application/json")

    return router


def _planned(base: Host, catalog: Catalog, asked: Asked) -> Plan:
    try:
        known = within(os.environ, base.policy.core.access.environment)
        policy = parse_policy(asked.policy, "policy", installed(), section_model, known)
        return asyncio.run(plan(base, Host.start(policy), catalog, made_from=asked.base))
    except StalePlan as error:
        raise NotDone(412, "stale_base", str(error)) from None
    except PolicyError as error:
        problems = [problem._asdict() for problem in error.problems]
        raise NotDone(422, "invalid_policy", str(error), problems=problems) from None
    except GovernanceError as error:
        raise NotDone(422, "invalid_policy", str(error), problems=[]) from None
