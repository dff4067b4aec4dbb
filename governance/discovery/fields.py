"""Values of foreign JSON, or None: a field that is missing, of another kind or absurd is unknown and no error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

LONGEST_NAME: Final = 300
_LARGEST_COUNT: Final = 10**12


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """The JSON objects of a list."""
    return (item for item in (value if isinstance(value, list) else ()) if isinstance(item, Mapping))


def text(value: Any) -> str | None:
    """A short text that can be shown and stored: no control characters, no line breaks."""
    if not isinstance(value, str):
        return None
    value = value.strip()
    return value if value and len(value) <= LONGEST_NAME and value.isprintable() else None


def model_name(value: Any) -> str | None:
    """The name of a model: text without spaces."""
    name = text(value)
    return name if name and not any(c.isspace() for c in name) else None


def count(value: Any) -> int | None:
    """A number of tokens, above 0."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return int(value) if whole and not isinstance(value, bool) and 0 < value < _LARGEST_COUNT else None


def usd(value: Any) -> float | None:
    """A price in dollars, 0 or more. Below 0 a gateway says that the price varies, so it is unknown."""
    try:
        price = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return price if math.isfinite(price) and price >= 0 else None


def flag(value: Any) -> bool | None:
    """True or false, and nothing else."""
    return value if isinstance(value, bool) else None


def words(value: Any) -> list[str] | None:
    """The texts of a list, in lower case; None when it is no list."""
    return [item.lower() for item in value if isinstance(item, str)] if isinstance(value, list) else None


def inside(value: Any, *path: str) -> Any:
    """What stands at a path of keys; None where there is nothing."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def said(**entry: Any) -> dict[str, Any]:
    """The fields that say something."""
    return {key: value for key, value in entry.items() if value is not None}
