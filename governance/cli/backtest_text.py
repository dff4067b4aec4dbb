"""A backtest for people on a terminal: 80 columns, the figures first, each with how it is known."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from rich.text import Text

from governance.cli.terminal import shown
from governance.usecases.backtest_words import changes, counted, covered, figure_rows, left_out, money, worst_words

if TYPE_CHECKING:
    from governance.backtest.report import Report, Row
    from governance.usecases.judged import Judgement

WIDTH: Final = 80
MOST_ROWS: Final = 10
_LABEL: Final = 10


def report_lines(report: Report, judgement: Judgement | None = None, heading: str = "") -> Iterator[Text]:
    """A report, line by line; none is longer than 80 columns unless a word of it is.

    Args:
        heading: what changes.
        judgement: of the figures, where somebody has said what a change may do.
    """
    if heading:
        yield from folded(shown(heading), style="bold")
    yield from folded(covered(report))
    yield from _warnings(report)
    if report.coverage.replayed:
        for row in figure_rows(report):
            yield from _row(*row)
        for worst in report.worst[:1]:
            yield from folded(shown(worst_words(worst)))
        yield from _table("team", report.teams)
        yield from _table("limit", report.limits)
        yield from _table("target", report.targets, refusals=False)
    for each in report.assumptions if report.coverage.replayed else ():
        yield from folded(f"assumed: {each}", style="dim")
    if judgement is not None:
        yield from folded(judgement.words, style="green" if judgement.held and not judgement.why_not else "bold red")
        for remark in judgement.remarks:
            yield from folded(f"mind: {remark}", style="yellow")


def folded(text: str, indent: int = 0, style: str = "") -> Sequence[Text]:
    """Lines of at most 80 columns."""
    margin = " " * indent
    lines = textwrap.wrap(text, WIDTH, initial_indent=margin, subsequent_indent=f"{margin}  ", break_on_hyphens=False)
    return [Text(line, style) for line in lines]


def _warnings(report: Report) -> Iterator[Text]:
    fidelity, coverage = report.fidelity, report.coverage
    if fidelity.compared and not fidelity.trusted:
        yield from folded("! the active policy does not do what was recorded: believe little below", style="bold red")
        for reason in fidelity.differences[:MOST_ROWS]:
            yield from folded(shown(f"{reason.lines:,} differ in {reason.code} {reason.detail}"), 2, "red")
    for words in islice(left_out(report), MOST_ROWS):
        yield from folded(shown(f"not replayable: {words}"), 2, "yellow")
    for remark in coverage.remarks:
        yield from folded(shown(f"mind: {remark}"), 2, "yellow")


def _row(name: str, change: str, detail: str, label: str) -> Iterator[Text]:
    head = f"{name:<13}{change}"
    room = WIDTH - _LABEL - 2
    line = f"{head:<32}  {detail}" if detail else head
    if len(line) <= room:
        yield Text.assemble(f"{line:<{room}}  ", (f"{label:>{_LABEL}}", "dim"))
        return
    yield Text.assemble(f"{head:<{room}}  ", (f"{label:>{_LABEL}}", "dim"))
    yield from folded(shown(detail), 13)


def _table(what: str, rows: Iterable[Row], *, refusals: bool = True) -> Iterator[Text]:
    changed = [row for row in rows if changes(row)]
    if not changed:
        return
    yield Text(f"by {what:<31}{'newly refused' if refusals else 'under either':>15}{'cost':>30}", "bold")
    for row in changed[:MOST_ROWS]:
        of = row.totals
        first = counted(of.newly_refused, sign=False) if refusals else f"{of.requests:,}"
        name = shown(row.name or row.id)
        name = name if len(name) <= 32 else f"{name[:31]}…"
        yield Text(f"  {name:<32}{first:>15}{money(of.cost.delta):>30}")
    if len(changed) > MOST_ROWS:
        yield Text(f"  and {len(changed) - MOST_ROWS} more", "dim")
