"""Asks the rules that may match a request, one after the other, and does what the first one says that can."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from governance.catalog import Catalog, provider_and_model
from governance.expressions import PERCENTS, Facts, much
from governance.expressions.facts import Reads
from governance.hookspecs import hookimpl
from governance.limits import OF_CALLER
from governance.model import Request, Ruling
from governance.model.labels import Require, both, required
from governance.model.turns import in_turns
from governance_plugins.routing_rules.changes import rule_effects, rule_reach
from governance_plugins.routing_rules.config import RoutingRulesConfig, Rule
from governance_plugins.routing_rules.effects import Effect, effect, would
from governance_plugins.routing_rules.rulebook import Rulebook
from governance_plugins.routing_rules.unreachable import warnings
from governance_plugins.routing_rules.work import WHAT

# A chain that is longer stops here, and what was decided last stands.
MOST_CHAINED: Final = 10


class RoutingRules:
    """Plugin `routing_rules`."""

    Config = RoutingRulesConfig
    on_error = "refuse"
    effects = staticmethod(rule_effects)
    reach = staticmethod(rule_reach)

    def __init__(self, config: RoutingRulesConfig) -> None:
        self._book = Rulebook(rule for rule in config.root if rule.enabled and not rule.only_requires)
        self._most_ns = config.most_ns
        self._requiring = Rulebook(rule for rule in config.root if rule.enabled and rule.only_requires)
        rules = self._rules = (*self._book.rules, *self._requiring.rules)
        self.reads_percent = any(not rule.cel_expression.variables.isdisjoint(PERCENTS) for rule in in_turns(rules))
        self.facts_read = Reads.union(rule.cel_expression.reads for rule in in_turns(rules)).told

    def demands(self) -> Iterator[Require]:
        """What each rule requires."""
        return (required(rule.require, f"rule {rule.name}") for rule in self._rules if rule.mode == "enforce")

    def limit_on(self, request: Request) -> str | None:
        """A rule that may require labels for whatever this caller asks; conditions on more are taken to hold."""
        facts = Facts(request, self._requiring.reads)
        for filed in self._requiring.candidates(facts) if self._requiring.rules else ():
            condition = filed.rule.cel_expression
            known = not condition.text or condition.variables <= OF_CALLER
            if filed.rule.mode == "enforce" and (not known or condition.matches(facts)):
                return filed.rule.name
        return None

    @hookimpl
    def pre_request(self, request: Request) -> Ruling | None:
        if not self._rules:
            return None
        walk = _Walk(self._book, request)
        if self._requiring.rules:
            demand(self._requiring, walk)
        return _ruling(None if request.targets else walk.decide(), walk)

    def warnings(self, catalog: Catalog, claimed: Callable[[str], bool]) -> Iterator[str]:
        """Rules that can never match or never work, and too many that may; see `governance check`."""
        remark = much(WHAT, self._most_ns)
        yield from [f"routing_rules: {remark}"] if remark else ()
        yield from warnings(self._rules, catalog, claimed)


@dataclass(slots=True)
class _Walk:
    """One request on its way through the rules."""

    book: Rulebook
    request: Request
    fired: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    shadow: list[Mapping[str, Any]] = field(default_factory=list)
    asked: set[int] = field(default_factory=set)
    require: Require = ()

    def decide(self) -> Effect | None:
        """What the last rule of the chain says; None when no rule applies."""
        decided = None
        base = provider_and_model(self.request.model)[1]
        for _ in range(MOST_CHAINED):
            found = self.first(base)
            if found is None:
                break
            decided = found
            self.fired.append(found.rule.name)
            if not found.rule.chain_rule:
                break
            self.request = self.request.but(model=found.rewritten)
        return decided

    def add(self, rule: Rule) -> None:
        """Let the request require what a rule that matches requires."""
        more = required(rule.require, f"rule {rule.name}")
        self.require = both(self.require, more)
        self.request = self.request.but(require=both(self.request.require, more))

    def first(self, base: str) -> Effect | None:
        """The first rule that matches and can do what it says. No rule is asked again after it has matched."""
        facts = Facts(self.request, self.book.reads)
        for filed in self.book.candidates(facts):
            rule = filed.rule
            if not rule.cel_expression.matches(facts) or id(rule) in self.asked:
                continue
            self.asked.add(id(rule))
            if rule.mode == "shadow":
                self.shadow.append({"name": rule.name, "would": would(rule, self.request)})
                continue
            if rule.require:
                # In force whether or not it finds a target: what it says of callers like these is not undone by that.
                self.add(rule)
            found = effect(rule, self.request, base)
            if isinstance(found, Effect):
                return found
            self.remarks.append(f"rule {rule.name} passed over: {found}")
        return None


def demand(book: Rulebook, walk: _Walk) -> None:
    """Ask every rule that does nothing but require: none of them takes the request from another."""
    facts = Facts(walk.request, book.reads)
    for filed in book.candidates(facts):
        if not filed.rule.cel_expression.matches(facts):
            continue
        if filed.rule.mode == "shadow":
            walk.shadow.append({"name": filed.rule.name, "would": would(filed.rule, walk.request)})
        else:
            walk.add(filed.rule)


def _ruling(decided: Effect | None, walk: _Walk) -> Ruling | None:
    shadow, passed_over = tuple(walk.shadow), tuple(walk.remarks)
    if decided is None:
        told = shadow or passed_over or walk.require
        return Ruling(shadow=shadow, remarks=passed_over, require=walk.require) if told else None
    rule: Rule = decided.rule
    return Ruling(
        refusal=decided.refusal,
        model=decided.model,
        targets=decided.targets,
        stick=decided.stick,
        keep_fallbacks=not rule.fallbacks,
        notes={"rule": rule.name},
        shadow=shadow,
        require=walk.require,
        remarks=(*passed_over, f"rule {' -> '.join(walk.fired)}"),
    )
