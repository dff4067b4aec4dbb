"""A backtest as a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from governance.cli.plan_markdown import in_cell
from governance.cli.terminal import shown
from governance.usecases.backtest_words import changes, counted, covered, figure_rows, left_out, money, worst_words

if TYPE_CHECKING:
    from governance.backtest.report import Report, Row
    from governance.usecases.judged import Judgement

_MOST_ROWS: Final = 20


def report_markdown(report: Report, judgement: Judgement | None = None, heading: str = "") -> str:
    """The same as on a terminal, for people who read a pull request."""
    return "\n".join(_lines(report, judgement, heading)) + "\n"


def _lines(report: Report, judgement: Judgement | None, heading: str) -> Iterator[str]:
    if heading:
        yield from (f"**{_plain(heading)}**", "")
    if judgement is not None:
        mark = "CAUTION" if not judgement.held else "WARNING" if judgement.why_not else "NOTE"
        yield from (f"> [!{mark}]", f"> {_plain(judgement.words)}", "")
    yield _plain(covered(report))
    if report.fidelity.compared and not report.fidelity.trusted:
        yield from ("", "> [!CAUTION]", "> the active policy does not do what was recorded: believe little below")
    reasons = list(left_out(report))
    if reasons:
        yield from ("", *(f"- not replayable: {_plain(words)}" for words in reasons))
    if not report.coverage.replayed:
        return
    yield from ("", "| | | | known |", "| --- | ---: | --- | --- |")
    for row in figure_rows(report):
        yield f"| {row.name} | {_plain(row.change)} | {_plain(row.detail)} | {row.label} |"
    for worst in report.worst[:1]:
        yield from ("", _plain(worst_words(worst)))
    for what, rows in (
        ("team", report.teams),
        ("key", report.keys),
        ("limit", report.limits),
        ("target", report.targets),
    ):
        yield from _table(what, rows)
    yield from ("", "<details><summary>What is taken to be so</summary>", "")
    yield from (f"- {_plain(each)}" for each in report.assumptions)
    yield from ("", "</details>")


def _table(what: str, rows: Iterable[Row]) -> Iterator[str]:
    changed = [row for row in rows if changes(row)]
    if not changed:
        return
    yield from ("", f"| {what} | requests | newly refused | newly admitted | other target | cost |")
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for row in changed[:_MOST_ROWS]:
        of = row.totals
        figures = (counted(f, sign=False) for f in (of.newly_refused, of.newly_admitted, of.other_target))
        cells = [in_cell(row.name or row.id), f"{of.requests:,}", *figures, _plain(money(of.cost.delta))]
        yield f"| {' | '.join(cells)} |"
    if len(changed) > _MOST_ROWS:
        yield f"| and {len(changed) - _MOST_ROWS} more | | | | | |"


def _plain(text: str) -> str:
    """Text as it is, whatever signs are in it; money is no formula."""
    return re.sub(r"([\\`*_{}\[\]<>|~$])", r"\\\1", shown(text))
