"""What a change of a limit does to callers.

Said of one request at a time, with what its windows have counted: what is said to tighten admits nothing that was
refused, and what is said to loosen refuses nothing that was admitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, get_args

from governance.limits.limit import Limit, RouteTo
from governance.limits.subjects import EACH, SERVED_KINDS, Part, Subject, written
from governance.model.amounts import parse_period_s
from governance.model.changes import Effect, Reach, SectionChange, ranked
from governance.model.labels import requires
from governance.model.limits import Window
from governance.model.units import Unit

Away = Literal["refuse", "allow", "share"] | None

_COSMETIC: Final = ("description", "alert_at")
_UNITS: Final = get_args(Unit)
# What the ledger's own word is, when a limit says nothing, stands between both.
_AWAY: Final[dict[Away, int]] = {"refuse": 0, "share": 1, None: 2, "allow": 3}
# A count is kept by the name, the subject, the unit and the period of a limit.
_Amounts = Mapping[tuple[str, int | str | None], tuple[int, str]]


def limit_effects(change: SectionChange) -> set[Effect]:
    """The effects of a change in a list of limits, each of which is a `Limit`."""
    if change.kind == "moved":
        return {"cosmetic"}
    before, after = _in_force(change.before), _in_force(change.after)
    if change.kind == "renamed" or change.field == "name":
        return {"restarts_count"} if _counts(change.before) or _counts(change.after) else {"cosmetic"}
    found = _of_field(change, before, after) if before and after else _of_entry(change, before, after)
    if any(limit and isinstance(limit.on_exceeded, RouteTo) for limit in (before, after)):
        # Where it is used up, another model serves.
        found |= {"reroutes"} if found & {"tightens", "loosens"} else set()
    return found


def limit_reach(change: SectionChange) -> Reach:
    """Whom an entry of a list of limits counts, or did."""
    limits = [limit for limit in (change.before, change.after) if isinstance(limit, Limit)]
    subjects = [limit.subject for limit in limits]
    everybody = not all(subject.caller or subject.served for subject in subjects)
    return Reach(() if everybody else tuple(dict.fromkeys(map(written, subjects))))


def rate_effects(before: _Amounts, after: _Amounts) -> set[Effect]:
    """The effects of other amounts and periods.

    Args:
        before, after: by unit and period, the amount and the time zone.
    """
    found: set[Effect] = set()
    for unit in {unit for unit, _ in (*before, *after)}:
        old = {period: amount for (of, period), amount in before.items() if of == unit}
        new = {period: amount for (of, period), amount in after.items() if of == unit}
        found |= _of_unit(old, new)
    return found or {"cosmetic"}


def away_effects(before: Away, after: Away) -> set[Effect]:
    """The effect of another `on_unavailable`."""
    return ranked(_AWAY[before], _AWAY[after], "loosens", "tightens")


def _in_force(limit: Any) -> Limit | None:
    return limit if isinstance(limit, Limit) and limit.enabled and limit.mode == "enforce" else None


def _counts(limit: Any) -> bool:
    return isinstance(limit, Limit) and limit.enabled


def _of_entry(change: SectionChange, before: Limit | None, after: Limit | None) -> set[Effect]:
    if before is None and after is None:
        return {"cosmetic"}
    required = requires(before.require if before else {}, after.require if after else {}) - {"cosmetic"}
    if after is None:
        return {"loosens", *required}
    # Under another name, or with other fields as well, what its predecessor has counted is not known to it.
    added = change.kind == "added"
    alike = {limit.name for limit in _limits(change.old) if limit.subject == after.subject} if added else set()
    anew = alike and alike - {limit.name for limit in _limits(change.new)}
    return {"tightens", "restarts_count", *required} if anew else {"tightens", *required}


def _of_field(change: SectionChange, before: Limit, after: Limit) -> set[Effect]:
    field = change.field
    if field in _COSMETIC:
        return {"cosmetic"}
    if field == "require":
        return requires(before.require, after.require)
    if field == "subject":
        return {"restarts_count", *_of_subject(before.subject, after.subject)}
    if field == "shared":
        return {"restarts_count", "tightens" if after.shared else "loosens"}
    if field == "match":
        return narrowed(before.match.text, after.match.text)
    if field == "on_unavailable":
        return away_effects(before.on_unavailable, after.on_unavailable)
    if field == "on_exceeded":
        routes = isinstance(before.on_exceeded, RouteTo), isinstance(after.on_exceeded, RouteTo)
        return {"reroutes"} if all(routes) else {"reroutes", "loosens" if routes[1] else "tightens"}
    old, new = (_amounts(limit.windows_of(""), field) for limit in (before, after))
    return {"reroutes"} if old == new else rate_effects(old, new)


def narrowed(before: str, after: str) -> set[Effect]:
    """The effects of another condition on what refuses: without one it meets every request."""
    if not before.strip() or not after.strip():
        return {"loosens"} if after.strip() else {"tightens"}
    return {"tightens", "loosens"}


def _limits(section: Any) -> Iterable[Limit]:
    return (limit for limit in getattr(section, "root", ()) if isinstance(limit, Limit) and limit.enabled)


def _amounts(windows: Iterable[Window], field: str) -> _Amounts:
    """What is counted; by a field that is called after a unit, that unit alone."""
    counted = (window for window in windows if window.unit == field or field not in _UNITS)
    return {(window.unit, window.period): (window.amount, window.timezone) for window in counted}


def _of_unit(
    old: Mapping[int | str | None, tuple[int, str]], new: Mapping[int | str | None, tuple[int, str]]
) -> set[Effect]:
    found: set[Effect] = set()
    for period in old.keys() & new.keys():
        (amount, zone), (other, other_zone) = old[period], new[period]
        if amount != other:
            found |= ranked(amount, other, "loosens", "tightens")
        if zone != other_zone:
            # Some periods end sooner, some later.
            found |= {"tightens", "loosens"}
    gone, come = old.keys() - new.keys(), new.keys() - old.keys()
    if gone and come:
        found.add("restarts_count")
        if any(not _implied(new[period][0], period, old) for period in come):
            found.add("tightens")
        if any(not _implied(old[period][0], period, new) for period in gone):
            found.add("loosens")
    elif come:
        found.add("tightens")
    elif gone:
        found.add("loosens")
    return found


def _implied(amount: int, period: Any, by: Mapping[int | str | None, tuple[int, str]]) -> bool:
    """Whether who keeps one of these keeps at most `amount` in `period` too: less, in as long or longer."""
    return any(most <= amount and _length_s(other) >= _length_s(period) for other, (most, _) in by.items())


def _length_s(period: int | str | None) -> int:
    return period if isinstance(period, int) else parse_period_s(period) if period else 0


def _of_subject(before: Subject, after: Subject) -> set[Effect]:
    found: set[Effect] = set()
    if not _covers(before, after):
        found.add("tightens")
    if not _covers(after, before):
        found.add("loosens")
    return found


def _covers(wide: Subject, narrow: Subject) -> bool:
    """Whether every request that counts for the one counts for the other: it asks for no more."""
    has = (*narrow.caller, *narrow.served)
    return all(any(_is(part, of) for of in has) for part in (*wide.caller, *wide.served))


def _is(wide: Part, narrow: Part) -> bool:
    if (wide.kind, wide.key) != (narrow.kind, narrow.key):
        return False
    alike = narrow.id.lower() == wide.id.lower() if wide.kind in SERVED_KINDS else narrow.id == wide.id
    return wide.id == EACH or alike
