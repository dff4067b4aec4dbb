"""Fields of whatever a provider or LiteLLM hands over: a mapping or an object, with numbers that may be anything."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel

_Any: Any = BaseModel
_DIGITS: Final = re.compile(r"\s*([0-9]{1,400}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?\s*")


def field(value: Any, name: str) -> Any:
    """What stands there under this name; None where nothing does."""
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, BaseModel) and _is_held(type(value), name):
        # Of twenty names that are looked for most are not there, and pydantic takes long to say so.
        held = value.__dict__.get(name, value)
        return held if held is not value else (getattr(value, "__pydantic_extra__", None) or {}).get(name)
    return getattr(value, name, None)


@lru_cache(maxsize=4096)
def _is_held(model: type[BaseModel], name: str) -> bool:
    """Whether an object of this class has such a field among what it holds, or not at all."""
    of: Any = model
    plain = of.__getattr__ is _Any.__getattr__ and of.__getattribute__ is object.__getattribute__
    return plain and not hasattr(model, name) and name not in model.__private_attributes__


def first_of(value: Any, names: tuple[str, ...]) -> Any:
    """The first of these fields that is there; None where none is."""
    for name in names:
        found = field(value, name)
        if found is not None:
            return found
    return None


def number(value: Any, name: str) -> float:
    """A count or duration, also one that is written as a text; 0 where there is none, or none that can be."""
    found = field(value, name)
    if isinstance(found, str):
        found = Decimal(found.strip()) if _DIGITS.fullmatch(found) else None
    if isinstance(found, bool) or not isinstance(found, (int, float, Decimal)):
        return 0
    if isinstance(found, float) and not math.isfinite(found):
        return 0
    whole = int(found)
    # An int of any size is exact; a float of it may not even exist.
    return max(0, whole if whole == found or whole > 10**15 else float(found))


def count(value: Any, *names: str) -> int:
    """The largest of these counts, none of which can be below 0."""
    if value is None:
        return 0
    most = 0
    for name in names:
        most = max(most, int(number(value, name)))
    return most


def items(value: Any, name: str) -> list[Any]:
    """The list under this name; empty where there is none."""
    found = field(value, name)
    return found if isinstance(found, list) else []


def shown(count: int) -> str:
    """A count of any size, short enough for a record."""
    return f"{count}" if count < 10**15 else f"about 10^{int(math.log10(count))}"
