"""The order in which rules are asked, and one of them asked a place earlier or later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from governance.policy.sections import SECTIONS
from governance.usecases.entries import NoSuchEntry, Reorder, Replace, Shown, shown_entries, with_change

_RULES: Final = SECTIONS["rules"]
# The narrowest first, as rules are asked.
_SCOPES: Final = ("virtual_key", "user", "team", "customer", "global")


class Asked(NamedTuple):
    """The rules of one scope, and of one id there, in the order in which they are asked."""

    scope: str
    scope_id: str
    rules: tuple[Shown, ...]


def asked_order(policy: str) -> list[Asked]:
    """All of them, by whom they are for. Raises PolicyError."""
    return in_order(shown_entries(policy, _RULES))


def in_order(rules: Iterable[Shown]) -> list[Asked]:
    """The same of rules that were read already, in the order in which they are written."""
    filed: dict[tuple[str, str], list[Shown]] = {}
    for rule in rules:
        said = rule.value
        filed.setdefault((str(said.get("scope", "global")), str(said.get("scope_id", ""))), []).append(rule)
    order = sorted(filed, key=lambda of: (_SCOPES.index(of[0]) if of[0] in _SCOPES else len(_SCOPES), of[1]))
    return [Asked(scope, id, tuple(sorted(filed[scope, id], key=_priority))) for scope, id in order]


def moved_rule(policy: str, name: str, by: int) -> str:
    """The text of a policy in which a rule is asked one place earlier (-1) or later (1) among those of its scope.

    Two rules change their places in the list, and their priorities where those differ. At its end nothing is changed.

    Raises NoSuchEntry, NotEditable, PolicyError as `with_change` does.
    """
    rules = shown_entries(policy, _RULES)
    for asked in in_order(rules):
        at = next((i for i, rule in enumerate(asked.rules) if rule.name == name), None)
        if at is None:
            continue
        if not 0 <= at + by < len(asked.rules):
            return policy
        one, other = asked.rules[at], asked.rules[at + by]
        places = {one.name: other.name, other.name: one.name}
        names = [places.get(rule.name, rule.name) for rule in rules]
        policy = with_change(policy, _RULES, Reorder(names))
        if _priority(one) != _priority(other):
            for rule, priority in ((one, _priority(other)), (other, _priority(one))):
                policy = with_change(policy, _RULES, Replace(rule.name, {**rule.value, "priority": priority}))
        return policy
    raise NoSuchEntry(f"rules has no entry `{name[:100]}`")


def _priority(rule: Shown) -> int:
    said: Any = rule.value.get("priority", 0)
    return said if isinstance(said, int) else 0
