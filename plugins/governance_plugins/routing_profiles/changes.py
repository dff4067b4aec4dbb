"""What a change of a profile does to callers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from governance.limits import away_effects, rate_effects
from governance.model.changes import Effect, Reach, SectionChange, gained
from governance.model.labels import requires
from governance_plugins.routing_profiles.config import MaxPrice, Profile, ProfileTarget

_LENIENCY: Final = {"targets": 0, None: 1, "virtual": 2}

Served = frozenset[tuple[str, str | None, str]]
_Amounts = dict[tuple[str, int | str | None], tuple[int, str]]


def profile_effects(change: SectionChange) -> set[Effect]:
    """The effects of a change in the section `routing_profiles`."""
    if change.kind == "moved":
        # Each has a virtual provider of its own: which one is asked does not depend on the order.
        return {"cosmetic"}
    before, after = _in_force(change.before), _in_force(change.after)
    if change.kind == "renamed" or change.field == "name":
        counts = any(_amounts(target) for profile in (before, after) if profile for target in profile.targets)
        return {"restarts_count"} if counts else {"cosmetic"}
    if change.field == "description" or (before is None and after is None):
        return {"cosmetic"}
    if before is None or after is None:
        return {"reroutes", *gained(_serves(before), _serves(after))}
    if "labels" in change.path:
        # Somebody who requires labels may be served by it now, or no longer.
        return {"reroutes", "grants", "revokes"}
    if change.field == "require":
        return requires(before.require, after.require)
    if change.field == "access":
        old, new = (_LENIENCY[profile.access.grant if profile.access else None] for profile in (before, after))
        return {"grants"} if new > old else {"revokes"} if new < old else {"cosmetic"}
    if change.field == "max_price":
        return {"reroutes", *_of_prices(before, after)}
    found: set[Effect] = {"reroutes", *gained(_serves(before), _serves(after))}
    return found | _of_limits(before.targets, after.targets) if change.field == "targets" else found


def profile_reach(change: SectionChange) -> Reach:
    """What has to be asked for to meet a profile, and whom it lets serve."""
    asks: list[str] = []
    for profile in (change.before, change.after):
        if isinstance(profile, Profile):
            virtual = profile.virtual_provider.lower()
            aliases = {target.alias for target in profile.targets}
            asks += [f"{virtual}/{alias or '*'}" for alias in sorted(aliases, key=lambda alias: alias or "")]
    before, after = _serves(_in_force(change.before)), _serves(_in_force(change.after))
    come, gone = (tuple(sorted({name for _, _, name in pairs})) for pairs in (after - before, before - after))
    return Reach((), tuple(dict.fromkeys(asks)), come, gone)


def _in_force(profile: Any) -> Profile | None:
    return profile if isinstance(profile, Profile) and profile.enabled and profile.mode == "enforce" else None


def _serves(profile: Profile | None) -> Served:
    """What can be asked for, and who may then serve; `*` stands for the model that is asked for."""
    if profile is None:
        return frozenset()
    virtual, used = profile.virtual_provider.lower(), [target for target in profile.targets if target.enabled]
    return frozenset((virtual, target.alias, target.name("*").lower()) for target in used)


def _of_prices(before: Profile, after: Profile) -> set[Effect]:
    """A lower price leaves fewer targets to be asked, a higher one more."""
    found: set[Effect] = set()
    for kind in MaxPrice.model_fields:
        old, new = (getattr(each.max_price, kind, None) for each in (before, after))
        if old != new:
            found.add("tightens" if old is None or (new is not None and new < old) else "loosens")
    return found


def _of_limits(before: Iterable[ProfileTarget], after: Iterable[ProfileTarget]) -> set[Effect]:
    """Of the limits of those that stay, as the same target behind the same virtual model or another one."""
    found: set[Effect] = set()
    known = {target.name("*").lower(): target for target in before if target.enabled}
    for target in after:
        old = known.get(target.name("*").lower())
        if old is None or not target.enabled:
            continue
        if old.alias != target.alias and _amounts(old) and _amounts(target):
            found.add("restarts_count")
        found |= rate_effects(_amounts(old), _amounts(target))
        found |= away_effects(old.limits.on_unavailable, target.limits.on_unavailable)
    return found - {"cosmetic"}


def _amounts(target: ProfileTarget) -> _Amounts:
    limits = target.limits
    amounts: _Amounts = {}
    for unit in ("requests", "tokens", "input_tokens", "output_tokens", "cost"):
        amounts |= {(unit, rate.period_s): (rate.amount, "") for rate in getattr(limits, unit)}
    return amounts if limits.concurrent is None else {**amounts, ("concurrent", None): (limits.concurrent, "")}
