"""What is allowed in a section `routing_rules` and can never work."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from governance.catalog import Catalog, provider_and_model, provider_remark, repeated_targets, target_remark
from governance.expressions import Facts
from governance.expressions.facts import Reads
from governance.model import Request, group_target
from governance_plugins.routing_rules.config import Fallback, Rule, RuleTarget
from governance_plugins.routing_rules.rulebook import scope_id

_NO_FACTS = Facts(Request(""), Reads())


def warnings(rules: Sequence[Rule], catalog: Catalog, claimed: Callable[[str], bool]) -> Iterator[str]:
    """One line for each finding.

    Args:
        rules: in the order in which they are asked.
        claimed: whether a plugin has targets for a model of this name.
    """
    for rule, before in covered(rules):
        yield f"rule {rule.name}: never reached, rule {before.name} before it takes every request of {_scope(rule)}"
    for rule in rules:
        if always(rule) is False:
            yield f"rule {rule.name}: its condition is never true"
        if rule.scope == "global" and rule.scope_id is not None:
            yield f"rule {rule.name}: scope_id {rule.scope_id} has no meaning in scope global; name a scope"
        yield from _never_equal(rule)
        yield from _repeated(rule, catalog)
        yield from _unserved(rule, catalog, claimed)


def covered(rules: Iterable[Rule]) -> Iterator[tuple[Rule, Rule]]:
    """Rules that are never asked, each with the rule before it in the same scope that takes all of their requests."""
    takes_all: dict[tuple[str, str], Rule] = {}
    takes: dict[tuple[str, str, str], Rule] = {}
    for rule in rules:
        if rule.only_requires:
            continue
        place = (rule.scope, scope_id(rule))
        alike = (*place, rule.cel_expression.text)
        before = takes_all.get(place) or takes.get(alike)
        if before:
            yield rule, before
        elif rule.mode == "enforce" and not rule.chain_rule:
            takes[alike] = rule
            if always(rule):
                takes_all[place] = rule


def always(rule: Rule) -> bool | None:
    """True for a rule that matches every request, False for one that matches none, None when it depends."""
    condition = rule.cel_expression
    if any(not allowed for allowed in condition.equalities.values()):
        return False
    return condition.evaluate(_NO_FACTS) is True if condition.constant else None


def _never_equal(rule: Rule) -> Iterator[str]:
    for name in sorted(rule.cel_expression.equalities.get(("model",), ())):
        provider, model = provider_and_model(name)
        if provider:
            better = f'provider == "{provider}" && model == "{model}"'
            yield f"rule {rule.name}: `model` comes without its provider, so it is never {name}; write {better}"


def _repeated(rule: Rule, catalog: Catalog) -> Iterator[str]:
    for what, entries in (("targets", rule.targets or ()), ("fallbacks", rule.fallbacks)):
        for remark in repeated_targets((_written(entry), _meaning(entry, catalog)) for entry in entries):
            yield f"rule {rule.name}: {what}: {remark}"


def _written(entry: RuleTarget | Fallback) -> str:
    if entry.group is not None:
        return group_target(entry.group)
    return f"{entry.provider}/{entry.model or '*'}" if entry.provider else entry.model or "*"


def _meaning(entry: RuleTarget | Fallback, catalog: Catalog) -> Hashable:
    if not _is_one(entry):
        # Who it is depends on the request.
        return _written(entry).lower()
    return catalog.meaning(_written(entry))


def _is_one(entry: RuleTarget | Fallback) -> bool:
    named = entry.provider or isinstance(entry, Fallback) or entry.names_provider
    return bool(entry.group or (entry.model and named))


def _unserved(rule: Rule, catalog: Catalog, claimed: Callable[[str], bool]) -> Iterator[str]:
    if rule.model and catalog.call_name(rule.model) is None and not claimed(rule.model):
        yield f"rule {rule.name}: no profile has `{rule.model}` and the proxy serves no such model"
    for what, entries in (("target", rule.targets or ()), ("fallback", rule.fallbacks)):
        for entry in entries:
            if entry.provider and not entry.model:
                remark = provider_remark(catalog, entry.provider, what)
            elif _is_one(entry) or what == "fallback":
                name = entry.name("") if isinstance(entry, Fallback) else entry.name("", "")
                remark = target_remark(catalog, name, what)
            else:
                # Which provider it will be depends on the request.
                continue
            if remark:
                yield f"rule {rule.name}: {remark}"


def _scope(rule: Rule) -> str:
    return "scope global" if rule.scope == "global" else f"{rule.scope} {rule.scope_id}"
