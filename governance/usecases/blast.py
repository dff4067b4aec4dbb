"""The blast radius of a change: for each entry that changes, whom and what it can touch, by both policies alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from governance.engine.plugins import change_reach
from governance.limits import EVERYONE, Limit
from governance.limits.ids import AND
from governance.limits.subjects import EACH, SERVED_KINDS
from governance.model.changes import EFFECTS, Effect, Reach, SectionChange
from governance.policy import Policy
from governance.policy.diff import Path
from governance.policy.diff_core import core_reach
from governance.policy.diff_effects import Change
from governance.policy.keys import Key
from governance.policy.written import CORE_KEYS, Written

log = logging.getLogger("governance.policy")

Reaches = Callable[[str], "Callable[[SectionChange], Reach] | None"]

# Of one entry; who wants them all reads the policy.
MOST_NAMED: Final = 20
_SAID: Final[tuple[tuple[Effect, str], ...]] = (
    ("reroutes", "may send requests elsewhere"),
    ("grants", "lets them be served by what could not serve them"),
    ("revokes", "takes from them who could serve them"),
    ("restarts_count", "begins its count at zero"),
)


@dataclass(frozen=True)
class Touched:
    """One entry that changes, with whom and what it can touch.

    Args:
        path: of the entry, by its name; of a section without entries, the section.
        effects: all that its changes have, none but `cosmetic` where it decides nothing.
        callers: whom it binds or routes, as subjects are counted (`team:research`, `team:*`); () = everybody.
        asks: what has to be asked for, such as `fast/*`; () = whatever.
        granted, revoked: who may serve them from now on, or no longer; `*` stands for the model that is asked for.
        keys: keys of the policy that are among the callers; none are named where everybody is.
        limits: limits on who serves that count what is granted or revoked.
        known: whether anybody knows; else it may touch everybody.
    """

    path: Path
    effects: tuple[Effect, ...]
    callers: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    granted: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    known: bool = True

    @property
    def whom(self) -> str:
        """The callers in words: `team research (keys ci, nightly) asking for fast/*`."""
        who = ", ".join(map(_spoken, self.callers[:MOST_NAMED])) or "everybody"
        keys = f" (key{'s' if len(self.keys) != 1 else ''} {_some(self.keys)})" if self.keys else ""
        asks = f" asking for {_some(self.asks)}" if self.asks else ""
        return f"{who}{keys}{asks}"

    @property
    def what(self) -> str:
        """What it can do to them, in words: `can only refuse more`."""
        said = [] if (first := verdict(self.effects)) is None else [first]
        for effect, words in _SAID:
            named = {"grants": self.granted, "revokes": self.revoked}.get(effect, ())
            if effect not in self.effects:
                continue
            if not named:
                said.append(words)
            elif effect == "grants":
                said.append(f"grants {_new(named)}: {_some(named)}")
            else:
                said.append(f"takes away {_some(named)}")
        counted = f"; counted by {_some(self.limits)}" if self.limits else ""
        return ("; ".join(said) or "decides nothing") + counted

    def report(self) -> dict[str, Any]:
        """All of it, ready for JSON; what is not there has no key."""
        listed = {
            name: list(values)
            for name in ("asks", "granted", "revoked", "keys", "limits")
            if (values := getattr(self, name))
        }
        told = {"effects": list(self.effects), "callers": list(self.callers) or [EVERYONE], **listed}
        return {**told, "says": f"{self.whom}: {self.what}", **({} if self.known else {"unknown": True})}


def verdict(effects: Iterable[Effect]) -> str | None:
    """What refusals can come of it, as far as that is certain of all of it; None where it refuses and admits as before.

    Only what may do nothing else is said to do only that.
    """
    told = set(effects) - {"cosmetic"}
    if told == {"tightens"}:
        return "can only refuse more"
    if told == {"loosens"}:
        return "can only admit more"
    if told == {"revokes"}:
        return "can only take access away"
    words = [word for effect, word in (("tightens", "refuse more"), ("loosens", "admit more")) if effect in told]
    return f"may {' and '.join(words)}" if words else None


def touched(before: Policy, after: Policy, changes: Iterable[Change], reaches: Reaches = change_reach) -> list[Touched]:
    """Every entry that changes, in the order of the changes, once, with whom and what it can touch."""
    old, new = Written.of(before), Written.of(after)
    found: dict[Path, list[Change]] = {}
    for change in changes:
        found.setdefault(_entry_of(change.path, old, new), []).append(change)
    return [_touched(path, of, old, new, reaches) for path, of in found.items()]


def new_access(entries: Iterable[Touched]) -> list[str]:
    """Who gets access to something by a change, a reason for each entry that grants; none where nobody does."""
    return [f"{entry.whom}: {entry.what}" for entry in entries if "grants" in entry.effects]


def _touched(path: Path, changes: list[Change], old: Written, new: Written, reaches: Reaches) -> Touched:
    told = {effect for change in changes for effect in change.effects}
    effects = tuple(effect for effect in EFFECTS if effect in told and (effect != "cosmetic" or len(told) == 1))
    if effects == ("cosmetic",):
        return Touched(path, effects)
    reach = _reach(path, changes, old, new, reaches)
    if reach is None:
        return Touched(path, effects, known=False)
    limits = _counting((*reach.granted, *reach.revoked), new)
    keys = _keys_of(reach.callers, (*new.policy.core.keys, *old.policy.core.keys))
    return Touched(path, effects, reach.callers, reach.asks, reach.granted, reach.revoked, keys, limits)


def _reach(path: Path, changes: list[Change], old: Written, new: Written, reaches: Reaches) -> Reach | None:
    section = str(path[0])
    name = str(path[1]) if len(path) > 1 else ""
    renamed = next((str(change.after) for change in changes if change.kind == "renamed"), name)
    if name:
        entries = old.entry(section, name), new.entry(section, renamed)
    else:
        entries = old.section(section), new.section(section)
    kind: Literal["added", "changed", "removed"] = "changed"
    if None in entries:
        kind = "added" if entries[0] is None else "removed"
    said = SectionChange(kind, (), *entries, old.section(section), new.section(section))
    if section in CORE_KEYS:
        return core_reach(section, said)
    if section not in {*old.policy.sections, *new.policy.sections}:
        return Reach()
    door = reaches(section)
    if door is None:
        return None
    try:
        reach = door(said)
    except Exception as error:  # a third party's word on its own section may raise anything
        log.warning("plugin %s cannot tell whom a change touches: %s: %s", section, type(error).__name__, error)
        return None
    return reach if isinstance(reach, Reach) else None


def _entry_of(path: Path, old: Written, new: Written) -> Path:
    section = str(path[0])
    return path[:2] if old.listed(section) or new.listed(section) else path[:1]


def _keys_of(callers: tuple[str, ...], keys: Iterable[Key]) -> tuple[str, ...]:
    """Keys that the policy lists and that are among these callers; everybody is not told one by one."""
    found = [key.name for key in keys if key.enabled and any(_is(key, caller) for caller in callers)]
    return tuple(dict.fromkeys(found))


def _is(key: Key, caller: str) -> bool:
    ids = {
        "virtual_key": (key.name, key.id),
        "team": (key.team, key.team_name),
        "user": (key.user,),
        "customer": (key.customer, key.customer_name),
    }
    parts = [part.partition(":")[::2] for part in caller.split(AND)]
    of_key = [(kind, id_) for kind, id_ in parts if kind in ids]
    return bool(of_key) and all(any(ids[kind]) if id_ == EACH else id_ in ids[kind] for kind, id_ in of_key)


def _counting(targets: Iterable[str], new: Written) -> tuple[str, ...]:
    """Limits in force on one provider, model or target that is among these."""
    names = {name for target in targets for name in _served_names(target)}
    if not names:
        return ()
    return tuple(
        entry.name
        for section in new.policy.sections.values()
        for entry in (getattr(section, "root", None) or ())
        if isinstance(entry, Limit)
        and entry.enabled
        and entry.subject.served
        and all(part.id == EACH or f"{part.kind}:{part.id.lower()}" in names for part in entry.subject.served)
    )


def _served_names(target: str) -> Iterable[str]:
    provider, slash, model = target.partition("/")
    yield f"target:{target}"
    yield f"model:{model if slash else target}"
    if slash:
        yield f"provider:{provider}"
        yield f"model:{target}"


def _spoken(caller: str) -> str:
    words = []
    for part in caller.split(AND):
        kind, _, id_ = part.partition(":")
        name = {"virtual_key": "key", "end_user": "end user"}.get(kind, kind)
        words.append(f"each {name}" if id_ == EACH else f"{name} {id_}" if id_ else name)
    kinds = {part.partition(":")[0] for part in caller.split(AND)}
    text = " and ".join(words)
    return f"whoever is served by {text}" if kinds <= set(SERVED_KINDS) else text


def _new(names: tuple[str, ...]) -> str:
    return "a new target" if len(names) == 1 else f"{len(names)} new targets"


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
