"""What a new policy makes of limits that are counting: which of them begin anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from governance.limits.limit import Limit
from governance.model import Unit
from governance.model.turns import in_turns
from governance.trace import period_text

_LOST: Final = "what was counted does not go over"
_CLAIMS: Final = {False: "within each caller's team or key", True: "for all callers together"}

Periods = set[int | str | None]


def begins_anew(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """One line for each unit of a limit that has another window than before.

    A count is kept by limit, subject, unit and period. So it ends with another length of the period, with a change
    between rolling and calendar, and where what callers claim is shared from now on or no longer is.

    Args:
        before, after: sections of the two policies, by name.
    """
    limits = {limit.name: limit for limit in in_turns(_limits(before)) if limit.enabled}
    for limit in in_turns(_limits(after)):
        earlier = limits.get(limit.name)
        if earlier and limit.enabled and earlier.subject == limit.subject and earlier.shared != limit.shared:
            was, now = _CLAIMS[earlier.shared], _CLAIMS[limit.shared]
            yield f"limit {limit.name}: counting begins anew: it was {was} and is {now}; {_LOST}"
            continue
        known = _periods(earlier) if earlier else {}
        for unit, periods in _periods(limit).items() if known else ():
            old = known.get(unit, set())
            new = periods - old
            if old and new:
                was = f"it was {_spoken(old)} and is {_spoken(periods)}"
                yield f"limit {limit.name}: counting {unit} begins anew: {was}; {_LOST}"


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
