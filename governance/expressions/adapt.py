"""What a condition means, written so that the CEL library takes it: a few edits of its text.

- Literal keys of `headers` and `params` become lower case, as the names in a request are.
- Literals that `request_type` is compared with become our names (`chat_completion` -> `chat`).
- Whole numbers and fractions compare: the literal becomes a fraction, or one side is freed from its type by `dyn()`.
- `matches`, and what walks through a map, get the heads of long texts; see `variables`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from governance.expressions.tree import Node
from governance.expressions.variables import HEAD, LONG_TEXTS, SOME, VARIABLES
from governance.model.vocabulary import request_type

_COMPARISONS: Final = frozenset({"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_"})
_ARITHMETIC: Final = frozenset({"_+_", "_-_", "_*_", "_/_"})
_WHOLE: Final = frozenset({"int", "size"})
_STRING: Final = re.compile(r"([rRbB]{0,2})(\"\"\"|'''|\"|')")
_NUMBER: Final = re.compile(r"-?\s*(?:0[xX][0-9a-fA-F]+|[0-9]+)[uU]?")
_FIELD: Final = re.compile(r"\s*\.\s*([A-Za-z_][A-Za-z0-9_]*)")
_LOWER_KEYS: Final = frozenset({"headers", "params"})


class Edit(NamedTuple):
    """Replace the characters from `start` to `end`."""

    start: int
    end: int
    text: str


def edits(tree: Node, text: str) -> list[Edit]:
    """The edits that `text` needs, in its order."""
    found = {edit.start: edit for edit in _edits(tree, text, frozenset(), False, False)}
    return [found[start] for start in sorted(found)]


def edited(text: str, changes: list[Edit]) -> str:
    """The text with the edits made."""
    for change in reversed(changes):
        text = text[: change.start] + change.text + text[change.end :]
    return text


def original(offset: int, changes: list[Edit]) -> int:
    """Where a place in the edited text was in the text as it was written."""
    shift = 0
    for change in changes:
        start, grown = change.start + shift, len(change.text) - (change.end - change.start)
        if offset < start:
            break
        if offset < start + len(change.text):
            return change.start
        shift += grown
    return offset - shift


def _edits(node: Node, text: str, bound: frozenset[str], head: bool, looked_up: bool) -> Iterator[Edit]:
    if node.kind == "name":
        yield from _hidden(node, bound, head, looked_up)
        return
    if node.kind == "call":
        yield from _numbers(node, text)
        yield from _aliases(node, text)
        yield from _literal_key(node, text, bound)
    if node.kind in ("select", "has"):
        yield from _literal_field(node, text, bound)
    if node.kind == "loop":
        over, *rest = node.parts
        yield from _edits(over, text, bound, head, False)
        for part in rest:
            yield from _edits(part, text, bound | set(node.value), head, False)
        return
    for i, part in enumerate(node.parts):
        yield from _edits(part, text, bound, head or (node.value, i) == ("matches", 0), _is_lookup(node, i))


def _hidden(node: Node, bound: frozenset[str], head: bool, looked_up: bool) -> Iterator[Edit]:
    name, end = node.value, node.at + len(node.value)
    if name in bound or name not in LONG_TEXTS:
        return
    if head:
        yield Edit(node.at, end, name + HEAD)
    elif not looked_up:
        yield Edit(node.at, end, name + SOME)


def _is_lookup(node: Node, i: int) -> bool:
    """Whether part `i` is a map of which one entry, named in the text, is looked at."""
    if node.kind in ("select", "has"):
        return True
    return (node.value, i) in (("_[_]", 0), ("@in", 1)) and _is_text(node.parts[1 - i])


# --- keys and words ------------------------------------------------------------------------------------------------


def _literal_key(node: Node, text: str, bound: frozenset[str]) -> Iterator[Edit]:
    if node.value == "_[_]":
        within, key = node.parts
    elif node.value == "@in":
        key, within = node.parts
    else:
        return
    if _lower(within, bound) and _is_text(key) and key.value != key.value.lower():
        yield _requoted(key, text, key.value.lower())


def _literal_field(node: Node, text: str, bound: frozenset[str]) -> Iterator[Edit]:
    (within,) = node.parts
    if _lower(within, bound) and node.value != node.value.lower():
        found = _FIELD.match(text, within.at + len(within.value))
        if found and found[1] == node.value:
            yield Edit(found.start(1), found.end(1), node.value.lower())


def _aliases(node: Node, text: str) -> Iterator[Edit]:
    if node.value in ("_==_", "_!=_"):
        for one, other in (node.parts, node.parts[::-1]):
            if one.kind == "name" and one.value == "request_type":
                yield from _alias(other, text)
    elif node.value == "@in" and node.parts[0].value == "request_type" and node.parts[1].kind == "list":
        for item in node.parts[1].parts:
            yield from _alias(item, text)


def _alias(node: Node, text: str) -> Iterator[Edit]:
    meant = request_type(node.value) if _is_text(node) else None
    if meant is not None and meant != node.value:
        yield _requoted(node, text, meant)


def _lower(node: Node, bound: frozenset[str]) -> bool:
    return node.kind == "name" and node.value in _LOWER_KEYS and node.value not in bound


def _is_text(node: Node) -> bool:
    return node.kind == "constant" and isinstance(node.value, str)


def _requoted(node: Node, text: str, value: str) -> Edit:
    opening = _STRING.match(text, node.at)
    if opening is None:
        raise ValueError(f"cannot read the text at column {node.at + 1}")
    raw, quote, i = "r" in opening[1].lower(), opening[2], opening.end()
    while not text.startswith(quote, i):
        i += 2 if text[i] == "\\" and not raw else 1
    return Edit(node.at, i + len(quote), json.dumps(value, ensure_ascii=False))


# --- numbers -------------------------------------------------------------------------------------------------------


def _numbers(node: Node, text: str) -> Iterator[Edit]:
    if node.value in _COMPARISONS or node.value in _ARITHMETIC:
        if len(node.parts) == 2:
            yield from _pair(*node.parts, text, node.value in _COMPARISONS)
    elif node.value == "@in" and node.parts[1].kind == "list" and _kind(node.parts[0]) == "double":
        for item in node.parts[1].parts:
            if _kind(item) == "int" and item.kind == "constant":
                yield _fraction(item, text)


def _pair(left: Node, right: Node, text: str, compared: bool) -> Iterator[Edit]:
    kinds = (_kind(left), _kind(right))
    if kinds not in (("int", "double"), ("double", "int")):
        return
    whole, fraction = (left, right) if kinds[0] == "int" else (right, left)
    if whole.kind == "constant":
        yield _fraction(whole, text)
    elif whole.kind == "name":
        yield _called("dyn" if compared else "double", whole)
    elif compared and fraction.kind == "name":
        yield _called("dyn", fraction)


def _kind(node: Node) -> str | None:
    if node.kind == "constant":
        return {int: "int", float: "double"}.get(type(node.value))
    if node.kind == "name":
        found = VARIABLES.get(node.value)
        return found if found in ("int", "double") else None
    if node.kind != "call":
        return None
    if node.value in _ARITHMETIC or node.value == "-_":
        kinds = {_kind(part) for part in node.parts}
        return "double" if "double" in kinds else "int" if kinds == {"int"} else None
    return (
        "int" if node.value in _WHOLE or node.value.startswith("get") else "double" if node.value == "double" else None
    )


def _fraction(node: Node, text: str) -> Edit:
    found = _NUMBER.match(text, node.at)
    if found is None:
        raise ValueError(f"cannot read the number at column {node.at + 1}")
    return Edit(node.at, found.end(), f"{node.value}.0")


def _called(function: str, node: Node) -> Edit:
    return Edit(node.at, node.at + len(node.value), f"{function}({node.value})")
