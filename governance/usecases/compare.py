"""What differs between two policies, and what the difference does to callers."""

from __future__ import annotations

from governance.engine.host import Host
from governance.engine.plugins import change_effects
from governance.limits import Limit
from governance.limits.limit import RouteTo
from governance.policy.diff_effects import Change, changes
from governance.policy.written import Written


def compare(before: Host, after: Host) -> tuple[Change, ...]:
    """Every difference between two policies, with its effects."""
    decides = _room_decides(before) or _room_decides(after)
    return changes(Written.of(before.policy), Written.of(after.policy), change_effects, room_decides=decides)


def _room_decides(host: Host) -> bool:
    """Whether where requests go depends on how full a limit is."""
    return host.reads_percent or any(
        isinstance(entry, Limit) and isinstance(entry.on_exceeded, RouteTo)
        for section in host.policy.sections.values()
        for entry in (getattr(section, "root", None) or ())
        if entry is not None
    )
