"""What differs between two policy documents: entries by their names, then field by field.

Both documents are plain values as they are written (no environment filled in), without the gateway plugin's wrapping.
What it means is said elsewhere (`effects`); this is exact: `apply(diff(a, b), a)` is `b`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from enum import Enum
from typing import Any, Final, Literal, NamedTuple

# In a list of named entries a step is the name of one; elsewhere a key, or a position in a list.
Path = tuple[str | int, ...]
Kind = Literal["added", "removed", "changed", "renamed", "moved"]


# Of a list without names that is told item by item; nobody reads more of them.
_MOST_ITEMS: Final = 100


class Missing(Enum):
    """What stands for a value that is not there; null is a value."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING


class Edit(NamedTuple):
    """One difference.

    Args:
        path: where it is in the document before; what is added, where it will be.
        before, after: the values; of `renamed` the two names, of `moved` the names of what stays, in both orders.
        place: of an entry that is added, its position in the list after.
    """

    kind: Kind
    path: Path
    before: Any
    after: Any
    place: int = 0


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Edit, ...]:
    """Every difference between two documents, in the order of the first, then what the second adds."""
    edits: list[Edit] = []
    for key in _keys(before, after):
        old, new = before.get(key, MISSING), after.get(key, MISSING)
        listed = entries(old), entries(new)
        if listed[0] is None or listed[1] is None or not (listed[0] or listed[1]):
            edits += _values((key,), old, new)
            continue
        edits += _entries(key, listed[0], listed[1])
        # The entries say nothing of a list without any.
        if new is MISSING:
            edits.append(Edit("removed", (key,), [], MISSING))
        elif old is MISSING and not new:
            edits.append(Edit("added", (key,), MISSING, []))
    return tuple(edits)


def apply(edits: Iterable[Edit], document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with these edits made. Raises ValueError where one does not fit: it was made for another."""
    made: dict[str, Any] = deepcopy(dict(document))
    for edit in edits:
        try:
            _apply(edit, made)
        except (LookupError, TypeError, StopIteration) as error:
            raise ValueError(f"{edit.kind} {edit.path} does not fit this document") from error
    return made


def same(one: Any, other: Any) -> bool:
    """Whether two values are written alike: `true` is not `1`, and `1` is not `1.0`."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def spelled(value: Any) -> str:
    """A text that values have in common which are written alike, and no others."""
    return json.dumps(value, sort_keys=True)


def folded(name: str) -> str:
    """What two spellings of one entry's name have in common."""
    return name.strip().lower()


def entries(value: Any) -> dict[str, dict[str, Any]] | None:
    """The entries of a list by their names, folded; None for anything that is no list of named entries."""
    if value is MISSING:
        return {}
    if not isinstance(value, list):
        return None
    found: dict[str, dict[str, Any]] = {}
    for entry in value:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or folded(name) in found:
            return None
        found[folded(name)] = entry
    return found


def position(listed: Sequence[Any], name: str) -> int:
    """Where the entry of this name stands. Raises LookupError."""
    wanted = folded(name)
    for i, entry in enumerate(listed):
        if isinstance(entry, dict) and isinstance(entry.get("name"), str) and folded(entry["name"]) == wanted:
            return i
    raise LookupError(name)


def _entries(section: str, old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]) -> Iterator[Edit]:
    renamed = dict(_renamed(old, new))
    taken = set(renamed.values())
    for name, entry in old.items():
        if name in new:
            yield from _values((section, entry["name"]), entry, new[name])
        elif name in renamed:
            yield Edit("renamed", (section, entry["name"]), entry["name"], new[renamed[name]]["name"])
        else:
            yield Edit("removed", (section, entry["name"]), entry, MISSING)
    stay = [renamed.get(name, name) for name in old if name in new or name in renamed]
    staying = set(stay)
    order = [name for name in new if name in staying]
    if stay != order:
        yield Edit("moved", (section,), [new[name]["name"] for name in stay], [new[name]["name"] for name in order])
    for place, (name, entry) in enumerate(new.items()):
        if name not in old and name not in taken:
            yield Edit("added", (section, entry["name"]), MISSING, entry, place)


def _renamed(old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Entries that are gone, each with one that is new and differs in its name alone."""
    fresh: dict[str, list[str]] = {}
    for name in reversed(new):
        if name not in old:
            fresh.setdefault(spelled({**new[name], "name": ""}), []).append(name)
    for name, entry in old.items():
        twins = fresh.get(spelled({**entry, "name": ""})) if fresh and name not in new else None
        if twins:
            yield name, twins.pop()


def _values(path: Path, old: Any, new: Any) -> Iterator[Edit]:
    if same(old, new):
        return
    if old is MISSING or new is MISSING:
        yield Edit("added" if old is MISSING else "removed", path, old, new)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in _keys(old, new):
            yield from _values((*path, key), old.get(key, MISSING), new.get(key, MISSING))
    elif _alike(old, new):
        for i, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _values((*path, i), one, other)
    else:
        yield Edit("changed", path, old, new)


def _alike(old: Any, new: Any) -> bool:
    """Lists of mappings that stand where they stood: none came, none went, none only changed its place."""
    if not isinstance(old, list) or not isinstance(new, list) or len(old) != len(new) or len(old) > _MOST_ITEMS:
        return False
    if not all(isinstance(item, dict) for item in (*old, *new)):
        return False
    places: dict[str, list[int]] = {}
    for i, item in enumerate(new):
        places.setdefault(spelled(item), []).append(i)
    return all(places.get(spelled(item), [i]) == [i] for i, item in enumerate(old))


def _keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [*old, *(key for key in new if key not in old)]


def _apply(edit: Edit, document: dict[str, Any]) -> None:
    if edit.kind == "moved":
        listed = document[str(edit.path[0])]
        places = sorted(position(listed, name) for name in edit.before)
        moved = [listed[position(listed, name)] for name in edit.after]
        for place, entry in zip(places, moved, strict=True):
            listed[place] = entry
        return
    holder: Any = document
    for depth, step in enumerate(edit.path[:-1]):
        if depth == 0 and edit.kind == "added" and len(edit.path) == 2 and step not in holder:
            holder[step] = []
        holder = holder[_step(holder, step)]
    last = edit.path[-1]
    if edit.kind == "added" and isinstance(holder, list):
        holder.insert(edit.place, deepcopy(edit.after))
        return
    at = last if edit.kind == "added" else _step(holder, last)
    if edit.kind == "removed":
        del holder[at]
    elif edit.kind == "renamed":
        holder[at] = {**holder[at], "name": edit.after}
    else:
        holder[at] = deepcopy(edit.after)


def _step(holder: Any, step: str | int) -> str | int:
    return position(holder, step) if isinstance(holder, list) and isinstance(step, str) else step
