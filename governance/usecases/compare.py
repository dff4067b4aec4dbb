"""What differs between two policies, and what the difference does to callers."""

from __future__ import annotations

from governance.apart import apart
from governance.engine.host import Host
from governance.engine.plugins import change_effects
from governance.limits import Limit
from governance.limits.limit import RouteTo
from governance.model.turns import in_turns
from governance.policy import Policy
from governance.policy.diff_effects import Change, changes
from governance.policy.written import Written
from governance.usecases.blast import Touched, touched


def compare(before: Host, after: Host) -> tuple[Change, ...]:
    """Every difference between two policies, with its effects."""
    old, new = before.policy, after.policy
    return apart(_changes, old, new, _decided(before, after), size=len(old.text) + len(new.text))


def compare_and_touch(before: Host, after: Host) -> tuple[tuple[Change, ...], tuple[Touched, ...]]:
    """The same, and each entry that changes with whom and what it can touch."""
    old, new = before.policy, after.policy
    return apart(_both, old, new, _decided(before, after), size=len(old.text) + len(new.text))


def _changes(before: Policy, after: Policy, room_decides: bool) -> tuple[Change, ...]:
    return changes(Written.of(before), Written.of(after), change_effects, room_decides=room_decides)


def _both(before: Policy, after: Policy, room_decides: bool) -> tuple[tuple[Change, ...], tuple[Touched, ...]]:
    found = _changes(before, after, room_decides)
    return found, tuple(touched(before, after, found))


def _decided(before: Host, after: Host) -> bool:
    return _room_decides(before) or _room_decides(after)


def _room_decides(host: Host) -> bool:
    """Whether where requests go depends on how full a limit is."""
    return host.reads_percent or any(
        isinstance(entry, Limit) and isinstance(entry.on_exceeded, RouteTo)
        for section in host.policy.sections.values()
        for entry in in_turns(getattr(section, "root", None) or ())
        if entry is not None
    )
