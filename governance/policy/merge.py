"""Two changes of one policy, made by two people, in one document: entry by entry, then field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from governance.policy.diff import MISSING, Path, entries, same


class Conflict(NamedTuple):
    """What both changed, each otherwise.

    Args:
        base, mine, theirs: the values; MISSING where there is none. For the order of a list, the names in it.
    """

    path: Path
    base: Any
    mine: Any
    theirs: Any


class Merged(NamedTuple):
    """Args:
    document: with both changes; where they are at odds, it is mine.
    """

    document: dict[str, Any]
    conflicts: tuple[Conflict, ...]


def merge(base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Merged:
    """The document with what `mine` and `theirs` have changed of `base`.

    Entries that both add at the same place of a list come by their names, whoever merges. Lists of things without names
    are one value: whoever changes one, changes all of it.
    """
    conflicts: list[Conflict] = []
    document: dict[str, Any] = {}
    for key in dict.fromkeys((*base, *mine, *theirs)):
        versions = [each.get(key, MISSING) for each in (base, mine, theirs)]
        listed = [entries(each) for each in versions]
        if any(each is None for each in listed):
            value = _merged(conflicts, (key,), *versions)
        else:
            value = _list(key, versions, [each or {} for each in listed], conflicts)
        if value is not MISSING:
            document[key] = value
    return Merged(document, tuple(conflicts))


def _merged(conflicts: list[Conflict], path: Path, base: Any, mine: Any, theirs: Any) -> Any:
    if same(base, theirs) or same(mine, theirs):
        return mine
    if same(base, mine):
        return theirs
    if all(isinstance(each, dict) for each in (base, mine, theirs)):
        keys = dict.fromkeys((*base, *mine, *theirs))
        values = {
            key: _merged(conflicts, (*path, key), *(each.get(key, MISSING) for each in (base, mine, theirs)))
            for key in keys
        }
        return {key: value for key, value in values.items() if value is not MISSING}
    conflicts.append(Conflict(path, base, mine, theirs))
    return mine


def _list(
    section: str, versions: Sequence[Any], listed: Sequence[dict[str, dict[str, Any]]], conflicts: list[Conflict]
) -> Any:
    base, mine, theirs = listed
    found: dict[str, Any] = {}
    for name in dict.fromkeys((*base, *mine, *theirs)):
        called = next(each[name]["name"] for each in listed if name in each)
        value = _merged(conflicts, (section, called), *(each.get(name, MISSING) for each in listed))
        if value is not MISSING:
            found[name] = value
    if not found and not any(isinstance(each, list) and not each for each in versions[1:]):
        # Nobody left an empty list there: with its last entry the section is gone.
        return MISSING if MISSING in versions[1:] or versions[0] is MISSING else []
    return [found[name] for name in _ordered(section, list(found), listed, conflicts)]


def _ordered(
    section: str, names: list[str], listed: Sequence[dict[str, Any]], conflicts: list[Conflict]
) -> Iterator[str]:
    """The names in the order of whoever changed it; what is new comes after what it stands behind in its own list."""
    stay = {name for name in names if all(name in each for each in listed)}
    base, mine, theirs = ([name for name in each if name in stay] for each in listed)
    if base not in (mine, theirs) and mine != theirs:
        spelled = (
            [each[name]["name"] for name in order] for each, order in zip(listed, (base, mine, theirs), strict=True)
        )
        conflicts.append(Conflict((section,), *spelled))
    order = theirs if mine == base else mine
    runs = [_runs(list(each), stay, set(names)) for each in listed[1:]]
    told: set[str] = set()
    for anchor in ("", *order):
        if anchor:
            yield anchor
        for run in sorted(run.get(anchor, []) for run in runs):
            fresh = [name for name in run if name not in told]
            told.update(fresh)
            yield from fresh


def _runs(listed: list[str], stay: set[str], names: set[str]) -> dict[str, list[str]]:
    """What is not in all lists, by the last name before it that is; "" for the beginning."""
    runs: dict[str, list[str]] = {}
    anchor = ""
    for name in listed:
        if name in stay:
            anchor = name
        elif name in names:
            runs.setdefault(anchor, []).append(name)
    return runs
