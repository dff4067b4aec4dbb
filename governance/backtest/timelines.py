"""The lives of the windows that refuse: how full they were under both policies, slice by slice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from governance.backtest.report import Point, Timeline
from governance.backtest.watch import Seen, Watch
from governance.ledger.reservation import Key
from governance.trace import period_text

SLICES = 60


def timelines(active: Watch, candidate: Watch, from_ms: int, to_ms: int, most: int) -> tuple[Timeline, ...]:
    """Of the windows that refuse most under either policy; those that refuse nobody have none."""
    keys = {key for watch in (active, candidate) for key, seen in watch.seen.items() if seen.refused}
    ranked = sorted(keys, key=lambda key: (-_refusals(active, candidate, key), *map(str, key)))
    # Whole seconds, since that is what was noted.
    step_s = max(1, -(-(to_ms - from_ms + 1) // (1000 * SLICES)))
    return tuple(_timeline(active.seen, candidate.seen, key, from_ms // 1000, step_s) for key in ranked[:most])


def _refusals(active: Watch, candidate: Watch, key: Key) -> int:
    return sum(sum(watch.seen[key].refused.values()) for watch in (active, candidate) if key in watch.seen)


def _timeline(
    active: Mapping[Key, Seen], candidate: Mapping[Key, Seen], key: Key, from_s: int, step_s: int
) -> Timeline:
    a, b = active.get(key), candidate.get(key)
    seconds = {second for seen in (a, b) if seen for second in (*seen.fullest, *seen.refused)}
    points = []
    for index in sorted({(second - from_s) // step_s for second in seconds}):
        span = range(from_s + index * step_s, from_s + (index + 1) * step_s)
        points.append(
            Point(
                1000 * span.start,
                _most(a, span),
                a.window.amount if a else None,
                _most(b, span),
                b.window.amount if b else None,
                _sum(a, span),
                _sum(b, span),
            )
        )
    limit, subject, unit, period = key
    return Timeline(limit, subject, unit, period_text(period), tuple(points))


def _most(seen: Seen | None, span: Iterable[int]) -> int | None:
    found = [seen.fullest[second] for second in span if second in seen.fullest] if seen else []
    return max(found, default=None)


def _sum(seen: Seen | None, span: Iterable[int]) -> int:
    return sum(seen.refused.get(second, 0) for second in span) if seen else 0
