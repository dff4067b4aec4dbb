"""A condition, compiled: text in, `Expression` out, or one line that says what is wrong and where."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from governance.expressions.adapt import edited, edits, original
from governance.expressions.cost import MOST_NS, TEST_NS, cost_ns
from governance.expressions.facts import Facts, Reads, environment
from governance.expressions.literals import Key, equalities, looked_up
from governance.expressions.needed import Needed, needed
from governance.expressions.quick import Test, plain_tests
from governance.expressions.tree import Node, decode
from governance.expressions.variables import FUNCTIONS, HIDDEN, VARIABLES, plain

MOST_CHARACTERS: Final = 8 * 1024
MOST_NODES: Final = 4_000

_ERROR: Final = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_UNDECLARED: Final = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD: Final = re.compile(r"found no matching overload for '([^']*)' applied to '(.*)'")
_OPERATOR: Final = re.compile(r"[_@]?([^_]+)_?")


class Expression:
    """A condition that can be evaluated for any request in bounded time.

    Args:
        variables: the names it refers to.
        reads: what `Facts` has to provide for `evaluate`.
        equalities: what a request must have for it to match at all: the allowed values by what they are compared with,
            such as `("model",)` or `("headers", "x-tier")`.
        needed: sets of which a request must have one member each for it to match at all.
        cost_ns: the longest that `matches` can take, in nanoseconds; see `cost`.
    """

    __slots__ = ("_decided", "_program", "_tests", "cost_ns", "equalities", "needed", "reads", "text", "variables")

    def __init__(
        self,
        text: str,
        program: Any,
        reads: Reads,
        required: Mapping[Key, frozenset[str]],
        tests: tuple[Test, ...],
        decided: bool,
        needed: tuple[frozenset[Needed], ...] = (),
        cost_ns: float = 0.0,
    ) -> None:
        self.text = text
        self._program = program
        self.reads = reads
        self.variables: frozenset[str] = frozenset(map(plain, reads.names))
        self.equalities = required
        self._tests = tests
        self._decided = decided
        self.needed = needed
        self.cost_ns = (len(tests) + len(required)) * TEST_NS if decided else cost_ns

    @property
    def constant(self) -> bool:
        """Whether it answers the same for every request."""
        return not self.variables

    @property
    def needs(self) -> Reads:
        """What `Facts` has to provide for `matches`."""
        return Reads() if self._decided else self.reads

    def matches(self, facts: Facts) -> bool:
        """Whether it is true: what `evaluate` says, in a fraction of the time for what most conditions are made of."""
        for key, allowed in self.equalities.items():
            if facts.text(key) not in allowed:
                return False
        for test in self._tests:
            if not test(facts):
                return False
        return self._decided or self.evaluate(facts) is True

    def evaluate(self, facts: Facts) -> bool | None:
        """True or False; None = no match, because something it needs is missing or of another type."""
        if self._program is None:
            return True
        try:
            value = self._program.eval(facts.activation).value()
        except RuntimeError:  # the library's own bounds
            return None
        return value if value is True or value is False else None

    def __reduce__(self) -> tuple[Callable[[str], Expression], tuple[str]]:
        # The library's program is of this process.
        return compile_condition, (self.text,)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


ALWAYS: Final = Expression("", None, Reads(), {}, (), True)


# Teams share conditions, and a policy that is loaded anew has mostly the same ones.
@lru_cache(maxsize=4096)
def compile_condition(text: str) -> Expression:
    """Compile one condition; an empty one always matches.

    Raises:
        ValueError: it is no CEL, names what is not there, compares what does not compare, gives no truth value, or
            could hold the proxy for too long.
    """
    if not text.strip():
        return ALWAYS
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"must be at most {MOST_CHARACTERS:,} characters long, not {len(text):,}")
    tree = _parsed(text)
    _check_names(tree, text)
    changes = edits(tree, text)
    meant = edited(text, changes)
    if changes:
        tree = _parsed(meant)
    try:
        program = environment().compile(meant)
    except RuntimeError as error:
        raise ValueError(_explained(str(error), text, lambda offset: original(offset, changes), meant)) from None
    kind = program.return_type().name()
    if kind != "BOOL":
        hint = "compare it with something" if tree.kind == "name" else "compare it, such as with `== …`"
        raise ValueError(f"must be true or false for a request, and this is {_TYPES.get(kind, kind.lower())}; {hint}")
    _check_literals(tree)
    spent = cost_ns(tree)
    if spent > MOST_NS:
        raise ValueError(
            f"could hold the proxy for about {spent / 1e6:.1f} ms (at most {MOST_NS / 1e6:g} ms is allowed); "
            "nest fewer loops, or look at shorter texts with simpler patterns"
        )
    # The library plans a program when it is evaluated for the first time, which takes longer than evaluating it.
    program.eval(environment().Activation({}))
    reads = Reads(_names(tree), looked_up(tree))
    return Expression(text, program, reads, equalities(tree), *plain_tests(tree), needed(tree), spent)


def _validated(value: Any) -> Any:
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool):
        # YAML reads `true` as a truth value, and that is what is meant.
        value = "true" if value else "false"
    if not isinstance(value, str):
        raise ValueError("must be text: a condition in CEL")
    return compile_condition(value)


Condition = Annotated[
    Expression,
    BeforeValidator(_validated),
    PlainSerializer(lambda expression: expression.text, return_type=str),
    WithJsonSchema({"type": "string", "description": "a condition in CEL; empty = always", "writeOnly": True}),
]


# --- what a condition may not be -----------------------------------------------------------------------------------

_TOO_DEEP: Final = "is nested deeper than 32 levels"
_TYPE_NAMES: Final = frozenset({"int", "uint", "double", "string", "bool", "bytes", "list", "map", "null_type", "type"})
_TYPES: Final = {"STRING": "a text", "INT": "a number", "DOUBLE": "a number", "DYN": "a value of any type"}


def _parsed(text: str) -> Node:
    try:
        tree = decode(environment().compile(text, disable_check=True).serialize())
    except RuntimeError as error:
        raise ValueError(_explained(str(error), text, lambda offset: offset, text)) from None
    if sum(1 for _ in tree.walk()) > MOST_NODES:
        raise ValueError(f"has more than {MOST_NODES:,} parts")
    return tree


def _names(tree: Node, bound: frozenset[str] = frozenset()) -> frozenset[str]:
    if tree.kind == "name":
        return frozenset() if tree.value in bound or tree.value.startswith("@") else frozenset({tree.value})
    if tree.kind == "loop":
        over, *rest = tree.parts
        inside = bound | set(tree.value)
        return _names(over, bound).union(*(_names(part, inside) for part in rest))
    return frozenset().union(*(_names(part, bound) for part in tree.parts))


def _check_names(tree: Node, text: str) -> None:
    for node in tree.walk():
        if node.kind == "name" and node.value in HIDDEN:
            raise ValueError(_unknown(node.value, node.at, text, text))
        if (node.kind == "call" and node.value == "type") or (node.kind == "name" and node.value in _TYPE_NAMES):
            # They pass the check, and fail for every request: the values have no types of CEL's.
            raise ValueError(f"`{node.value}` at {_place(node.at, text)}: types of values are not part of a policy")
        if node.kind == "message":
            raise ValueError(f"`{node.value}{{…}}` at {_place(node.at, text)}: messages are not part of a policy")


def _check_literals(tree: Node) -> None:
    """Evaluate what only depends on what is written, so that it fails now and not for each request."""
    for node in tree.walk():
        last = node.parts[-1] if node.parts else node
        literal = last.kind == "constant" and isinstance(last.value, str)
        if node.kind != "call":
            continue
        if node.value == "matches":
            if literal:
                _try(f'"".matches({_quoted(last.value)})', "the pattern of `matches`")
        elif node.value in ("timestamp", "duration") and literal:
            _try(f"{node.value}({_quoted(last.value)}) == {node.value}({_quoted(last.value)})", f"`{node.value}`")
        elif node.value.startswith("get") and len(node.parts) == 2:
            if not literal:
                raise ValueError(f'the time zone of `{node.value}` must be written out, such as "Europe/Berlin"')
            _try(f"timestamp(0).{node.value}({_quoted(last.value)}) > -1", f"the time zone of `{node.value}`")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _try(text: str, what: str) -> None:
    value = environment().compile(text).eval(environment().Activation({}))
    if value.type().name() == "ERROR":
        reason = re.sub(r"^[A-Z_]+: ", "", str(value.value()))
        raise ValueError(f"{what} is not valid: {reason}")


# --- errors --------------------------------------------------------------------------------------------------------


def _explained(message: str, text: str, to_original: Any, seen: str) -> str:
    """The library's errors, in our words and with the columns of the text as it was written."""
    lines = seen.splitlines(keepends=True)
    told: dict[str, None] = {}
    for line, column, reason in _ERROR.findall(message):
        if "<<nil>>" in reason:
            continue
        at = -1
        if int(line) > 0:
            at = to_original(sum(map(len, lines[: int(line) - 1])) + int(column) - 1)
        told[_reason(reason, at, text, seen)] = None
        if len(told) == 3:
            break
    return "; ".join(told) or (_TOO_DEEP if "recursion" in message else message.split(" [", 1)[0])


def _reason(reason: str, at: int, text: str, seen: str) -> str:
    undeclared, overload = _UNDECLARED.search(reason), _OVERLOAD.search(reason)
    if undeclared:
        return _unknown(undeclared[1], at, text, seen)
    if overload:
        operator = _OPERATOR.fullmatch(overload[1])
        name = operator[1] if operator else overload[1]
        numbers = re.fullmatch(r"\((?:int|double|, )+\)", overload[2])
        hint = "; put `double(…)` around the whole number" if numbers else ""
        return f"`{name}` does not go with {overload[2]} at {_place(at, text)}{hint}"
    if "recursion" in reason:
        return _TOO_DEEP
    reason = re.sub(r" expecting \{.*", "", reason.replace("Syntax error: ", "")).rstrip(".")
    if reason == "mismatched input '<EOF>'":
        return f"ends too early, at {_place(at, text)}"
    reason = reason.replace("'<EOF>'", "the end").replace("<EOF>", "the end")
    return f"{reason} at {_place(at, text)}" if at >= 0 else reason


def _unknown(name: str, at: int, text: str, seen: str) -> str:
    if text[at : at + 1] == "(" or re.match(r"\s*\(", text[at + len(name) :]):
        return f"unknown function `{name}` at {_place(at, text)}; known: {', '.join(FUNCTIONS)}"
    return f"unknown name `{name}` at {_place(at, text)}; known: {', '.join(VARIABLES)}"


def _place(at: int, text: str) -> str:
    before = text[:at]
    column = at - (before.rfind("\n") + 1) + 1
    line = before.count("\n") + 1
    return f"column {column}" if line == 1 else f"line {line}, column {column}"
