"""POST, PUT and DELETE of /api/governance/routing-profiles: profiles changed, imported and tried."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from governance.admin.administered import Administered
from governance.admin.answered import NotDone, Roomy
from governance.admin.entry_changes import IfMatch, make
from governance.admin.in_force import in_force
from governance.admin.routing_profiles import PROFILES, ById, OneProfile, serves, told
from governance.engine.simulation import SimulationInput, simulate_now
from governance.model.vocabulary import Capability, RequestType
from governance.usecases.entries import Create, NoSuchEntry, Remove, Replace, ReplaceAll, shown_entries, shown_entry

Given = dict[str, Any]


class ProfileChanged(OneProfile):
    """What was done."""

    message: str


class Removed(BaseModel):
    """What was done."""

    message: str


class Imported(BaseModel):
    """What was done."""

    message: str
    count: int = Field(description="how many profiles there are now")


class GivenProfiles(BaseModel):
    """The profiles, as `export` tells them or alone."""

    model_config = ConfigDict(extra="allow", frozen=True)

    routing_profiles: list[Given] | None = None
    plugin: dict[str, Any] | None = None


class Tried(BaseModel):
    """A request for a virtual provider's model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Annotated[str, Field(max_length=500)] = ""
    request_type: RequestType = "chat"
    capabilities: tuple[Capability, ...] | None = None


class Outcome(BaseModel):
    """Who would serve it."""

    primary: str = Field(description="provider/model; empty where nobody can")
    fallbacks: list[str]
    candidates: list[dict[str, Any]] = Field(description="every target, with the reason why it cannot serve")


def routes(of: Administered) -> APIRouter:
    """For admins. Without `if-match` a change is made of whichever policy is in force."""
    router = APIRouter(prefix="/routing-profiles", route_class=Roomy)
    by_id = APIRouter(prefix="/routing-profiles", route_class=ById)

    @router.post("", status_code=201, response_model=ProfileChanged, summary="Add a routing profile")
    async def create_profile(request: Request, given: Given, if_match: IfMatch = "*") -> Any:
        name = given.get("name")
        if not isinstance(name, str) or not name.strip():
            raise NotDone(400, "invalid_request", "name: is required")
        outcome = await make(of, request, PROFILES, Create(name, _without_id(given)), if_match)
        profile = told(shown_entry(outcome.revision.yaml, PROFILES, name))
        return JSONResponse({"message": "the routing profile is added", "profile": profile}, 201)

    @router.post("/import", summary="Replace all routing profiles")
    async def import_profiles(request: Request, given: GivenProfiles, if_match: IfMatch = "*") -> Imported:
        wanted = _imported(given)
        if not wanted:
            raise NotDone(400, "invalid_request", "routing_profiles: must have at least one; DELETE takes profiles out")
        await make(of, request, PROFILES, ReplaceAll([_without_id(each) for each in wanted]), if_match, "imported")
        return Imported(message="the routing profiles are replaced", count=len(wanted))

    @router.post("/simulate", response_model=Outcome, summary="Try a request for a virtual provider's model")
    async def simulate_profile(given: Tried) -> Any:
        provider, stroke, model = given.model.partition("/")
        if not stroke or not provider.strip() or not model.strip():
            raise NotDone(400, "invalid_request", "model: must be virtual_provider/model, such as fast/glm-4.7")
        policy = of.engine.host.policy
        if not any(serves(told(each), provider) for each in shown_entries(policy.text, PROFILES)):
            raise NotDone(404, "no_such_entry", f"no routing profile has the virtual provider `{provider[:100]}`")
        asked = SimulationInput(
            body={"model": given.model, "messages": []},
            request_type=given.request_type,
            capabilities=given.capabilities,
        )
        decision = await simulate_now(of.engine, asked, of.models.catalog)
        found = Outcome(
            primary=decision.target.name if decision.target else "",
            fallbacks=[target.name for target in decision.fallbacks],
            candidates=decision.trace.record()["candidates"],
        )
        # A caller's model name may hold what no UTF-8 can; in JSON its escape is the same text.
        return Response(json.dumps(found.model_dump(), default=str), media_type="application/json")

    @by_id.put("/{profile_id:path}", summary="Change a routing profile; what is left out stays")
    async def update_profile(
        request: Request, profile_id: str, given: Given, if_match: IfMatch = "*"
    ) -> ProfileChanged:
        policy = await in_force(of)
        try:
            old = shown_entry(policy.text, PROFILES, profile_id)
        except NoSuchEntry as error:
            raise NotDone(404, "no_such_entry", str(error)) from None
        wanted = {**old.value, **_without_id(given)}
        # What is left out comes from the policy that was just read, so nobody may have changed it since.
        seen = policy.etag if policy.editable and if_match == "*" else if_match
        outcome = await make(of, request, PROFILES, Replace(old.name, wanted), seen)
        profile = told(shown_entry(outcome.revision.yaml, PROFILES, str(wanted["name"])))
        return ProfileChanged(message="the routing profile is changed", profile=profile)

    @by_id.delete("/{profile_id:path}", summary="Take a routing profile out")
    async def delete_profile(request: Request, profile_id: str, if_match: IfMatch = "*") -> Removed:
        await make(of, request, PROFILES, Remove(profile_id), if_match)
        return Removed(message="the routing profile is taken out")

    whole = APIRouter()
    whole.include_router(router)
    whole.include_router(by_id)
    return whole


def _without_id(given: Given) -> Given:
    """A profile as the policy writes it: it is known by its name."""
    return {key: value for key, value in given.items() if key != "id"}


def _imported(given: GivenProfiles) -> list[Given]:
    if given.routing_profiles is not None:
        return given.routing_profiles
    config = (given.plugin or {}).get("config")
    listed = config.get("routing_profiles") if isinstance(config, dict) else None
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
