"""GET /api/governance/routing-profiles: the profiles as gateways tell them that have them under this address."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.routing import Match
from starlette.types import Scope

from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone
from governance.admin.in_force import in_force
from governance.policy.sections import SECTIONS
from governance.usecases.entries import NoSuchEntry, Shown, shown_entries, shown_entry

PROFILES: Final = SECTIONS["profiles"]
# Pages of their own, so that no profile is found by these.
WORDS: Final = frozenset({"export", "import", "simulate"})
_DEFAULTS: Final = {"description": "", "enabled": True, "strategy": "ordered_failover"}

VirtualProvider = Annotated[str | None, Query(max_length=200, description="only the profile of this one")]


class Profiles(BaseModel):
    """All profiles, or the one of a virtual provider."""

    profiles: list[dict[str, Any]] = Field(description="each as the policy writes it, with `id`, which is its name")
    count: int


class OneProfile(BaseModel):
    """One of them."""

    profile: dict[str, Any]


class Export(BaseModel):
    """The profiles as a gateway plugin's configuration."""

    plugin: dict[str, Any]


class ById(Answered):
    """A page of one profile."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        wanted = child.get("path_params", {}).get("profile_id")
        return (Match.NONE, {}) if wanted in WORDS else (match, child)


def routes(of: Administered) -> APIRouter:
    """For viewers, too."""
    router = APIRouter(prefix="/routing-profiles", route_class=Answered)
    by_id = APIRouter(prefix="/routing-profiles", route_class=ById)

    @router.get("", summary="All routing profiles")
    async def profiles(virtual_provider: VirtualProvider = None) -> Profiles:
        policy = await in_force(of)
        found = [told(entry) for entry in shown_entries(policy.text, PROFILES)]
        if virtual_provider is not None:
            found = [each for each in found if serves(each, virtual_provider)]
        return Profiles(profiles=found, count=len(found))

    @router.get("/export", summary="The routing profiles as a gateway plugin's configuration")
    async def export() -> Export:
        policy = await in_force(of)
        listed = [entry.value for entry in shown_entries(policy.text, PROFILES)]
        return Export(plugin={"name": "governance", "enabled": True, "config": {"routing_profiles": listed}})

    @by_id.get("/{profile_id:path}", summary="One routing profile")
    async def profile(profile_id: str) -> OneProfile:
        policy = await in_force(of)
        try:
            return OneProfile(profile=told(shown_entry(policy.text, PROFILES, profile_id)))
        except NoSuchEntry as error:
            raise NotDone(404, "no_such_entry", str(error)) from None

    whole = APIRouter()
    whole.include_router(router)
    whole.include_router(by_id)
    return whole


def told(entry: Shown) -> dict[str, Any]:
    """A profile with what callers of that address rely on being there."""
    return {"id": entry.name, **_DEFAULTS, **entry.value}


def serves(profile: dict[str, Any], virtual_provider: str) -> bool:
    """Whether a profile, as it is told, is that of a virtual provider, in whatever case."""
    return str(profile.get("virtual_provider", "")).strip().lower() == virtual_provider.strip().lower()
