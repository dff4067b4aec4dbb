"""The effective policy: the one in force with the entries of the overlay applied, for as long as each of them lasts."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from governance.engine.drained import DrainedTargets
from governance.engine.host import Host
from governance.engine.in_force import InForce
from governance.engine.plugins import plugin_class
from governance.limits.limit import Limit
from governance.model.overlay import ActiveProfile, AnyEntry, Drain, Drains, Increase, Over, Stop

log = logging.getLogger("governance.engine")

# A name that no entry point has, so that it is nobody's section.
DRAINING = "overlay: drain"


class Overlay:
    """The entries that one worker knows of. They are exchanged as a whole, and whoever decides reads them from here."""

    def __init__(self) -> None:
        self.entries: tuple[AnyEntry, ...] = ()

    def use(self, entries: Sequence[AnyEntry]) -> bool:
        """These from now on. Whether they are others than before."""
        if self.entries == tuple(entries):
            return False
        self.entries = tuple(entries)
        return True


class Effective:
    """A policy under an overlay, whose entries begin when they are known and end at their own time exactly."""

    def __init__(self, stated: Host, overlay: Overlay) -> None:
        self.stated = stated
        self._overlay = overlay
        self._seen: tuple[AnyEntry, ...] = ()
        self._until_s = math.inf
        self._host = stated

    def at(self, now_s: float) -> Host:
        """The policy at this time, Unix seconds."""
        if self._overlay.entries is not self._seen or now_s >= self._until_s:
            self._seen = self._overlay.entries
            lasting = [entry for entry in self._seen if entry.in_force(now_s)]
            self._until_s = min((e.until_s for e in lasting if e.until_s is not None), default=math.inf)
            self._host = effective(self.stated, lasting)
        return self._host


def effective(stated: Host, entries: Sequence[AnyEntry]) -> Host:
    """The policy with these entries applied, its plugins started anew where that changes their section.

    What an entry names that the policy does not have changes nothing; `unknown` tells it.
    """
    if not entries:
        return stated
    sections, plugins = dict(stated.policy.sections), dict(stated.plugins)
    limits: dict[str, list[tuple[frozenset[str], Over]]] = {}
    for name, section in stated.policy.sections.items():
        changed = _section(name, section, entries, limits)
        if changed is not section:
            sections[name] = changed
            if name in plugins:
                plugins[name] = _started(name, changed, plugins[name])
    drains = Drains(entry for entry in entries if isinstance(entry, Drain))
    if drains:
        plugins[DRAINING] = DrainedTargets(drains)
    in_force = InForce(tuple(entries), {name: tuple(overs) for name, overs in limits.items()}, drains)
    return Host(replace(stated.policy, sections=sections), list(plugins.items()), in_force)


def limits_of(section: Any) -> tuple[Limit, ...]:
    """The limits or budgets of a section; none where it has others."""
    root = getattr(section, "root", None)
    found = root if isinstance(root, (tuple, list)) else ()
    return tuple(found) if found and all(isinstance(each, Limit) for each in found) else ()


def profiles_of(section: Any) -> tuple[str, ...]:
    """The task profiles of a section, one of which is active; none where it has no such."""
    return tuple(section.chains) if hasattr(section, "activated") else ()


def unknown(stated: Host, entry: AnyEntry) -> str | None:
    """What an entry names that the policy does not have any more, in a sentence; None where it has it."""
    sections = stated.policy.sections
    if isinstance(entry, ActiveProfile):
        known = {name for section in sections.values() for name in profiles_of(section)}
        return None if entry.profile in known else f"the policy has no task profile `{entry.profile}`"
    if isinstance(entry, (Increase, Stop)):
        named = [each for each in limits_of(sections.get(entry.section)) if _same(each.name, entry.limit)]
        if not named:
            return f"`{entry.section}` of the policy has no entry `{entry.limit}`"
        if isinstance(entry, Increase) and all(entry.amount_of(w) <= w.amount for w in named[0].windows_of("")):
            return f"the policy itself allows as much for `{entry.limit}`, or has no such window"
    return None


def _section(
    name: str, section: Any, entries: Sequence[AnyEntry], limits: dict[str, list[tuple[frozenset[str], Over]]]
) -> Any:
    chosen = [e for e in entries if isinstance(e, ActiveProfile) and e.profile in profiles_of(section)]
    if chosen:
        latest = max(chosen, key=lambda entry: entry.at_s)
        return section.activated(latest.profile, latest.id)
    about = [entry for entry in entries if isinstance(entry, (Increase, Stop)) and entry.section == name]
    found = limits_of(section) if about else ()
    if not found:
        return section
    changed = []
    for limit in found:
        over = _over(limit, about)
        if over is not None:
            units = frozenset(window.unit for window in limit.windows_of(""))
            limits.setdefault(limit.name.lower(), []).append((units, over))
        changed.append(limit if over is None else limit.under(over))
    return type(section).model_construct(tuple(changed))


def _over(limit: Limit, entries: Sequence[Increase | Stop]) -> Over | None:
    mine = [entry for entry in entries if _same(entry.limit, limit.name)]
    stops = [entry for entry in mine if isinstance(entry, Stop)]
    # What only watches already is not stopped once more.
    stop = stops[0] if stops and limit.mode == "enforce" else None
    increases = tuple(entry for entry in mine if isinstance(entry, Increase))
    return Over(increases, stop) if increases or stop else None


def _started(name: str, section: Any, before: object) -> object:
    try:
        return plugin_class(name)(section)
    except Exception:  # a third party's start may raise anything, and the policy is better than nothing
        log.exception("plugin %s does not start under the overlay; it stays as the policy has it", name)
        return before


def _same(one: str, other: str) -> bool:
    return one.strip().lower() == other.strip().lower()
