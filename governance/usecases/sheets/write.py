"""What an entry says, as the texts of the fields of a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

from governance.usecases.sheets.shape import Shape

OTHER: Final = "other"


def written_fields(shape: Shape, value: Any, name: str = "") -> dict[str, str]:
    """The fields by their names, `targets.0.weight`; what is not said stands nowhere.

    Args:
        name: of the field that holds the value; "" for the entry itself.
    """
    if value is None:
        return {}
    match shape.kind:
        case "group" if shape.switched and isinstance(value, Mapping):
            return {f"{name}.used": "on", f"{name}.was": "on", **_group(shape, value, name)}
        case "group":
            return _group(shape, value, name)
        case "rows":
            found = {f"{name}.rows": str(len(value))} if isinstance(value, list) else {}
            for i, each in enumerate(value if isinstance(value, list) else ()):
                found |= {f"{name}.{i}.was": str(i), **_group(shape, each, f"{name}.{i}")}
            return found
        case "parts":
            pairs = [(key, flow(each)) for key, each in value.items()] if isinstance(value, dict) else [(value, "")]
            found = {f"{name}.rows": str(len(pairs))}
            for i, (kind, named) in enumerate(pairs):
                found |= {f"{name}.{i}.kind": str(kind), f"{name}.{i}.name": named}
            return found
        case "choice" if shape.inside and isinstance(value, dict):
            return {name: OTHER, **_group(shape, value, name)}
        case "checks":
            return {f"{name}.{word}": "on" for word in (value if isinstance(value, list) else [value])}
        case "flag":
            # Quoted it is the same; what else stands there, such as a variable, is no box to tick.
            return {"true": {name: "on"}, "false": {}}.get(flow(value).lower(), {name: flow(value)})
        case "several":
            return {name: ", ".join(map(flow, value)) if isinstance(value, list) else flow(value)}
        case "lines":
            return {name: "\n".join(map(flow, value)) if isinstance(value, list) else flow(value)}
        case _:
            return {name: flow(value)}


def _group(shape: Shape, value: Any, name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    if isinstance(value, Mapping):
        said = {str(key).lower(): each for key, each in value.items()}
        for each in shape.inside:
            inside = said.get(each.key)
            if inside is None and each.kind == "flag":
                inside = each.default
            found |= written_fields(each, inside, f"{name}.{each.key}".lstrip("."))
    return found


def flow(value: Any) -> str:
    """One value as a policy writes it, on one line; a text as it is."""
    if isinstance(value, str):
        return value
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.removesuffix("...\n").strip()
