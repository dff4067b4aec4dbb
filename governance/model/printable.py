"""Text of callers, as it may stand in a line that people read in a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """The same with every line break, escape code and invisible mark written out, as in `\\n` and `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
