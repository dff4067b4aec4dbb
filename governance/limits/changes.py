"""What a new policy makes of limits that are counting: which of them begin anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from governance.limits.limit import Limit
from governance.model import Unit
from governance.trace import period_text

Periods = set[int | str | None]


def begins_anew(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """One line for each unit of a limit that has another window than before.

    A count is kept by limit, subject, unit and period. So it ends with another length of the period, and with a change
    between rolling and calendar.

    Args:
        before, after: sections of the two policies, by name.
    """
    known = {limit.name: _periods(limit) for limit in _limits(before)}
    for limit in _limits(after):
        for unit, periods in _periods(limit).items():
            old = known.get(limit.name, {}).get(unit, set())
            new = periods - old
            if old and new:
                was = f"it was {_spoken(old)} and is {_spoken(periods)}"
                yield f"limit {limit.name}: counting {unit} begins anew: {was}; what was counted does not go over"


def _limits(sections: Mapping[str, Any]) -> Iterator[Limit]:
    for section in sections.values():
        listed = getattr(section, "root", ())
        yield from (each for each in listed if isinstance(each, Limit)) if isinstance(listed, (list, tuple)) else ()


def _periods(limit: Limit) -> dict[Unit, Periods]:
    periods: dict[Unit, Periods] = {}
    for window in limit.windows_of("") if limit.enabled else ():
        periods.setdefault(window.unit, set()).add(window.period)
    return periods


def _spoken(periods: Iterable[int | str | None]) -> str:
    return ", ".join(sorted(f"per {period_text(p)}{' (rolling)' if isinstance(p, int) else ''}" for p in periods))
