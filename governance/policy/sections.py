"""The parts of a policy whose entries have names, and what stands there by which name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from governance.policy.diff import folded
from governance.policy.document import Written, is_wrapped
from governance.policy.nodes import Path, Tree


class Section(NamedTuple):
    """A list of entries that hold their names, or a mapping of names to what they mean.

    Args:
        word: how addresses and people call it.
        at: where it stands in a policy.
    """

    word: str
    at: tuple[str, ...]
    kind: Literal["list", "mapping"] = "list"


SECTIONS: Final = {
    section.word: section
    for section in (
        Section("rules", ("routing_rules",)),
        Section("profiles", ("routing_profiles",)),
        Section("limits", ("rate_limits",)),
        Section("budgets", ("budgets",)),
        Section("keys", ("keys",)),
        Section("teams", ("teams",)),
        Section("tasks", ("task_routing", "overrides"), "mapping"),
        Section("task-profiles", ("task_routing", "profiles"), "mapping"),
        Section("catalog-overrides", ("catalog", "overrides"), "mapping"),
    )
}


class Entry(NamedTuple):
    """Args:
    value: as it is written; in a list its name is a part of it.
    path: where it stands in the document.
    """

    name: str
    value: Any
    path: Path


def place_of(document: Any, section: Section) -> tuple[str, ...]:
    """Where a section stands in a document, wrapped or not, by the keys as they are written there."""
    found: list[str] = ["config"] if is_wrapped(document) else []
    value = document["config"] if found else document
    for step in section.at:
        key = next((key for key in value if key.lower() == step), step) if isinstance(value, dict) else step
        found.append(key)
        value = value.get(key) if isinstance(value, dict) else None
    return tuple(found)


def entries_of(tree: Tree, section: Section) -> Iterator[Entry]:
    """What a section holds, in its order. What has no name is left out."""
    place = place_of(tree.data, section)
    value: Any = tree.data
    for step in place:
        value = value.get(step) if isinstance(value, Mapping) else None
    if section.kind == "mapping":
        for name, each in value.items() if isinstance(value, dict) else ():
            yield Entry(name, each, (*place, name))
    else:
        for i, each in enumerate(value if isinstance(value, list) else ()):
            if isinstance(each, dict) and isinstance(each.get("name"), str):
                yield Entry(each["name"], each, (*place, i))


def written_entries(tree: Tree) -> dict[str, tuple[Written, ...]]:
    """What stands in every section, by its word."""
    return {
        word: tuple(Written.of(each.name, each.value, tree.mark(each.path).line) for each in entries_of(tree, section))
        for word, section in SECTIONS.items()
    }


def found(tree: Tree, section: Section, name: str) -> Entry | None:
    """The entry of this name, in whatever case."""
    wanted = folded(name)
    return next((entry for entry in entries_of(tree, section) if folded(entry.name) == wanted), None)
