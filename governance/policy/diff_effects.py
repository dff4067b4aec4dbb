"""What the difference between two policies does to callers: every change with its place, its values and its effects."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from governance.model.changes import EFFECTS, Effect, SectionChange
from governance.policy.diff import MISSING, Edit, Kind, Path, diff
from governance.policy.diff_core import core_effects
from governance.policy.diff_secrets import at, shown
from governance.policy.written import CORE_KEYS, Written

log = logging.getLogger("governance.policy")

# What a plugin says of a change in its section; None where it says nothing.
Door = Callable[[SectionChange], Iterable[Effect]]
Doors = Callable[[str], "Door | None"]

_UNKNOWN: Final[frozenset[Effect]] = frozenset({"reroutes"})


class Change(NamedTuple):
    """One difference as people see it.

    Args:
        path: in a list of named entries a step is the name of one.
        before, after: as written, without secrets; MISSING where there is nothing.
        line_before, line_after: where it stands in each file; None where it does not.
        stated: whether anybody knows what it does; else it is taken for one that may change who serves.
    """

    kind: Kind
    path: Path
    before: Any
    after: Any
    effects: tuple[Effect, ...]
    line_before: int | None
    line_after: int | None
    stated: bool = True


def changes(before: Written, after: Written, doors: Doors, *, room_decides: bool) -> tuple[Change, ...]:
    """Every difference between two policies, with what it does.

    Args:
        doors: by the name of a plugin, what tells the effects of a change in its section.
        room_decides: whether it depends on how full a limit is where requests go: a condition asks for it, or a limit
            has a request ask for another model. Then no limit can change without that.
    """
    found = [_change(edit, before, after, doors, room_decides) for edit in diff(before.document, after.document)]
    return (*found, *_order(before, after, found))


def summary(found: Iterable[Change]) -> dict[Effect, int]:
    """How many changes have each effect; only effects that occur."""
    counted = dict.fromkeys(EFFECTS, 0)
    for change in found:
        for effect in change.effects:
            counted[effect] += 1
    return {effect: count for effect, count in counted.items() if count}


def _change(edit: Edit, before: Written, after: Written, doors: Doors, room_decides: bool) -> Change:
    path = edit.path
    renamed = (path[0], edit.after) if edit.kind == "renamed" else path
    said = _section_change(edit, before, after)
    if path == ("plugins",):
        effects: set[Effect] | None = {"reroutes" if _asked_otherwise(before, after) else "cosmetic"}
    else:
        effects = _effects(edit, said, str(path[0]), doors)
    told = _UNKNOWN if effects is None else frozenset(effects)
    if room_decides and told & {"tightens", "loosens"}:
        told |= {"reroutes"}
    values = [
        value if edit.kind in ("moved", "renamed") or value is MISSING else shown(value, model, str(path[-1]))
        for value, model in zip((edit.before, edit.after), _models(path, said), strict=True)
    ]
    ordered = tuple(effect for effect in EFFECTS if effect in told)
    lines = before.line(path), after.line(renamed)
    return Change(edit.kind, path, values[0], values[1], ordered, *lines, stated=effects is not None)


def _section_change(edit: Edit, before: Written, after: Written) -> SectionChange:
    section = str(edit.path[0])
    old, new = before.section(section), after.section(section)
    named = len(edit.path) > 1 and (before.listed(section) or after.listed(section))
    if edit.kind == "moved":
        return SectionChange("moved", (), None, None, old, new)
    if edit.kind == "renamed":
        entries = before.entry(section, edit.before), after.entry(section, edit.after)
        return SectionChange("renamed", (), *entries, old, new)
    if not named:
        kind = "changed" if len(edit.path) > 1 or edit.kind == "changed" else edit.kind
        return SectionChange(kind, edit.path[1:], old, new, old, new)
    name, inside = str(edit.path[1]), edit.path[2:]
    kind = "changed" if inside else edit.kind
    return SectionChange(kind, inside, before.entry(section, name), after.entry(section, name), old, new)


def _models(path: Path, said: SectionChange) -> tuple[Any, Any]:
    return at(said.before, said.path), at(said.after, said.path)


def _effects(edit: Edit, said: SectionChange, section: str, doors: Doors) -> set[Effect] | None:
    if _written_otherwise(said):
        return {"cosmetic"}
    if section in CORE_KEYS:
        return core_effects(section, said)
    if edit.kind in ("added", "removed") and len(edit.path) == 1 and not _listed_something(said):
        return {"cosmetic"}
    door = doors(section)
    if door is None:
        return None
    try:
        told = set(door(said))
    except Exception as error:  # a third party's word on its own section may raise anything
        log.warning("plugin %s cannot tell what a change does: %s: %s", section, type(error).__name__, error)
        return None
    return told if told and told <= set(EFFECTS) else None


def _written_otherwise(said: SectionChange) -> bool:
    """Whether the same has come of it, such as of `60/minute` and `60/60s`."""
    if said.kind != "changed" or said.before is None or said.after is None:
        return False
    for path in (said.path, said.path[:1]):
        old, new = (at(each, path) for each in (said.before, said.after))
        if old is not None and type(old) is type(new):
            return bool(old == new)
    return False


def _listed_something(said: SectionChange) -> bool:
    """Whether a section that came or went is more than a list without entries."""
    sections = [section for section in (said.old, said.new) if section is not None]
    return not sections or any(getattr(section, "root", None) != () for section in sections)


def _order(before: Written, after: Written, found: Iterable[Change]) -> Iterator[Change]:
    """Plugins that both policies use and ask in another order, where no list says so but the order of sections."""
    if any(change.path == ("plugins",) for change in found) or not _asked_otherwise(before, after):
        return
    yield Change("moved", ("plugins",), list(before.policy.order), list(after.policy.order), ("reroutes",), None, None)


def _asked_otherwise(before: Written, after: Written) -> bool:
    """Whether plugins come in another order, or one comes or goes that has no section to tell it."""
    old, new = before.policy.order, after.policy.order
    silent = {*old, *new} - before.document.keys() - after.document.keys()
    return [name for name in old if name in new] != [name for name in new if name in old] or any(
        (name in old) != (name in new) for name in silent
    )
