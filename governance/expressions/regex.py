"""How much work a regular expression can be, worked out from its text.

RE2 never backtracks, but it simulates every instruction of the pattern's program at every byte of the text in the worst
case, and repeats multiply instructions: `((a?){30}){30}` holds a CPU for 160 ms on 8 KB. So the size of the program is
bounded when a policy is loaded. What RE2 has beyond the usual (`\\p{…}`, `\\C`, `\\Q…\\E`) is refused.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_ENDLESS: Final = 1_000_000
_MOST_REPEATS: Final = 1000
# Instructions for any character of UTF-8, and for a class that leaves some out.
_ANY: Final = 12
_REPEAT: Final = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_GROUP: Final = re.compile(r"\?(?:P?<[A-Za-z_]\w*>|([imsU]*)(?:-[imsU]+)?(:|\)))")
_CLASS_NAME: Final = re.compile(r"\[:\^?[a-z]+:\]")
_SETS: Final = {"d": 1, "w": 4, "s": 4, "D": _ANY, "W": _ANY + 4, "S": _ANY + 4}
_NO_WIDTH: Final = frozenset("bBAz")


class Size(NamedTuple):
    """What a (part of a) pattern comes to.

    Args:
        program: instructions.
        longest: characters that it can match at most.
        anchored: it matches at the beginning of the text only, so that it looks at no more than `longest`.
    """

    program: int = 0
    longest: int = 0
    anchored: bool = False


def size_of(pattern: str) -> Size:
    """The size of a pattern. Raises ValueError for what is not supported here; RE2 itself judges the syntax."""
    reader = _Reader(pattern)
    size = reader.alternatives()
    if reader.i < len(pattern):
        raise ValueError("has a `)` without its `(`")
    return size


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.i = 0
        self.fold = False
        self.depth = 0

    def alternatives(self) -> Size:
        branches = [self.sequence()]
        while self.peek() == "|":
            self.i += 1
            branches.append(self.sequence())
        return Size(
            sum(branch.program + 1 for branch in branches),
            max(branch.longest for branch in branches),
            all(branch.anchored for branch in branches),
        )

    def sequence(self) -> Size:
        program = longest = 0
        anchored = False
        while self.peek() not in ("", "|", ")"):
            part = self.repeated()
            anchored = anchored or (longest == 0 and part.anchored)
            program, longest = program + part.program, min(_ENDLESS, longest + part.longest)
        return Size(program, longest, anchored)

    def repeated(self) -> Size:
        size = self.one()
        while self.peek() in ("*", "+", "?", "{"):
            low, high = self.times()
            if high == 1 and low is None:
                break
            times = max(1, low or 0) if high is None else max(1, high)
            longest = _ENDLESS if high is None and size.longest else min(_ENDLESS, size.longest * (high or 0))
            size = Size((size.program + 1) * times + 1, longest, size.anchored and bool(low))
            if self.peek() == "?":
                self.i += 1
        return size

    def times(self) -> tuple[int | None, int | None]:
        mark = self.peek()
        if mark == "{":
            found = _REPEAT.match(self.pattern, self.i)
            if not found:
                # RE2 takes a brace that is no repeat for itself; `one` has to be told.
                return None, 1
            self.i = found.end()
            low = int(found[1])
            high = low if not found[2] else int(found[3]) if found[3] else None
            if max(low, high or 0) > _MOST_REPEATS:
                raise ValueError(f"repeats more than {_MOST_REPEATS} times")
            return low, high
        self.i += 1
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[mark]

    def one(self) -> Size:
        mark = self.peek()
        self.i += 1
        if mark == "(":
            return self.group()
        if mark == "[":
            return self.class_()
        if mark == ".":
            return Size(_ANY, 1)
        if mark in ("^", "$"):
            return Size(1, 0, mark == "^")
        if mark == "\\":
            return self.escape()
        return self.literal(mark)

    def literal(self, character: str) -> Size:
        # Only k and s have a third case outside ASCII; of what is outside, any letter may have.
        folds = self.fold and (character in "kKsS" or not character.isascii())
        return Size(len(character.encode()) * (3 if folds else 1), 1)

    def escape(self) -> Size:
        mark = self.peek()
        self.i += 1
        if mark in _SETS:
            return Size(_SETS[mark], 1)
        if mark == "x":
            return Size(_ANY, 1)
        if mark in _NO_WIDTH:
            return Size(1, 0, mark == "A")
        if mark == "" or mark in "pPCQEK" or mark.isdigit():
            raise ValueError(f"`\\{mark}` is not supported in rules")
        return self.literal(mark)

    def group(self) -> Size:
        fold = self.fold
        if self.peek() == "?":
            found = _GROUP.match(self.pattern, self.i)
            if not found:
                raise ValueError("look-around is not part of RE2")
            self.i = found.end()
            flags = found[1] or ""
            if "m" in flags:
                raise ValueError("the flag `m` is not supported in rules")
            self.fold = self.fold or "i" in flags
            if found[2] == ")":
                return Size()
        self.depth += 1
        if self.depth > 20:
            raise ValueError("is nested deeper than 20 groups")
        inside = self.alternatives()
        if self.peek() != ")":
            raise ValueError("has a `(` without its `)`")
        self.i += 1
        self.depth -= 1
        self.fold = fold
        return Size(inside.program + 2, inside.longest, inside.anchored)

    def class_(self) -> Size:
        negated = self.peek() == "^"
        self.i += negated
        program, first = _ANY if negated else 0, True
        while first or self.peek() != "]":
            first = False
            if self.peek() == "":
                raise ValueError("has a `[` without its `]`")
            named = _CLASS_NAME.match(self.pattern, self.i)
            if named:
                self.i = named.end()
                program += 6
                continue
            mark = self.peek()
            self.i += 1
            part = self.escape() if mark == "\\" else self.literal(mark)
            # A range from or to a character outside ASCII can be any part of UTF-8.
            program += part.program if mark.isascii() else _ANY
        self.i += 1
        return Size(max(1, program), 1)

    def peek(self) -> str:
        return self.pattern[self.i : self.i + 1]
