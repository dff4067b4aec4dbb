"""One subject of a backtest, and one request as all three lanes had it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from rich.text import Text

from governance.cli.backtest_text import folded
from governance.cli.terminal import shown
from governance.model.errors import GovernanceError
from governance.usecases.backtest_words import counted, dollars, money

if TYPE_CHECKING:
    from governance.backtest.changed import Changed, LaneTrace
    from governance.backtest.report import Point, Report, Row, Timeline

_MOST_POINTS: Final = 40
_MOST_REQUESTS: Final = 20


class NothingOf(GovernanceError):
    """The report says nothing of what was asked for."""


def subject_lines(report: Report, subject: str) -> Iterator[Text]:
    """What becomes of one subject: its figures, how full its windows were under both policies, its requests.

    Raises NothingOf.
    """
    kind, _, id_ = subject.partition(":")
    rows = {"team": report.teams, "virtual_key": report.keys, "key": report.keys}.get(kind, ())
    row = next((each for each in rows if id_ in (each.id, each.name, each.id.partition(":")[2])), None)
    spelled = f"virtual_key:{id_}" if kind == "key" else subject
    timelines = [each for each in report.timelines if spelled in each.subject.split(" && ")]
    requests = [each for each in report.changed if id_ in ((each.team,) if kind == "team" else (each.key,))]
    if row is None and not timelines:
        raise NothingOf(f"nothing is known of {subject}: write team:ID, key:ID or a subject as limits count it")
    if row is not None:
        yield from _row(row)
    for timeline in timelines:
        yield from _timeline(timeline)
    for each in requests[:_MOST_REQUESTS]:
        yield from folded(shown(f"{_at(each.at_ms)}  {each.kind}  {each.model}  --request {each.id}"), 2)


def request_lines(changed: Changed) -> Iterator[Text]:
    """One request as it was recorded, and as both policies decide it."""
    who = ", ".join(filter(None, (f"team {changed.team}" if changed.team else "", f"key {changed.key}")))
    yield from folded(shown(f"request {changed.id}, {_at(changed.at_ms)}: {changed.kind}"), style="bold")
    yield from folded(shown(f"{who} asked for {changed.model}"))
    for name in ("recorded", "active", "candidate"):
        yield from _lane(name, getattr(changed, name))


def request_of(report: Report, id: str) -> Changed:
    """A request that changes, by its id. Raises NothingOf."""
    found = next((each for each in report.changed if each.id == id), None)
    if found is None:
        raise NothingOf(f"request {id} is not among those of which the candidate makes something else")
    return found


def _row(row: Row) -> Iterator[Text]:
    of = row.totals
    yield Text(shown(row.name or row.id), "bold")
    refused = f"{counted(of.refused.active, sign=False)} → {counted(of.refused.candidate, sign=False)}"
    yield from folded(f"{of.requests:,} requests; refused {refused}; cost {money(of.cost.delta)}", 2)
    yield from folded(f"newly refused {counted(of.newly_refused, sign=False)} ({of.newly_refused.label})", 2)


def _timeline(timeline: Timeline) -> Iterator[Text]:
    yield from folded(
        shown(f"limit {timeline.limit}, {timeline.subject}, {timeline.unit}/{timeline.period}"), 2, "bold"
    )
    points = [point for point in timeline.points if point.refused_active or point.refused_candidate] or timeline.points
    for point in points[:_MOST_POINTS]:
        yield Text(
            f"    {_at(point.at_ms)}  {_used(point, 'active'):>22}  {_used(point, 'candidate'):>22}"
            f"  refused {point.refused_active} → {point.refused_candidate}"
        )
    if len(points) > _MOST_POINTS:
        yield Text(f"    and {len(points) - _MOST_POINTS} more", "dim")


def _used(point: Point, of: str) -> str:
    used, limit = getattr(point, f"used_{of}"), getattr(point, f"limit_{of}")
    return "-" if used is None or limit is None else f"{used:,}/{limit:,}"


def _lane(name: str, lane: LaneTrace) -> Iterator[Text]:
    said = f"{lane.outcome}"
    if lane.outcome == "refuse":
        said += f" {lane.code or ''}" + (f" by limit {lane.limit}" if lane.limit else "")
    elif lane.target:
        said += f" to {lane.target}"
    by = ", ".join(f"{what} {of}" for what, of in (("rule", lane.rule), ("profile", lane.profile)) if of)
    cost = "unknown" if lane.cost.mid is None else dollars(lane.cost.mid)
    yield from folded(shown(f"{name:<10}{said}{f' ({by})' if by else ''}; {cost} {lane.cost.label}"), 2)
    for target, outcome, kind, took_ms in lane.hops:
        yield from folded(shown(f"{target} {outcome} {kind} {took_ms} ms"), 14)
    for limit, subject, unit, used, most in lane.windows:
        yield from folded(shown(f"full: {limit} of {subject}, {used:,} of {most:,} {unit}"), 14)


def _at(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, timezone.utc):%-d %b %H:%M:%S}"
