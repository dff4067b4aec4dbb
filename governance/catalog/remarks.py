"""What `governance check` says of a target, by what the proxy serves."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from governance.catalog.catalog import Catalog
from governance.model.labels import Labels
from governance.model.target import group_of


def target_remark(catalog: Catalog, target: str, what: str = "target") -> str:
    """Why a target will never be chosen, or what else it could mean; "" where nothing is to be said.

    Args:
        what: the policy's word for its place: `target`, `fallback`.
    """
    found = catalog.resolved(target)
    if found.call_name is None:
        return (
            f"the proxy serves no {spoken_target(target)}; this {what} will never be chosen{_because(catalog, target)}"
        )
    if found.equals:
        others = ", ".join(f"`{name}`" for name in found.equals)
        return (
            f"`{target}` is served by the group `{found.call_name}`, and {others} would be the same; "
            f"name `group: {found.call_name}` or another one to choose"
        )
    return ""


def provider_remark(catalog: Catalog, provider: str, what: str = "target") -> str:
    """The same for a target that is any model of a provider."""
    if catalog.serves_any(provider):
        return ""
    return f"the proxy serves no model of {provider}; this {what} will never be chosen{_because(catalog, '')}"


def label_remark(catalog: Catalog, target: str, labels: Labels) -> str:
    """Where deployments say otherwise of themselves than the policy says of a target; "" where they do not."""
    for deployed in catalog.labels(target) if labels else ():
        for key, value in labels.items():
            if deployed.get(key, value) != value:
                return (
                    f"`{target}` is labelled {key}={value} here, and a deployment of it says {key}={deployed[key]}, "
                    "which goes before"
                )
    return ""


def repeated_targets(named: Iterable[tuple[str, Hashable]]) -> Iterator[str]:
    """A remark for each target that stands in a list again.

    Args:
        named: targets as they are written, each with its meaning (`Catalog.meaning`).
    """
    first: dict[Hashable, str] = {}
    for name, meaning in named:
        before = first.get(meaning)
        if before is None:
            first[meaning] = name
        elif before.lower() == name.lower():
            yield f"{spoken_target(name)} stands there twice, whatever the case; it is tried once"
        else:
            yield f"{spoken_target(name)} is the same as {spoken_target(before)} before it; it is tried once"


def taken_names(catalog: Catalog, virtual_provider: str) -> tuple[str, ...]:
    """The proxy's own names that nobody can ask for, because a virtual provider takes them."""
    prefix = f"{virtual_provider.lower()}/"
    return tuple(name for name in catalog.names or () if name.lower().startswith(prefix))


def spoken_target(target: str) -> str:
    """A target for people: `` `openai/gpt-4o` `` or ``model group `smart` ``."""
    group = group_of(target)
    return f"`{target}`" if group is None else f"model group `{group}`"


def _because(catalog: Catalog, target: str) -> str:
    why = catalog.why(target) if target else ""
    unknown = sorted({each.unknown for group in catalog.routes.groups.values() for each in group if each.unknown})
    if not why and unknown and group_of(target) is None:
        why = f"models are named by variables that are not set here: {', '.join(unknown)}"
    return f" ({why})" if why else ""
