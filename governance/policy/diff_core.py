"""What a change of the keys that belong to no plugin does to callers."""

from __future__ import annotations

from typing import Any, Final

from governance.model.changes import Effect, Reach, SectionChange, gained, ranked
from governance.model.labels import requires
from governance.policy.keys import Key
from governance.policy.ungoverned import opened

_COSMETIC: Final = frozenset({"version", "telemetry", "change_guard"})
_GRANTS: Final = {"targets": 0, "virtual": 1}
_ADMITS: Final = {"refuse": 0, "share": 1, "allow": 2}
_PRICES: Final = ("input_usd_per_1m_tokens", "output_usd_per_1m_tokens", "cached_input_usd_per_1m_tokens")
_WHO: Final = ("team", "team_name", "user", "customer", "customer_name", "name")


def core_effects(section: str, change: SectionChange) -> set[Effect]:
    """The effects of a change in a section of the core; what is not known here may change everything."""
    if section in _COSMETIC:
        return {"cosmetic"}
    if section == "keys":
        return _of_keys(change)
    if section == "teams":
        return _of_teams(change)
    if change.old is None or change.new is None or not change.path:
        return {"reroutes"}
    if section == "ledger":
        return _of_ledger(change)
    if section == "access":
        return _of_access(change)
    return _of_catalog(change) if section == "catalog" else {"reroutes"}


def _of_ledger(change: SectionChange) -> set[Effect]:
    old, new = change.old, change.new
    if change.field == "url":
        # Nobody's count goes over to another place.
        return {"restarts_count"}
    if change.field == "on_unavailable" and {old.on_unavailable, new.on_unavailable} <= _ADMITS.keys():
        return ranked(_ADMITS[old.on_unavailable], _ADMITS[new.on_unavailable], "loosens", "tightens")
    if change.field in ("timeout", "breaker", "spool"):
        # When a ledger counts as away, and what is kept of that time; not what anybody may do while it is there.
        return {"cosmetic"}
    if change.field == "deadline_s":
        return ranked(old.deadline_s, new.deadline_s, "tightens", "loosens")
    return {"tightens", "loosens"}


def _of_access(change: SectionChange) -> set[Effect]:
    old, new = change.old, change.new
    found: set[Effect]
    if change.field == "grant":
        return ranked(_GRANTS[old.grant], _GRANTS[new.grant], "grants", "revokes")
    if change.field == "require_key":
        return ranked(old.require_key, new.require_key, "tightens", "loosens")
    if change.field == "ungoverned":
        before, after = opened(old.ungoverned), opened(new.ungoverned)
        found = {"loosens"} if after - before else set()
        return found | {"tightens"} if before - after else found or {"cosmetic"}
    if change.field == "body":
        least, most = (
            new.body.timeout.least_s - old.body.timeout.least_s,
            new.body.timeout.most_s - old.body.timeout.most_s,
        )
        found = {"tightens"} if least > 0 or most < 0 else set()
        return found | {"loosens"} if least < 0 or most > 0 else found or {"cosmetic"}
    # Which variables may be used is asked when the policy is read.
    return {"cosmetic"} if change.field == "environment" else {"tightens", "loosens"}


def _of_catalog(change: SectionChange) -> set[Effect]:
    key = str(change.path[-1])
    if key == "display_name":
        return {"cosmetic"}
    # What a model costs decides what fits into a budget, and everything that is known of it, who can serve.
    return {"reroutes", "tightens", "loosens"} if key in _PRICES else {"reroutes"}


def _of_keys(change: SectionChange) -> set[Effect]:
    before, after = _valid(change.before), _valid(change.after)
    if change.kind == "moved":
        return {"cosmetic"}
    if change.kind == "renamed" or change.field in _WHO:
        # Limits and rules may be for this name, or for the team that the key now stands for.
        return {"reroutes", "restarts_count"}
    if before is None or after is None:
        return {"grants"} if after else {"revokes"} if before else {"cosmetic"}
    if change.field == "sha256":
        digests = (frozenset(digest.sha256 for digest in key.sha256) for key in (before, after))
        found = gained(*digests) or _of_ends(before, after)
        # Its first digest is the id by which limits count it.
        return found | {"restarts_count"} if before.id != after.id else found
    if change.field in ("models", "denied_models"):
        return _of_models(before, after)
    if change.field == "require":
        return requires(before.require, after.require)
    if change.field == "expires":
        return _later(before.expires, after.expires)
    return {"reroutes"}


def _of_teams(change: SectionChange) -> set[Effect]:
    if change.kind == "moved" or change.field == "description":
        return {"cosmetic"}
    if change.kind == "renamed":
        # Of one team it is required no longer, of another from now on.
        return {"reroutes", "grants", "revokes"}
    before, after = ({} if team is None else team.require for team in (change.before, change.after))
    return requires(before, after)


def _valid(key: Any) -> Key | None:
    return key if isinstance(key, Key) and key.enabled else None


def _of_models(before: Key, after: Key) -> set[Effect]:
    lists = [None if key.models is None else frozenset(model.text for model in key.models) for key in (before, after)]
    denied = [frozenset(model.text for model in key.denied_models) for key in (before, after)]
    found = gained(denied[1], denied[0])
    if lists[0] is not None and lists[1] is not None:
        found |= gained(lists[0], lists[1])
    elif lists[0] is not None or lists[1] is not None:
        # Without a list it may ask for everything.
        found.add("grants" if lists[1] is None else "revokes")
    return found or {"cosmetic"}


def _of_ends(before: Key, after: Key) -> set[Effect]:
    ends = {digest.sha256: digest.expires for digest in before.sha256}
    found: set[Effect] = set()
    for digest in after.sha256:
        found |= _later(ends.get(digest.sha256), digest.expires)
    return found - {"cosmetic"} or {"cosmetic"}


def _later(before: Any, after: Any) -> set[Effect]:
    if before == after:
        return {"cosmetic"}
    return {"grants"} if after is None or (before is not None and after > before) else {"revokes"}


def core_reach(section: str, change: SectionChange) -> Reach:
    """Whom an entry of a section of the core touches, and what a key may ask for from now on or no longer."""
    entries = [entry for entry in (change.before, change.after) if entry is not None]
    if section == "keys" and all(isinstance(entry, Key) for entry in entries):
        before, after = _valid(change.before), _valid(change.after)
        if before is None or after is None or before.models is None or after.models is None:
            return Reach(_names("virtual_key", entries))
        old, new = (frozenset(model.text for model in key.models or ()) for key in (before, after))
        return Reach(_names("virtual_key", entries), (), tuple(sorted(new - old)), tuple(sorted(old - new)))
    return Reach(_names("team", entries)) if section == "teams" else Reach()


def _names(kind: str, entries: list[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{kind}:{entry.name}" for entry in entries if getattr(entry, "name", None)))
