"""What a request must have for a condition to match at all, read off its tree: the ground for an index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from governance.expressions.literals import Key, conjuncts, entry, equality, text_key
from governance.expressions.tree import Node
from governance.expressions.variables import VARIABLES


class Needed(NamedTuple):
    """A text of the request `is` this one or `begins` with it, or it is `among` those of a list such as `tags`."""

    key: Key
    how: Literal["is", "begins", "among"]
    text: str


def needed(tree: Node) -> tuple[frozenset[Needed], ...]:
    """Sets of which a request must have one member each, or the condition does not match.

    An empty set: no request has what it needs. None at all: nothing is known.
    """
    return tuple(found for found in map(_needed, conjuncts(tree)) if found is not None)


def _needed(node: Node) -> frozenset[Needed] | None:
    found = equality(node)
    if found:
        key, texts = found
        return frozenset(Needed(key, "is", text) for text in texts)
    if node.kind == "has":
        return _present(node)
    if node.kind == "loop":
        return _some(node)
    if node.kind != "call":
        return None
    if node.value == "_||_":
        # What fails on one side counts for nothing where the other is true.
        left, right = map(_least, node.parts)
        return None if left is None or right is None else left | right
    if node.value == "startsWith":
        return _begins(node)
    return _present(node) or _among(node) if node.value == "@in" else None


def _least(node: Node) -> frozenset[Needed] | None:
    """What one side of `||` needs: of several things that must all be, the one that is said most exactly."""
    return min(needed(node), key=lambda each: (any(one.how != "is" for one in each), len(each)), default=None)


def _begins(node: Node) -> frozenset[Needed] | None:
    if len(node.parts) != 2:
        return None
    subject, start = node.parts
    key = text_key(subject)
    if key is None or start.kind != "constant" or not isinstance(start.value, str):
        return None
    return frozenset({Needed(key, "begins", start.value)})


def _present(node: Node) -> frozenset[Needed] | None:
    within, key = entry(node)
    # What is in metadata may be no text.
    return frozenset({Needed((within, key), "begins", "")}) if within in ("headers", "params") else None


def _among(node: Node) -> frozenset[Needed] | None:
    item, within = node.parts
    known = item.kind == "constant" and isinstance(item.value, str) and within.kind == "name"
    if not known or VARIABLES.get(str(within.value)) != "list":
        return None
    return frozenset({Needed((str(within.value),), "among", str(item.value))})


def _some(node: Node) -> frozenset[Needed] | None:
    """`tags.exists(t, t == "batch")`."""
    over, start, _, step, _ = node.parts
    if over.kind != "name" or VARIABLES.get(over.value) != "list" or start.value is not False:
        return None
    if step.kind != "call" or step.value != "_||_":
        return None
    each = step.parts[1]
    if each.kind != "call" or each.value != "_==_":
        return None
    texts = set(_compared(each, node.value[0]))
    return frozenset(Needed((over.value,), "among", text) for text in texts) if texts else None


def _compared(node: Node, item: str) -> Iterator[str]:
    for one, other in (node.parts, node.parts[::-1]):
        if one.kind == "name" and one.value == item and other.kind == "constant" and isinstance(other.value, str):
            yield other.value
