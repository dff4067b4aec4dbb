"""What differs between two policies, and what the difference does to callers."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TypeVar

from governance.apart import LARGE, apart
from governance.engine.host import Host
from governance.engine.plugins import PluginFault, change_effects, read_policy
from governance.limits import Limit
from governance.limits.limit import RouteTo
from governance.model.errors import PolicyError
from governance.model.turns import aside, in_turns
from governance.policy import Policy
from governance.policy.diff_effects import Change, changes
from governance.policy.written import Written
from governance.usecases.blast import Touched, touched

log = logging.getLogger("governance.usecases")

T = TypeVar("T")


def compare(before: Host, after: Host) -> tuple[Change, ...]:
    """Every difference between two policies, with its effects."""
    return _compared(_changes, before, after)


def compare_and_touch(before: Host, after: Host) -> tuple[tuple[Change, ...], tuple[Touched, ...]]:
    """The same, and each entry that changes with whom and what it can touch."""
    return _compared(_both, before, after)


def _compared(look: Callable[[Policy, Policy, bool], T], before: Host, after: Host) -> T:
    old, new = before.policy, after.policy
    decides = _room_decides(before) or _room_decides(after)
    size = len(old.text) + len(new.text)
    if size >= LARGE and aside():
        # Their texts are handed over and read again there: what has come of them takes longer to hand over from here.
        texts = (old.text, old.source), (new.text, new.source)
        try:
            found: T = apart(_read_and_look, look, *texts, decides, size=size)
            return found
        except (PolicyError, PluginFault) as error:
            log.warning("policies that can be used here cannot in a process of its own: %s", type(error).__name__)
    return look(old, new, decides)


def _read_and_look(
    look: Callable[[Policy, Policy, bool], T], before: tuple[str, str], after: tuple[str, str], room_decides: bool
) -> T:
    return look(read_policy(*before, os.environ), read_policy(*after, os.environ), room_decides)


def _changes(before: Policy, after: Policy, room_decides: bool) -> tuple[Change, ...]:
    return changes(Written.of(before), Written.of(after), change_effects, room_decides=room_decides)


def _both(before: Policy, after: Policy, room_decides: bool) -> tuple[tuple[Change, ...], tuple[Touched, ...]]:
    found = _changes(before, after, room_decides)
    return found, tuple(touched(before, after, found))


def _room_decides(host: Host) -> bool:
    """Whether where requests go depends on how full a limit is."""
    return host.reads_percent or any(
        isinstance(entry, Limit) and isinstance(entry.on_exceeded, RouteTo)
        for section in host.policy.sections.values()
        for entry in in_turns(getattr(section, "root", None) or ())
        if entry is not None
    )
