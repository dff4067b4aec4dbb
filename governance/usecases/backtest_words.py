"""What a backtest found, in words: the same for the command, a pull request and a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Final, NamedTuple

from governance.backtest.figures import Figure
from governance.backtest.report import Report, Row, Worst
from governance.usecases.judged import percent

_MICROS: Final = 1_000_000

Say = Callable[[Figure], str]


class FigureRow(NamedTuple):
    """One figure of the whole: how much changes, from what to what, and how that is known."""

    name: str
    change: str
    detail: str
    label: str


def left_out(report: Report) -> Iterator[str]:
    """Why lines were not replayed: `3 not_recorded (headers.x-tier), such as traffic.jsonl:1`."""
    for reason in report.coverage.reasons:
        detail = f" ({reason.detail})" if reason.detail else ""
        example = f", such as {reason.examples[0]}" if reason.examples else ""
        yield f"{reason.lines:,} {reason.code}{detail}{example}"


def figure_rows(report: Report) -> Iterator[FigureRow]:
    """The figures that come first."""
    totals = report.totals
    refused, other, cost, wait = totals.refused, totals.other_target, totals.cost, totals.p95_wait
    details = (_arrow(refused.active, refused.candidate, _count), who_changes(report))
    change = f"{counted(refused.delta)}{share_of(refused.delta, totals.requests)}"
    yield FigureRow("refused", change, "   ".join(filter(None, details)), refused.delta.label)
    moves = [move for move in report.moves if move.active and move.candidate][:1]
    where = f"{moves[0].active} → {moves[0].candidate}" if moves else ""
    change = f"{_count(other)}{share_of(other, totals.requests)}"
    yield FigureRow("other target", change, where, other.label)
    mid = f"mid {dollars(cost.delta.mid or 0, sign=True)}   " if cost.delta.low != cost.delta.high else ""
    arrow = _arrow(cost.active, cost.candidate, lambda figure: money(figure, sign=False))
    yield FigureRow("cost", money(cost.delta), f"{mid}{arrow}", cost.delta.label)
    if wait is not None:
        yield FigureRow(
            "p95 wait", f"{counted(wait.delta)} ms", _arrow(wait.active, wait.candidate, _count), wait.delta.label
        )


def covered(report: Report) -> str:
    """How much of what was recorded the figures speak of, and how far they can be believed."""
    coverage, fidelity = report.coverage, report.fidelity
    if not coverage.lines:
        return "no traffic is recorded of that time"
    share = coverage.replayed * _MICROS // coverage.lines
    when = f", {between(coverage.from_ms, coverage.to_ms)}" if coverage.from_ms is not None else ""
    said = f"coverage {percent(share // 100 * 100)} of {coverage.lines:,} requests{when}"
    if fidelity.ppm is None:
        return f"{said} · fidelity of the active policy unknown: none was recorded under it"
    return f"{said} · fidelity of the active policy {percent(fidelity.ppm // 100 * 100)}"


def between(from_ms: int | None, to_ms: int | None) -> str:
    """`21-27 Nov`, `27 Nov 09:00-17:30`, in UTC."""
    if from_ms is None or to_ms is None:
        return ""
    start, end = (datetime.fromtimestamp(moment / 1000, timezone.utc) for moment in (from_ms, to_ms))
    if start.date() == end.date():
        return f"{start:%-d %b %H:%M}-{end:%H:%M}"
    return f"{start:%-d}-{end:%-d %b}" if start.month == end.month else f"{start:%-d %b}-{end:%-d %b}"


def counted(figure: Figure, *, sign: bool = True) -> str:
    """`+412`, or `+310 … +420` where it is a range."""
    if figure.low is None or figure.high is None:
        return "unknown"
    form = "+,d" if sign else ",d"
    if figure.low == figure.high:
        return f"{figure.low:{form}}" if figure.low else "0"
    return f"{figure.low:{form}} … {figure.high:{form}}"


def money(figure: Figure, *, sign: bool = True) -> str:
    """`+$310.00`, or `+$310.00 … +$420.00`; and how many requests have no price, whose sum nobody knows."""
    if figure.low is None or figure.high is None:
        return "unknown"
    unpriced = f"{figure.unknown:,} unpriced" if figure.unknown else ""
    if unpriced and not figure.low and not figure.high:
        return unpriced
    told = dollars(figure.low, sign=sign)
    told += "" if figure.low == figure.high else f" … {dollars(figure.high, sign=sign)}"
    return f"{told}, {unpriced}" if unpriced else told


def dollars(micros: int, *, sign: bool = False) -> str:
    """Micro-dollars as `$1,234.50`; with more digits where it is less than a dollar."""
    digits = 2 if abs(micros) >= _MICROS or not micros else 6
    before = "-" if micros < 0 else "+" if sign and micros else ""
    return f"{before}${abs(micros) / _MICROS:,.{digits}f}"


def worst_words(worst: Worst) -> str:
    """`worst subject research: 1 in 22 requests refused, first 24 Nov 09:14, longest run 6 min`."""
    first = datetime.fromtimestamp(worst.first_ms / 1000, timezone.utc)
    said = f"worst subject {worst.name}: 1 in {worst.one_in:,} requests newly refused, first {first:%-d %b %H:%M}"
    return said if not worst.longest_run_ms else f"{said}, longest run {_time(worst.longest_run_ms)}"


def who_changes(report: Report) -> str:
    """`3 teams, 14 keys; team research 94%`."""
    teams, keys = ([row for row in rows if _newly(row)] for rows in (report.teams, report.keys))
    counts = [f"{len(rows)} {what}{'s' if len(rows) != 1 else ''}" for rows, what in ((teams, "team"), (keys, "key"))]
    total = report.totals.newly_refused.mid or 0
    if not total or not (teams or keys):
        return ""
    most = max(teams or keys, key=_newly)
    share = _newly(most) * 100 // total
    return f"{', '.join(counts)}; {'team' if teams else 'key'} {most.name} {share}%"


def share_of(figure: Figure, requests: int) -> str:
    """` (0.03%)`, of so many requests; nothing where there is nothing to say."""
    if not requests or figure.mid is None or not figure.mid:
        return ""
    ppm = abs(figure.mid) * _MICROS // requests
    return f" ({percent(ppm if ppm < 1_000 else ppm // 100 * 100)})"


def _arrow(active: Figure, candidate: Figure, say: Say) -> str:
    return f"{say(active)} → {say(candidate)}"


def _count(figure: Figure) -> str:
    return counted(figure, sign=False)


def changes(row: Row) -> bool:
    """Whether anything is otherwise for it."""
    of = row.totals
    figures = (of.newly_refused, of.newly_admitted, of.other_target, of.cost.delta)
    return any(figure.low != 0 or figure.high != 0 for figure in figures)


def _newly(row: Row) -> int:
    return row.totals.newly_refused.mid or 0


def _time(milliseconds: int) -> str:
    seconds = milliseconds // 1000
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 3600 else f"{seconds // 3600} h {seconds % 3600 // 60} min"
