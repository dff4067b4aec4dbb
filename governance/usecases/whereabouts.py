"""Where in the text of a policy something stands, for whoever wants to edit it there."""

from __future__ import annotations

from typing import Any, NamedTuple

from governance.model.errors import PolicyError
from governance.policy import diff as difference
from governance.policy.document import is_wrapped
from governance.policy.nodes import Path, dotted, read_tree


class Place(NamedTuple):
    """A line of the text, counted from 1, and what stands there; `path` is "" for the whole."""

    line: int
    path: str


def first_difference(text: str, other: str) -> Place:
    """Where the first change is made that turns one policy into the other. Of what is no policy, the first line."""
    try:
        tree, wanted = read_tree(text, "policy"), read_tree(other, "policy").data
        edits = difference.diff(tree.data, wanted)
    except (PolicyError, AttributeError, TypeError):
        return Place(1, "")
    if not edits:
        return Place(1, "")
    path = _positions(tree.data, edits[0].path)
    return Place(tree.mark(path).line, dotted(path))


def lines(text: str) -> dict[str, dict[str, Any]]:
    """The line of every section, and of every named entry of one: `{"budgets": {"line": 3, "entries": {"all": 4}}}`."""
    tree = read_tree(text, "policy")
    root: Path = ("config",) if is_wrapped(tree.data) else ()
    sections = tree.data["config"] if root else tree.data
    found: dict[str, dict[str, Any]] = {}
    for name, section in sections.items():
        entries = section if isinstance(section, list) else ()
        found[name] = {
            "line": tree.mark((*root, name)).line,
            "entries": {
                entry["name"]: tree.mark((*root, name, i)).line
                for i, entry in enumerate(entries)
                if isinstance(entry, dict) and isinstance(entry.get("name"), str)
            },
        }
    return found


def _positions(document: Any, path: Path) -> Path:
    """The same path by positions in lists instead of names of entries, as far as it leads."""
    steps: list[str | int] = []
    value = document
    for step in path:
        try:
            at = difference.position(value, step) if isinstance(value, list) and isinstance(step, str) else step
            value = value[at]
        except (LookupError, TypeError):
            break
        steps.append(at)
    return tuple(steps)
