"""Which of a profile's requests are mirrored, and what that is charged to."""

from __future__ import annotations

from collections.abc import Iterator

from governance.model import NO_FACTS, Rejection, Request, Target, Window, codes
from governance.model.mirror import Mirror
from governance_plugins.routing_profiles.config import Profile, ProfileMirror


def mirrored(profile: Profile, base: str, request: Request) -> Mirror | None:
    """What becomes of this request beside its answer; None where the profile mirrors nothing."""
    given = profile.mirror
    if given is None:
        return None
    drawn = request.draw() < given.share
    name = f"{given.target.provider}/{given.target.model or base}"
    target = Target(name)
    return Mirror(_charged(profile.name, given, request, target) if drawn else target, given.share, drawn)


def _charged(profile: str, given: ProfileMirror, request: Request, target: Target) -> Target:
    facts = request.models.facts(target.name) if request.models else NO_FACTS
    charges = []
    for window in _windows(profile, given, target.name):
        charge = request.charge(window, facts, target.name)
        if charge is None:
            detail = "its price is unknown, so the budget of the mirror cannot be kept"
            return target.but(rejected=Rejection(codes.UNPRICED, detail))
        charges.append(charge)
    return target.but(charges=tuple(charges))


def _windows(profile: str, given: ProfileMirror, name: str) -> Iterator[Window]:
    limit, subject = f"{profile}: mirror", f"target:{name.lower()}"
    for spend in given.budget:
        yield Window(limit, subject, "usd_micros", spend.usd_micros, spend.period)
    for rate in given.requests:
        yield Window(limit, subject, "requests", rate.amount, rate.period_s)
    yield Window(limit, subject, "concurrent", given.concurrent, None)
