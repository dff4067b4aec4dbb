"""What follows when a rule matches: its targets for a request, or the reason why none of them can serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.catalog import provider_and_model, screen
from governance.model import Refusal, Request, Target, codes, once
from governance.model.conversation import Stick, rendezvous
from governance.model.draws import draw_all
from governance.model.labels import Labels
from governance_plugins.routing_rules.config import Rule


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of one rule on one request: a refusal, a model to ask for, or targets in order."""

    rule: Rule
    targets: tuple[Target, ...] = ()
    model: str | None = None
    refusal: Refusal | None = None
    stick: Stick | None = None

    @property
    def rewritten(self) -> str:
        """What the request asks for by this rule."""
        return self.model or self.targets[0].name


def effect(rule: Rule, request: Request, asked: str) -> Effect | str:
    """The effect of a rule that matches, or why it has none.

    Args:
        request: as the rules before have rewritten it.
        asked: the model that the caller asked for.
    """
    if rule.refuse:
        refusal = Refusal(rule.refuse.status, codes.REFUSED_BY_RULE, rule.refuse.message)
        return Effect(rule, refusal=refusal)
    if rule.model:
        return Effect(rule, model=rule.model)
    offered = _offered(rule, request)
    able = [(target, weight) for target, weight in offered if target.rejected is None]
    unable = [target for target, _ in offered if target.rejected]
    if not able:
        return ", ".join(f"{target.name} {target.rejected.code}" for target in unable if target.rejected)
    stick = rule.affinity.of(request) if rule.affinity else None
    drawn = _drawn(able, request, stick)
    behind = (
        [_target(rule, fallback.name(asked), fallback.labels) for fallback in rule.fallbacks]
        if rule.fallbacks
        else drawn[1:]
    )
    named = (drawn[0], *behind, *unable)
    return Effect(rule, once(named, request.models.meaning) if request.models else once(named), stick=stick)


def would(rule: Rule, request: Request) -> Mapping[str, Any]:
    """What a rule in shadow mode would have done. It draws nothing: the heaviest target stands for all."""
    if rule.refuse:
        return {"refuse": rule.refuse.status}
    if rule.only_requires:
        return {"require": {key: list(values) for key, values in rule.require.items()}}
    if rule.model:
        return {"model": rule.model}
    able = [(target, weight) for target, weight in _offered(rule, request) if target.rejected is None]
    by_weight = [target.name for target, _ in sorted(able, key=lambda entry: -entry[1])]
    behind = [fallback.name(provider_and_model(request.model)[1]) for fallback in rule.fallbacks] or by_weight[1:]
    return {"model": by_weight[0] if by_weight else None, "fallbacks": behind}


def _offered(rule: Rule, request: Request) -> list[tuple[Target, float]]:
    provider, model = provider_and_model(request.model)
    given = zip(rule.targets or (), rule.weights, strict=True)
    return [
        (screen(request, _target(rule, target.name(provider, model), target.labels)), weight)
        for target, weight in given
    ]


def _drawn(able: list[tuple[Target, float]], request: Request, stick: Stick | None) -> list[Target]:
    """A real draw by weight, always the same for a conversation; what weighs nothing comes last, unless nothing weighs
    anything.
    """
    alike = all(weight == 0 for _, weight in able)
    heavy = [(target, weight or 1.0) for target, weight in able if alike or weight > 0]
    if stick:
        drawn = [target for target, _ in rendezvous(stick, heavy, lambda entry: entry[1], lambda entry: entry[0].name)]
    else:
        drawn = draw_all([target for target, _ in heavy], [weight for _, weight in heavy], request.draw)
    return [*drawn, *(target for target, weight in able if weight == 0 and not alike)]


def _target(rule: Rule, name: str, labels: Labels) -> Target:
    return Target(name, grant=rule.access.grant if rule.access else None, labels=labels)
