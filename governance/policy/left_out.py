"""A key whose value is null is a key that is left out, wherever a policy can do without it."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from pydantic import BaseModel, ValidationError

Where = tuple[str | int, ...]


def left_out(model: type[BaseModel], value: Any, error: ValidationError) -> Any:
    """`value` without the nulls that it is faulty for and that may be left out; itself where there are none.

    Args:
        error: why `value` is none of this model.
    """
    nulls = _nulls(value, error)
    if not nulls:
        return value
    try:
        model.model_validate(_without(value, nulls))
    except ValidationError as later:
        # What is required is told as it was written.
        nulls -= {_found(value, each["loc"]) for each in later.errors() if each["type"] == "missing"}
    return _without(value, nulls) if nulls else value


def _nulls(value: Any, error: ValidationError) -> set[Where]:
    # A key that nobody knows is a mistake, whatever its value.
    faults = [each for each in error.errors() if each["input"] is None and each["type"] != "extra_forbidden"]
    found = {_found(value, each["loc"]) for each in faults}
    return {path for path in found if path and isinstance(path[-1], str) and _at(value, path) is None}


def _found(value: Any, loc: Where) -> Where:
    """The part of a location that is in the document: pydantic adds names of validators and members of unions."""
    path: list[str | int] = []
    for part in loc:
        inside = part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int)
        if inside:
            path.append(part)
            value = value[part]
    return tuple(path)


def _at(value: Any, path: Where) -> Any:
    for part in path:
        value = value[part]
    return value


def _without(value: Any, paths: Iterable[Where]) -> Any:
    copy = deepcopy(value)
    for path in paths:
        del _at(copy, path[:-1])[path[-1]]
    return copy
