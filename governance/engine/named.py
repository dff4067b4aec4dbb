"""Which models a policy names as targets, and where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from governance.model.target import group_target
from governance.policy import Policy

Named = Iterator[tuple[str, str]]


def named_targets(policy: Policy) -> dict[str, list[str]]:
    """Every `provider/model` that may serve by the policy's word, with the places that name it."""
    found: dict[str, list[str]] = {}
    for plugin, section in policy.sections.items():
        said: Any = getattr(section, "named_targets", None)
        for place, target in said() if said else _of_section(plugin, section.model_dump()):
            places = found.setdefault(target, [])
            if place not in places:
                places.append(place)
    return found


def named_besides(policy: Policy) -> list[str]:
    """Targets that are no `provider/model`: any model of a provider as `provider/*`, groups as `group:NAME`."""
    found = (each for section in policy.sections.values() for each in _besides_in(section.model_dump()))
    return list(dict.fromkeys(found))


def _besides_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        provider, group = value.get("provider"), value.get("group")
        if isinstance(provider, str) and value.get("model", "") is None:
            yield f"{provider}/*"
        elif isinstance(group, str):
            yield group_target(group)
        for each in value.values():
            yield from _besides_in(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _besides_in(each)


def _of_section(plugin: str, section: Any) -> Named:
    entries = section if isinstance(section, (list, tuple)) else [section]
    for entry in entries:
        name = entry.get("name") if isinstance(entry, dict) else None
        place = f"{plugin}: {name}" if name else plugin
        yield from ((place, target) for target in targets_in(entry))


def targets_in(value: Any) -> Iterator[str]:
    """Every `provider/model` that stands in two keys of these names, or in one of those that hold models."""
    if isinstance(value, dict):
        provider, model = value.get("provider"), value.get("model")
        if isinstance(provider, str) and isinstance(model, str):
            yield f"{provider}/{model}"
        route_to, fallbacks = value.get("route_to"), value.get("fallbacks")
        yield from [route_to] if isinstance(route_to, str) and "/" in route_to else []
        yield from (each for each in fallbacks if isinstance(each, str)) if isinstance(fallbacks, (list, tuple)) else ()
        for each in value.values():
            yield from targets_in(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from targets_in(each)
