"""The syntax tree of a condition, decoded from what the CEL library serialises.

Source: cel/expr/syntax.proto of the CEL specification (messages ParsedExpr, Expr, SourceInfo).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

Kind = Literal["constant", "name", "select", "has", "call", "list", "map", "message", "loop"]

_CONSTANT, _NAME, _SELECT, _CALL, _LIST, _STRUCT, _LOOP = range(3, 10)


class Node(NamedTuple):
    """One node.

    Args:
        at: offset in characters of the place the library names for it; macros leave nodes without a text of their own.
        value: the constant; the name; the field; the function; the names of a loop's item and accumulator.
        parts: operand of a field; target (if any) and arguments of a call; items; keys and values in turn;
            range, start, condition, step and result of a loop.
        member: a call that was written with a target.
    """

    kind: Kind
    at: int
    value: Any
    parts: tuple[Node, ...] = ()
    member: bool = False

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()


def decode(serialized: bytes) -> Node:
    """The tree of a parsed expression."""
    # google.protobuf.Any around cel.expr.ParsedExpr.
    parsed = dict(_fields(dict(_fields(serialized))[2]))
    places = {}
    for number, value in _fields(parsed[3]):
        if number == 4:
            entry = dict(_fields(value))
            places[entry.get(1, 0)] = entry.get(2, 0)
    return _expression(parsed[2], places)


def _expression(message: bytes, places: dict[int, int]) -> Node:
    at, kind, body = 0, 0, b""
    for number, value in _fields(message):
        if number == 2:
            at = places.get(value, 0)
        else:
            kind, body = number, value
    read = _READERS[kind]
    return read(body, at, places)


def _constant(body: bytes, at: int, _: dict[int, int]) -> Node:
    value: Any = None
    for number, raw in _fields(body):
        if number == 2:
            value = bool(raw)
        elif number == 3:
            value = raw - (1 << 64) if raw >= 1 << 63 else raw
        elif number == 5:
            value = struct.unpack("<d", raw)[0]
        elif number == 6:
            value = raw.decode("utf-8")
        else:
            value = None if number == 1 else raw
    return Node("constant", at, value)


def _name(body: bytes, at: int, _: dict[int, int]) -> Node:
    return Node("name", at, dict(_fields(body))[1].decode())


def _select(body: bytes, at: int, places: dict[int, int]) -> Node:
    found = dict(_fields(body))
    operand = _expression(found[1], places)
    return Node("has" if found.get(3) else "select", at, found[2].decode(), (operand,))


def _call(body: bytes, at: int, places: dict[int, int]) -> Node:
    function, member, parts = "", False, []
    for number, value in _fields(body):
        if number == 2:
            function = value.decode()
            continue
        member = member or number == 1
        parts.append(_expression(value, places))
    return Node("call", at, function, tuple(parts), member)


def _list(body: bytes, at: int, places: dict[int, int]) -> Node:
    return Node("list", at, None, tuple(_expression(v, places) for n, v in _fields(body) if n == 1))


def _struct(body: bytes, at: int, places: dict[int, int]) -> Node:
    name, parts = "", []
    for number, value in _fields(body):
        if number == 1:
            name = value.decode()
        elif number == 2:
            parts += [_expression(v, places) for n, v in _fields(value) if n in (3, 4)]
    return Node("message" if name else "map", at, name, tuple(parts))


def _loop(body: bytes, at: int, places: dict[int, int]) -> Node:
    found = dict(_fields(body))
    parts = tuple(_expression(found[number], places) for number in (2, 4, 5, 6, 7))
    return Node("loop", at, (found[1].decode(), found[3].decode()), parts)


_READERS: Final = {
    _CONSTANT: _constant,
    _NAME: _name,
    _SELECT: _select,
    _CALL: _call,
    _LIST: _list,
    _STRUCT: _struct,
    _LOOP: _loop,
}


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Number and raw value of each field of a protobuf message."""
    i = 0
    while i < len(message):
        key, i = _varint(message, i)
        wire = key & 7
        if wire == 0:
            value: Any
            value, i = _varint(message, i)
        elif wire == 2:
            size, i = _varint(message, i)
            value, i = message[i : i + size], i + size
        else:
            size = 8 if wire == 1 else 4
            value, i = message[i : i + size], i + size
        yield key >> 3, value


def _varint(message: bytes, i: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[i]
        i += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, i
