"""Tables for people: what other verbs take as an argument is never cut, and in a pipe nothing is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from governance.cli.terminal import shown

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.text import Text

_GAP: Final = "  "
_BETWEEN: Final = " · "
# A column of sentences may be folded down to this many cells, or to its longest word; with less room each row becomes a
# paragraph.
_NARROWEST: Final = 16


class Table:
    """Rows below headings: in a pipe one line each; on a terminal as wide as it is, with sentences folded.

    Args:
        names: headings of what other verbs take as arguments; shown in one piece whatever room there is.
        numbers: headings of what is aligned to the right and shown in one piece.
        folds_names: for a display that is drawn again and again, where no line may be longer than the terminal.
    """

    def __init__(
        self, *headings: str, names: Sequence[str] = (), numbers: Sequence[str] = (), folds_names: bool = False
    ) -> None:
        self._headings = headings
        self._names = frozenset(map(headings.index, names))
        self._numbers = frozenset(map(headings.index, numbers))
        self._folds_names = folds_names
        self._rows: list[list[Text]] = []

    def add(self, *cells: str | Text) -> None:
        """One more row. Text is shown as it is, strings with what would steer the terminal spelled out."""
        from rich.text import Text

        self._rows.append([Text(shown(cell)) if isinstance(cell, str) else cell for cell in cells])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        columns = list(zip(*self._lines(), strict=True))
        widths = [max(cell.cell_len for cell in column) for column in columns]
        unbroken = self._names | self._numbers
        least = [
            width if i in unbroken else min(width, max(_NARROWEST, *map(_longest_word, column)))
            for i, (width, column) in enumerate(zip(widths, columns, strict=True))
        ]
        room = options.max_width - len(_GAP) * (len(widths) - 1)
        if not console.is_terminal or sum(widths) <= room:
            yield from self._straight(widths)
        elif sum(least) <= room:
            yield self._folded()
        else:
            yield from self._paragraphs(options.max_width)

    def _lines(self) -> list[list[Text]]:
        from rich.text import Text

        return [[Text(heading, "bold") for heading in self._headings], *self._rows]

    def _straight(self, widths: Sequence[int]) -> Iterator[Text]:
        from rich.text import Text

        for cells in self._lines():
            line = Text(no_wrap=True, overflow="ignore")
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True)):
                padding = " " * (width - cell.cell_len)
                line.append(_GAP if i else "")
                line.append_text(Text.assemble(padding, cell) if i in self._numbers else Text.assemble(cell, padding))
            line.rstrip()
            yield line

    def _folded(self) -> RenderableType:
        from rich.table import Table as RichTable

        table = RichTable(box=None, pad_edge=False, padding=(0, len(_GAP), 0, 0), header_style="bold")
        for i, heading in enumerate(self._headings):
            unbroken = i in self._names or i in self._numbers
            table.add_column(
                heading, justify="right" if i in self._numbers else "left", no_wrap=unbroken, overflow="fold"
            )
        for cells in self._rows:
            table.add_row(*cells)
        return table

    def _paragraphs(self, width: int) -> Iterator[RenderableType]:
        """Each row as its names on a line of their own, and below them everything else with its heading."""
        from rich.padding import Padding
        from rich.text import Text

        for cells in self._rows:
            names = [cell for i, cell in enumerate(cells) if i in self._names and cell]
            first = Text(_GAP, "bold").join(names) if names else cells[0]
            first.no_wrap, first.overflow = not self._folds_names, "fold" if self._folds_names else "ignore"
            yield first
            rest = [
                Text.assemble((f"{heading} ", "dim"), cell) if heading else cell
                for i, (heading, cell) in enumerate(zip(self._headings, cells, strict=True))
                if cell.plain.strip() and (i not in self._names if names else i)
            ]
            for line in _packed(rest, width - len(_GAP)):
                yield Padding(line, (0, 0, 0, len(_GAP)), expand=False)


def _packed(items: Sequence[Text], width: int) -> Iterator[Text]:
    """As many of them on each line as fit, none of them broken unless it is longer than a line."""
    from rich.text import Text

    line: list[Text] = []
    for item in items:
        joined = Text(_BETWEEN, "dim").join([*line, item])
        if line and joined.cell_len > width:
            yield Text(_BETWEEN, "dim").join(line)
            line = []
        line.append(item)
    if line:
        yield Text(_BETWEEN, "dim").join(line)


def _longest_word(cell: Text) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, cell.plain.split()), default=0)
