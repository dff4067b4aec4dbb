"""What a change of a rule does to callers."""

from __future__ import annotations

from typing import Any, Final

from governance.limits import narrowed
from governance.model.changes import Effect, Reach, SectionChange, gained
from governance.model.labels import requires
from governance_plugins.routing_rules.config import Rule

_LENIENCY: Final = {"targets": 0, None: 1, "virtual": 2}
# A rule that refuses comes before others, or no longer: who it met is refused, who it no longer meets may be.
_SHIFTED: Final = ("scope", "scope_id", "priority", "chain_rule")


def rule_effects(change: SectionChange) -> set[Effect]:
    """The effects of a change in the section `routing_rules`."""
    if change.kind == "moved":
        refuses = any(_in_force(rule) and rule.refuse for rule in change.new.root)
        return {"reroutes", "tightens", "loosens"} if refuses else {"reroutes"}
    if change.kind == "renamed" or change.field in ("name", "description"):
        return {"cosmetic"}
    before, after = _in_force(change.before), _in_force(change.after)
    if before is None and after is None:
        return {"cosmetic"}
    required = requires(before.require if before else {}, after.require if after else {})
    if change.field == "require" and before and after:
        return required
    if "labels" in change.path:
        # Somebody who requires labels may be served by it now, or no longer.
        return {"reroutes", "grants", "revokes"}
    if before is None or after is None:
        return (_of_rule(before, after) | required) - {"cosmetic"}
    if before.refuse and after.refuse:
        return _of_refusal(change, before, after)
    if before.refuse or after.refuse:
        return {"reroutes", "loosens" if before.refuse else "tightens", *gained(_serves(before), _serves(after))}
    return _of_routing(change, before, after)


def rule_reach(change: SectionChange) -> Reach:
    """Whom a rule is for, and whom it lets serve."""
    rules = [rule for rule in (change.before, change.after) if isinstance(rule, Rule)]
    scopes = dict.fromkeys(f"{rule.scope}:{rule.scope_id}" for rule in rules if rule.scope != "global")
    before, after = _serves(_in_force(change.before)), _serves(_in_force(change.after))
    everybody = not rules or any(rule.scope == "global" for rule in rules)
    return Reach(() if everybody else tuple(scopes), (), tuple(sorted(after - before)), tuple(sorted(before - after)))


def _in_force(rule: Any) -> Rule | None:
    return rule if isinstance(rule, Rule) and rule.enabled and rule.mode == "enforce" else None


def _of_rule(before: Rule | None, after: Rule | None) -> set[Effect]:
    rule = after or before
    if rule and rule.refuse:
        return {"tightens"} if after else {"loosens"}
    return {"reroutes", *gained(_serves(before), _serves(after))}


def _of_refusal(change: SectionChange, before: Rule, after: Rule) -> set[Effect]:
    if change.field == "cel_expression":
        return narrowed(before.cel_expression.text, after.cel_expression.text)
    if change.field in _SHIFTED:
        return {"tightens", "loosens"}
    # The same callers are refused: with another status a program may go on otherwise, with other words it may not.
    return {"reroutes"} if change.path[1:2] == ("status",) or change.path == ("refuse",) else {"cosmetic"}


def _of_routing(change: SectionChange, before: Rule, after: Rule) -> set[Effect]:
    if change.field == "access":
        grants = (_LENIENCY[rule.access.grant if rule.access else None] for rule in (before, after))
        old, new = grants
        return {"grants"} if new > old else {"revokes"} if new < old else {"cosmetic"}
    if change.field == "cel_expression":
        narrow: dict[Effect, Effect] = {"tightens": "grants", "loosens": "revokes"}
        met = narrowed(before.cel_expression.text, after.cel_expression.text)
        return {"reroutes", *(narrow[effect] for effect in met)}
    if change.field in ("scope", "scope_id"):
        return {"reroutes", "grants", "revokes"}
    return {"reroutes", *gained(_serves(before), _serves(after))}


def _serves(rule: Rule | None) -> frozenset[str]:
    """Whom the rule lets serve, by name; `*` stands for what the caller asked for."""
    if rule is None:
        return frozenset()
    named = [target.name("*", "*") for target in rule.targets or ()]
    named += [fallback.name("*") for fallback in rule.fallbacks]
    return frozenset(name.lower() for name in (*named, *((rule.model,) if rule.model else ())))
