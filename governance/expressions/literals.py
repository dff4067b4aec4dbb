"""What a request must have for a condition to match at all, read off its tree: the ground for an index over rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from governance.expressions.tree import Node
from governance.expressions.variables import STRINGS, plain

Key = tuple[str, ...]

_MAPS: Final = ("headers", "params", "metadata")


def equalities(tree: Node) -> Mapping[Key, frozenset[str]]:
    """The allowed values, by what is compared: conjuncts such as `model == "a"` or `team_id in ["a", "b"]`.

    A request for which one of them does not hold cannot match. Two conjuncts on the same name intersect.
    """
    found: dict[Key, frozenset[str]] = {}
    for conjunct in conjuncts(tree):
        found_here = equality(conjunct)
        if found_here:
            key, values = found_here
            found[key] = found[key] & values if key in found else values
    return found


def looked_up(tree: Node) -> frozenset[Key]:
    """The entries of maps that it names: `("headers", "x-tier")`."""
    found = set()
    for node in tree.walk():
        within, key = entry(node)
        if within and plain(within) in _MAPS:
            found.add((plain(within), key))
    return frozenset(found)


def conjuncts(node: Node) -> Iterator[Node]:
    """The parts of a condition that must all be true."""
    if node.kind == "call" and node.value == "_&&_":
        for part in node.parts:
            yield from conjuncts(part)
    else:
        yield node


def equality(node: Node) -> tuple[Key, frozenset[str]] | None:
    """What is compared with which texts, when that is all that a condition says."""
    if node.kind != "call":
        return None
    if node.value == "_==_":
        for one, other in (node.parts, node.parts[::-1]):
            key = text_key(one)
            if key and other.kind == "constant" and isinstance(other.value, str):
                return key, frozenset({other.value})
    if node.value == "@in" and node.parts[1].kind == "list":
        key, items = text_key(node.parts[0]), node.parts[1].parts
        if key and all(item.kind == "constant" and isinstance(item.value, str) for item in items):
            return key, frozenset(str(item.value) for item in items)
    if node.value == "_||_":
        left, right = (equality(part) for part in node.parts)
        if left and right and left[0] == right[0]:
            return left[0], left[1] | right[1]
    return None


def text_key(node: Node) -> Key | None:
    """The text of a request that a node stands for."""
    if node.kind == "name":
        return (node.value,) if node.value in STRINGS else None
    if node.kind == "has" or node.value == "@in":
        return None
    within, key = entry(node)
    return (within, key) if within in _MAPS else None


def entry(node: Node) -> tuple[str, str]:
    """The map and the key that a node names; empty when it names none."""
    if node.kind in ("select", "has"):
        within, key = node.parts[0], node.value
    elif node.kind == "call" and node.value in ("_[_]", "@in"):
        within, item = node.parts if node.value == "_[_]" else node.parts[::-1]
        key = item.value if item.kind == "constant" else None
    else:
        return "", ""
    return (str(within.value), key) if within.kind == "name" and isinstance(key, str) else ("", "")
