"""The entries of a policy by their names, read; and the text of a policy in which one is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from governance.apart import apart
from governance.model.errors import GovernanceError, PolicyError
from governance.policy.diff import folded
from governance.policy.diff_secrets import HIDDEN, shown
from governance.policy.document import Written
from governance.policy.edit import edited, entry_edited
from governance.policy.names import alike, fault_of_name
from governance.policy.nodes import MAX_DEPTH, Tree, read_tree
from governance.policy.reorder import reordered
from governance.policy.rewritten import rewritten
from governance.policy.sections import Entry, Section, entries_of, found, place_of
from governance.policy.yaml_text import NotEditable

_LONGEST_TOLD: Final = 100


class NoSuchEntry(GovernanceError):
    """The section has no entry of this name."""


class NameTaken(GovernanceError):
    """There is an entry that people would take for this one."""


class BadEntry(GovernanceError):
    """What is given can be no entry, whatever the policy says besides."""


@dataclass(frozen=True)
class Create:
    """A new entry, the last of its section."""

    name: str
    value: Any


@dataclass(frozen=True)
class Replace:
    """An entry as it is to be from now on; in a list it may have another name."""

    name: str
    value: Any


@dataclass(frozen=True)
class Remove:
    """An entry taken out."""

    name: str


@dataclass(frozen=True)
class Reorder:
    """The entries of a list in another order: all their names, each once."""

    names: Sequence[str]


@dataclass(frozen=True)
class ReplaceAll:
    """All entries of a list, in place of those that are there."""

    values: Sequence[Any]


EntryChange = Create | Replace | Remove | Reorder | ReplaceAll


@dataclass(frozen=True)
class Shown:
    """An entry as it may be told: without a secret that stands there itself.

    Args:
        line: of the policy's text, counted from 1.
    """

    name: str
    value: Any
    line: int


def shown_entries(text: str, section: Section) -> list[Shown]:
    """All of a section, in its order. Raises PolicyError where the text is no policy."""
    tree = _read(text)
    return [_shown(tree, entry) for entry in entries_of(tree, section)]


def shown_written(written: Written) -> Shown:
    """One entry of a policy that was loaded, which is parsed already."""
    return Shown(written.name, shown(written.value), written.line)


def shown_entry(text: str, section: Section, name: str) -> Shown:
    """One of them. Raises NoSuchEntry, PolicyError."""
    tree = _read(text)
    return _shown(tree, _there(tree, section, name))


def name_after(section: Section, change: Create | Replace) -> str:
    """What the entry is called once the change is made."""
    if section.kind == "list" and isinstance(change.value, dict):
        return str(change.value.get("name", change.name))
    return change.name


def with_change(text: str, section: Section, change: EntryChange) -> str:
    """The text of a policy with one entry changed, comments and order kept.

    Raises:
        BadEntry, NoSuchEntry, NameTaken: it makes no sense here.
        NotEditable: the text is written so that somebody has to do it by hand.
        PolicyError: the text is no policy. Whether the new one can be used is not known.
    """
    return apart(_with_change, text, section, change, size=len(text))


def _with_change(text: str, section: Section, change: EntryChange) -> str:
    tree = _read(text)
    place = place_of(tree.data, section)
    if isinstance(change, Reorder):
        return reordered(text, place, _order(tree, section, change.names))
    if isinstance(change, ReplaceAll):
        return _with_all(text, tree, place, [_value(section, Create("", value)) for value in change.values])
    if isinstance(change, Remove):
        return entry_edited(text, (*place, _there(tree, section, change.name).name), None)
    entry = _value(section, change)
    old = _there(tree, section, change.name) if isinstance(change, Replace) else None
    # What is the same stays as it was written, null too; 1, 1.0 and true are not the same.
    if old is not None and repr(change.value) == repr(old.value):
        return text
    name = name_after(section, change)
    if old is None or folded(name) != folded(old.name):
        _check_free(tree, section, name, old)
    return entry_edited(text, (*place, name if old is None else old.name), entry)


def _read(text: str) -> Tree:
    tree = read_tree(text, "policy")
    if tree.problems or not isinstance(tree.data, dict):
        raise PolicyError(tree.problems or [tree.problem((), "a policy is a mapping of keys to values")])
    return tree


def _shown(tree: Tree, entry: Entry) -> Shown:
    return Shown(entry.name, shown(entry.value), tree.mark(entry.path).line)


def _there(tree: Tree, section: Section, name: str) -> Entry:
    entry = found(tree, section, name)
    if entry is None:
        raise NoSuchEntry(f"{section.word} has no entry `{name[:_LONGEST_TOLD]}`")
    return entry


def _check_free(tree: Tree, section: Section, name: str, old: Entry | None) -> None:
    fault = fault_of_name(name)
    if fault:
        raise BadEntry(f"name: {fault}")
    for other in entries_of(tree, section):
        if other != old and alike(other.name) == alike(name):
            line = tree.mark(other.path).line
            raise NameTaken(f"`{name}` is taken by the entry `{other.name}` of {section.word} on line {line}")


def _order(tree: Tree, section: Section, names: Sequence[str]) -> Sequence[str]:
    if section.kind != "list":
        raise BadEntry(f"{section.word} has no order")
    there = {folded(entry.name): entry.name for entry in entries_of(tree, section)}
    given = set(map(folded, names))
    missing = [name for wanted, name in there.items() if wanted not in given]
    if missing:
        raise BadEntry(f"order: must name every entry; `{missing[0][:_LONGEST_TOLD]}` is missing")
    for name in names:
        if there.pop(folded(name), None) is None:
            raise BadEntry(f"order: `{name[:_LONGEST_TOLD]}` is no entry of {section.word}, or stands here twice")
    return names


def _with_all(text: str, tree: Tree, place: tuple[str, ...], values: list[Any]) -> str:
    try:
        return rewritten(text, _placed(tree.data, place, values))
    except NotEditable:  # entries change their places, which is no reason to keep them
        return edited(text, place, values)


def _placed(document: Any, place: tuple[str, ...], value: Any) -> Any:
    if not place:
        return value
    inside = document if isinstance(document, dict) else {}
    return {**inside, place[0]: _placed(inside.get(place[0]), place[1:], value)}


def _value(section: Section, change: Create | Replace) -> Any:
    if section.kind == "list" and not isinstance(change.value, dict):
        raise BadEntry(f"entry: one of {section.word} is a mapping of keys to values")
    if section.kind == "list" and not isinstance(change.value.get("name", ""), str):
        raise BadEntry("entry.name: must be a text")
    if isinstance(change, Create) and change.name and name_after(section, change) != change.name:
        raise BadEntry("name: is another one than that of the entry")
    for text in _texts(change.value, 0):
        if text == HIDDEN:
            raise BadEntry(f"entry: holds {HIDDEN}, which stands for a secret that is not shown; write ${{NAME}}")
    value = _without_nulls(change.value)
    if value is None:
        raise BadEntry("entry: must not be null; DELETE takes it out")
    return {**({"name": change.name} if change.name else {}), **value} if section.kind == "list" else value


def _texts(value: Any, depth: int) -> Iterator[str]:
    """Every text in a value that a policy can hold. Raises BadEntry for one that it cannot."""
    if depth > MAX_DEPTH:
        raise BadEntry(f"entry: nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(key, depth)
            yield from _texts(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, depth + 1)
    else:
        try:
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        except ValueError:
            raise BadEntry("entry: holds a number or a text that no policy can hold") from None
        if isinstance(value, str):
            yield value


def _without_nulls(value: Any) -> Any:
    # In a policy null is the same as left out, and only what stands there can be changed in place.
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value
