"""Reads the documentation as data: sections, tables, and the names that stand in them as code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

CODE = re.compile(r"`([^`]+)`")
_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CELL = re.compile(r"(?<!\\)\|")


class Row(NamedTuple):
    """One row of a table, by the words of its head."""

    page: str
    head: tuple[str, ...]
    cells: tuple[str, ...]

    @property
    def first(self) -> list[str]:
        """The names that stand as code in the first cell."""
        return CODE.findall(self.cells[0])

    def cell(self, head: str) -> str:
        return self.cells[self.head.index(head)]


def text_of(page: str) -> str:
    """A page by its path in the repository."""
    return (ROOT / page).read_text("utf-8")


def prose(text: str) -> str:
    """Without blocks of code, keeping their place."""
    return _FENCE.sub(lambda block: "\n" * block[0].count("\n"), text)


def headings(text: str) -> list[str]:
    return [found[2] for found in _HEADING.finditer(prose(text))]


def section(page: str, heading: str) -> str:
    """What stands below a heading, down to the next one of its level or above."""
    text = text_of(page)
    bare = prose(text)
    lines, kept, level = bare.split("\n"), [], 0
    for number, line in enumerate(lines):
        found = _HEADING.match(line)
        if found and level and len(found[1]) <= level:
            break
        if found and not level and found[2] == heading:
            level = len(found[1])
        if level:
            kept.append(text.split("\n")[number])
    assert kept, f"{page} has no heading `{heading}`"
    return "\n".join(kept)


def rows(text: str, page: str, first: str | None = None) -> Iterator[Row]:
    """The rows of all tables, or of those whose head begins with this word."""
    head: tuple[str, ...] | None = None
    for line in prose(text).split("\n"):
        if not line.startswith("|"):
            head = None
            continue
        cells = tuple(cell.strip().replace("\\|", "|") for cell in _CELL.split(line)[1:-1])
        if head is None:
            head = cells
        elif not set("".join(cells)) <= set("-: ") and (first is None or head[0].split(" ")[0] == first):
            yield Row(page, head, cells)


def same(documented: set[str], there: set[str], page: str) -> None:
    """Everything that is there is documented, and nothing else is."""
    assert there - documented == set(), f"{page} does not say: {', '.join(sorted(there - documented))}"
    assert documented - there == set(), f"{page} names what is not there: {', '.join(sorted(documented - there))}"
