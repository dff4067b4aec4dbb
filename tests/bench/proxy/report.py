"""What was measured, as Markdown: shown while it comes, and put into the documentation at the end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[3] / "docs" / "benchmarks.md"
BEGIN: Final = "<!-- measured: python -m tests.bench.proxy --write -->"
END: Final = "<!-- end of what was measured -->"
_BETWEEN: Final = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)


class Report:
    """Its lines in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, *lines: str) -> None:
        """More of it."""
        for line in lines:
            print(line, flush=True)
            self.lines.append(line)

    def table(self, *heads: str) -> None:
        """Begin a table; rows follow."""
        self.say("", row(*heads), row(*["---"] * len(heads)))

    def write(self, page: Path = PAGE) -> None:
        """Put it in the place of what is between the marks of the page.

        Raises:
            ValueError: the page has no such marks.
        """
        text = page.read_text("utf-8")
        measured = "\n".join((BEGIN, "", *self.lines, "", END))
        changed, found = _BETWEEN.subn(lambda _: measured, text)
        if found != 1:
            raise ValueError(f"{page} has {found} places between `{BEGIN}` and `{END}`, and needs one")
        page.write_text(changed, "utf-8")


def row(*cells: str) -> str:
    """One of a table."""
    return f"| {' | '.join(cells)} |"
