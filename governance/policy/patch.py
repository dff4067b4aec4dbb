"""The difference of two texts as a unified patch, which `git apply` and `patch` take."""

from __future__ import annotations

from difflib import unified_diff

_NO_END = "\\ No newline at end of file\n"


def patch(before: str, after: str, name: str) -> str:
    """What makes `after` of `before`; "" where they are one text. A path with blanks or the like is not quoted."""
    lines = unified_diff(_lines(before), _lines(after), f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n{_NO_END}" for line in lines)


def _lines(text: str) -> list[str]:
    # Of the characters that end a line for Python, a patch knows this one.
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop().removesuffix("\n")
    return [*lines, last] if last else lines
