"""From what a policy names to what LiteLLM is asked for: the deployment that is it, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from governance.catalog.deployments import Deployment
from governance.catalog.identity import Identity, identity_of
from governance.catalog.routes import Deployments, Routes, Wildcard
from governance.model.target import group_of


class Resolved(NamedTuple):
    """What a target means to a proxy.

    Args:
        call_name: what LiteLLM is asked for; None where it serves no such target.
        deployments: those of which LiteLLM picks one.
        equals: other groups that are the same as far as anybody can tell.
        why: why it is not served, where its name alone does not tell.
    """

    call_name: str | None
    deployments: Deployments = ()
    equals: tuple[str, ...] = ()
    why: str = ""


_NOT_SERVED: Final = Resolved(None)


def resolve(target: str, routes: Routes, model_map: Mapping[str, Any]) -> Resolved:
    """The first that exists: the group of that name, groups that are it, a wildcard of its provider.

    Args:
        target: `provider/model`, `group:NAME`, or a name of the proxy's own.
    """
    group = group_of(target)
    if group is not None:
        deployments = routes.group(group)
        return _served(group, deployments) if deployments else _NOT_SERVED
    meant = identity_of(target, "", model_map)
    if "/" in target and meant.provider:
        return _by_identity(target, meant, routes)
    # No provider is named: what the proxy itself calls so comes first, and what nobody knows is LiteLLM's to tell.
    own = routes.group(target)
    if own:
        return _served(target, own)
    found = _by_identity(meant.name, meant, routes)
    if found.call_name is None and not meant.provider and not found.why:
        asked = tuple(each for each in routes.asked(target) if "*" in each.group)
        return Resolved(target, asked) if asked else found
    return found


def _by_identity(target: str, meant: Identity, routes: Routes) -> Resolved:
    if not meant.model:
        return _NOT_SERVED
    own = routes.group(target)
    if _all_are(own, meant):
        return _served(target, own)
    named = routes.of_one.get(meant.folded)
    if named:
        ranked = sorted(named, key=lambda name: _rank(routes.asked(name), target))
        best = _rank(routes.asked(ranked[0]), target)
        equals = tuple(name for name in ranked[1:] if _rank(routes.asked(name), target) == best)
        return _served(ranked[0], routes.asked(ranked[0]))._replace(equals=equals)
    mixed = routes.of_several.get(meant.folded, ())
    for wildcard in routes.wildcards:
        found = _through(wildcard, meant, target, routes)
        # One that stands in the list may be elsewhere, with another key: it is never passed over for a wildcard.
        if found and not any(_elsewhere(routes.groups[name], meant, found.deployments) for name in mixed):
            return found
    if mixed:
        names = " and ".join(f"`{name}`" for name in mixed)
        return Resolved(None, why=f"{names} may also serve others; name `group: {mixed[0]}` to let LiteLLM choose")
    return _NOT_SERVED


def _through(wildcard: Wildcard, meant: Identity, target: str, routes: Routes) -> Resolved | None:
    for name in dict.fromkeys((target, *routes.names_for(wildcard, meant))):
        if name and name not in routes.groups and wildcard.pattern.match(name):
            deployments = routes.asked(name)
            if _all_are(deployments, meant) and all(found.group == wildcard.name for found in deployments):
                return Resolved(name, deployments)
    return None


def _served(name: str, group: Deployments) -> Resolved:
    able = tuple(found for found in group if not found.blocked)
    # LiteLLM answers with an error and looks no further.
    return Resolved(name, able) if able else Resolved(None, why=f"`{name}` is blocked")


def _rank(group: Deployments, target: str) -> tuple[bool, bool, int]:
    """One that serves before one that is blocked, the way to the model that the target names before others, the plain
    model before one with parameters.
    """
    blocked = all(found.blocked for found in group)
    return blocked, group[0].spelled.lower() != target.lower(), max(len(found.extra) for found in group)


def _all_are(deployments: Deployments, meant: Identity) -> bool:
    return bool(deployments) and all(found.identity.folded == meant.folded for found in deployments)


def _elsewhere(group: Deployments, meant: Identity, wildcard: Deployments) -> bool:
    addresses = {found.address for found in wildcard}
    return any(found.identity.folded == meant.folded and found.address not in addresses for found in group)


def serves_any(provider: str, routes: Routes) -> bool:
    """Whether some model of this provider is served."""
    folded = Identity(provider, "").folded.provider
    return any(_may_be(deployment, folded) for group in routes.groups.values() for deployment in group)


def _may_be(deployment: Deployment, provider: str) -> bool:
    if "*" in deployment.group and deployment.written == "*" and not deployment.custom_provider:
        return True
    return deployment.identity.folded.provider == provider
