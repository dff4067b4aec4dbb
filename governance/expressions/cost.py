"""The longest that evaluating a condition can take, worked out from its tree and the sizes of what it may see.

Nanoseconds on a machine on which an empty Python call takes about 45 ns, rounded up: the estimate is a bound, not a
forecast. Measured constants; `tests/test_expressions_bounds.py` holds them against the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from governance.expressions.regex import size_of
from governance.expressions.tree import Node
from governance.expressions.variables import (
    ENTRIES,
    ENTRY_BYTES,
    HEAD_BYTES,
    HIDDEN,
    METADATA_NODES,
    NAME_BYTES,
    TAG_BYTES,
    TEXT_BYTES,
    TOTAL_BYTES,
    VARIABLES,
)

MOST_NS: Final = 600_000
# Of one plain test, which needs no CEL; see `quick`.
TEST_NS: Final = 1_000.0

_STEP_NS: Final = 60.0
_BYTE_NS: Final = 0.06
_LOOKUP_NS: Final = 250.0
_COMPARE_NS: Final = 0.05
_BUILD_NS: Final = 1500.0
_EVALUATION_NS: Final = 3000.0
_ENTRY_NS: Final = 600.0
_COPY_NS: Final = 0.45
_OTHER_NS: Final = 5000.0
_READ_NS: Final = 5.0


class Shape(NamedTuple):
    """How large a value can be.

    Args:
        text: bytes, if it is text. entries: of a list or map. inner: what each entry can be; None = like itself.
        name: bytes of a key, for maps: what a loop over it walks through.
    """

    text: float = 0
    entries: float = 0
    inner: Shape | None = None
    name: float = 0

    @property
    def each(self) -> Shape:
        """One entry."""
        return self if self.inner is None else self.inner

    @property
    def item(self) -> Shape:
        """What a loop gets: keys of a map, entries of a list."""
        return Shape(self.name, 0, _ONE) if self.name and self.inner is not None else self.each

    @property
    def weight_ns(self) -> float:
        """To read all of it."""
        inner = self.each.text * _COMPARE_NS + _LOOKUP_NS
        return self.text * _COMPARE_NS + (METADATA_NODES if self.inner is None else self.entries) * inner


_NOTHING: Final = Shape(inner=Shape())
_ONE: Final = Shape(0, 0, _NOTHING)


def _variable(name: str) -> Shape:
    kind = VARIABLES.get(name) or HIDDEN[name]
    text = TEXT_BYTES if name in VARIABLES else HEAD_BYTES
    if kind == "string":
        return Shape(NAME_BYTES, 0, _ONE)
    if kind == "list":
        return Shape(0, ENTRIES, Shape(TAG_BYTES, 0, _ONE))
    if kind == "texts":
        return Shape(0, ENTRIES, Shape(text, 0, _ONE), TAG_BYTES)
    if kind == "values":
        return Shape(0, ENTRIES, Shape(HEAD_BYTES, ENTRIES, None), TAG_BYTES)
    return _ONE


class Cost(NamedTuple):
    ns: float
    shape: Shape


def cost_ns(tree: Node) -> float:
    """The bound for a whole condition. Raises ValueError for what cannot be bounded."""
    names = {node.value for node in tree.walk() if node.kind == "name"}
    return _EVALUATION_NS + sum(map(_loaded_ns, names)) + _cost(tree, {}).ns


def _loaded_ns(name: str) -> float:
    """To read a variable off the request and hand it to the library, which copies all of it the first time."""
    kind = VARIABLES.get(name) or HIDDEN.get(name)
    if kind == "texts":
        entries = ENTRIES if name in HIDDEN else TOTAL_BYTES / ENTRY_BYTES
        return entries * _ENTRY_NS + TOTAL_BYTES * _COPY_NS
    if kind == "values":
        return METADATA_NODES * (_ENTRY_NS + HEAD_BYTES * _COPY_NS)
    return ENTRIES * (_ENTRY_NS + TAG_BYTES * _COPY_NS) if kind == "list" else 0.0


def _cost(node: Node, scope: Mapping[str, Shape]) -> Cost:
    if node.kind == "constant":
        text = len(node.value.encode()) if isinstance(node.value, str) else 0
        return Cost(_STEP_NS / 2, Shape(text, 0, _ONE))
    if node.kind == "name":
        if node.value in scope:
            return Cost(_STEP_NS, scope[node.value])
        shape = _variable(node.value) if node.value in VARIABLES or node.value in HIDDEN else _ONE
        return Cost(_STEP_NS + _LOOKUP_NS + shape.text * _BYTE_NS, shape)
    if node.kind == "loop":
        return _loop(node, scope)
    costs = [_cost(part, scope) for part in node.parts]
    spent = _STEP_NS + sum(cost.ns for cost in costs)
    shapes = [cost.shape for cost in costs]
    if node.kind in ("select", "has"):
        each = shapes[0].each
        return Cost(spent + _LOOKUP_NS + each.text * _BYTE_NS, each)
    if node.kind in ("list", "map"):
        return Cost(spent + 2 * _STEP_NS * len(shapes), Shape(0, len(shapes), _largest(shapes) if shapes else _ONE))
    ns, shape = _call(node, shapes)
    return Cost(spent + ns, shape)


def _loop(node: Node, scope: Mapping[str, Shape]) -> Cost:
    item, result = node.value
    over, start, condition, step, end = node.parts
    walked = _cost(over, scope)
    times, each = max(1.0, walked.shape.entries), walked.shape.item
    begun = _cost(start, scope)
    # What one round makes of the accumulator tells what its entries are.
    inner = {**scope, item: each, result: begun.shape}
    made = _cost(step, inner).shape
    inner[result] = Shape(made.text, times if made.entries else 0, made.inner)
    round_ns = _LOOKUP_NS + each.text * _BYTE_NS + _cost(condition, inner).ns + _cost(step, inner).ns
    ended = _cost(end, inner)
    return Cost(walked.ns + begun.ns + times * round_ns + ended.ns, ended.shape)


def _call(node: Node, shapes: list[Shape]) -> Cost:
    priced = _PRICES.get(node.value)
    if priced:
        return priced(node, shapes)
    # Conversions, dates and the rest read their operands once; what they give is no larger.
    total = sum(shape.text for shape in shapes)
    return Cost(_OTHER_NS + total * _READ_NS, Shape(total, 0, _ONE))


def _choice(node: Node, shapes: list[Shape]) -> Cost:
    return Cost(0, _largest(shapes[1:]))


def _cheap(node: Node, shapes: list[Shape]) -> Cost:
    return Cost(0, _ONE)


def _same(node: Node, shapes: list[Shape]) -> Cost:
    return Cost(0, shapes[0])


def _comparison(node: Node, shapes: list[Shape]) -> Cost:
    left, right = shapes
    return Cost(min(_weight(left), _weight(right)), _ONE)


def _weight(shape: Shape) -> float:
    if shape.entries == 0 and shape.inner is not None:
        return shape.text * _COMPARE_NS
    return shape.weight_ns


def _in(node: Node, shapes: list[Shape]) -> Cost:
    item, within = shapes
    one = 100 + min(item.text, max(within.each.text, within.name)) * _COMPARE_NS
    return Cost(_LOOKUP_NS + within.entries * (one + within.each.text * _BYTE_NS), _ONE)


def _index(node: Node, shapes: list[Shape]) -> Cost:
    each = shapes[0].each
    return Cost(_LOOKUP_NS + each.text * _BYTE_NS, each)


def _contains(node: Node, shapes: list[Shape]) -> Cost:
    text, part = shapes[0].text, shapes[-1].text
    longest = min(part, text / 2)
    return Cost(text * 6 + longest * (text - longest) * 0.02, _ONE)


def _start(node: Node, shapes: list[Shape]) -> Cost:
    return Cost(min(shape.text for shape in shapes) * _COMPARE_NS, _ONE)


def _size(node: Node, shapes: list[Shape]) -> Cost:
    return Cost(shapes[0].text * 1.2, _ONE)


def _plus(node: Node, shapes: list[Shape]) -> Cost:
    left, right = shapes[0], shapes[-1]
    text, entries = left.text + right.text, left.entries + right.entries
    spent = text * _BYTE_NS * 4 + (_BUILD_NS if entries else 0)
    return Cost(spent, Shape(text, entries, _largest([left.each, right.each]) if entries else _ONE))


def _matches(node: Node, shapes: list[Shape]) -> Cost:
    pattern = node.parts[-1]
    if pattern.kind != "constant" or not isinstance(pattern.value, str):
        raise ValueError("the pattern of `matches` must be written out, so that its cost is known")
    try:
        size = size_of(pattern.value)
    except ValueError as error:
        raise ValueError(f"the pattern of `matches` {error}") from None
    seen = min(shapes[0].text, 4 * size.longest + 4) if size.anchored else shapes[0].text
    return Cost(3000 + size.program * (400 + seen * 12), _ONE)


def _largest(shapes: list[Shape]) -> Shape:
    first, *others = shapes
    for other in others:
        inner = None if first.inner is None or other.inner is None else max(first.inner, other.inner, key=_bulk)
        first = Shape(
            max(first.text, other.text), max(first.entries, other.entries), inner, max(first.name, other.name)
        )
    return first


def _bulk(shape: Shape) -> float:
    return shape.weight_ns


_Price = Callable[[Node, list[Shape]], Cost]
_PRICES: Final[Mapping[str, _Price]] = {
    **dict.fromkeys(("_&&_", "_||_", "!_", "-_", "@not_strictly_false"), _cheap),
    **dict.fromkeys(("_-_", "_*_", "_/_", "_%_"), _cheap),
    **dict.fromkeys(("_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_"), _comparison),
    **dict.fromkeys(("startsWith", "endsWith"), _start),
    "_?_:_": _choice,
    "_+_": _plus,
    "_[_]": _index,
    "@in": _in,
    "contains": _contains,
    "dyn": _same,
    "matches": _matches,
    "size": _size,
}
