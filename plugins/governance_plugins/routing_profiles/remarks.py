"""What is allowed in a profile and can never work, by what the proxy serves; see `governance check`."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from governance.catalog import Catalog, label_remark, provider_remark, repeated_targets, taken_names, target_remark
from governance_plugins.routing_profiles.config import Profile, ProfileTarget


def warnings(profiles: Sequence[Profile], catalog: Catalog) -> Iterator[str]:
    """One line for each finding."""
    for profile in profiles:
        for target in profile.targets if profile.enabled else ():
            for remark in _of_target(target, catalog) if target.enabled else ():
                yield f"profile {profile.name}: {remark}"
        yield from _twice(profile, catalog) if profile.enabled else ()
        taken = taken_names(catalog, profile.virtual_provider) if profile.enabled else ()
        if taken:
            names = ", ".join(f"`{name}`" for name in taken)
            yield (
                f"profile {profile.name}: the proxy's own {names} cannot be asked for by name any more: "
                f"`{profile.virtual_provider}/…` is this profile's"
            )


def _of_target(target: ProfileTarget, catalog: Catalog) -> Iterator[str]:
    if target.provider and not target.model:
        remark = provider_remark(catalog, target.provider)
        if remark:
            yield remark
        return
    name = target.name("")
    remark = target_remark(catalog, name)
    if remark:
        yield remark
    contradiction = label_remark(catalog, name, target.labels)
    if contradiction:
        yield contradiction
    since = catalog.facts(name).gone_since
    if since:
        yield f"`{name}` is not listed by its provider since {since}"


def _twice(profile: Profile, catalog: Catalog) -> Iterator[str]:
    enabled = [target for target in profile.targets if target.enabled]
    for remark in repeated_targets((target.name("*"), _meaning(target, catalog)) for target in enabled):
        yield f"profile {profile.name}: {remark}"


def _meaning(target: ProfileTarget, catalog: Catalog) -> Hashable:
    name = target.name("*")
    served = catalog.meaning(name) if target.model or target.group else name.lower()
    return served, target.alias, target.request_types, target.capabilities
