"""What a process hands over, cut into parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

# Entries of a part: rules, limits, keys. Taking over one of them takes some ten microseconds.
EACH: Final = 16
# Below a policy: its sections, one section, its list.
_DEPTH: Final = 4


def parts(value: Any, depth: int = _DEPTH) -> Iterator[list[Any]]:
    """Its long lists in parts of a few entries, what is inside of something before that."""
    if isinstance(value, (str, bytes)) or not depth:
        return
    entries: list[Any]
    if isinstance(value, Mapping):
        entries = list(value.values())
    elif isinstance(value, (list, tuple)):
        entries = list(value)
    else:
        entries = list(getattr(value, "__dict__", {}).values())
    if len(entries) > EACH:
        for at in range(0, len(entries), EACH):
            yield entries[at : at + EACH]
        return
    for entry in entries:
        yield from parts(entry, depth - 1)
