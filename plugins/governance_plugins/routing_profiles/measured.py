"""Orders that depend on what a target costs for this request, or on how long it keeps callers waiting."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from governance.model import NO_FACTS, Request, Target
from governance.model.draws import draw_all
from governance.model.sizes import Expected, expected_cost
from governance.model.speeds import UNKNOWN, Wait
from governance_plugins.routing_profiles.draw import Ranked
from governance_plugins.routing_profiles.price import usd


def by_cost(entries: Sequence[tuple[Ranked, Target]], request: Request) -> tuple[Target, ...]:
    """Strategy `cheapest`: by priority, then by what the request is expected to cost, then from heavy to light.

    A target whose price nobody knows comes behind those of its priority whose price is known.
    """
    priced = []
    for ranked, target in entries:
        facts = request.models.facts(target.name) if request.models else NO_FACTS
        cost = expected_cost(request, facts, target.name)
        priced.append((ranked, _noting(target, _cost_text(cost)), cost.usd_micros))
    priced.sort(key=lambda each: (each[0].priority, each[2] is None, each[2] or 0, -each[0].weight))
    return tuple(target for _, target, _ in priced)


def by_wait(entries: Sequence[tuple[Ranked, Target]], request: Request) -> tuple[Target, ...]:
    """Strategy `fastest`: by priority, then the better of two that are drawn by weight, then from fast to slow.

    Drawing keeps requests of many processes from all going to the one that was fastest a moment ago. Weight 0 is never
    drawn and comes last of all; where every weight is 0, all are alike.
    """
    alike = all(ranked.weight == 0 for ranked, _ in entries)
    measured = []
    for ranked, target in entries:
        wait = UNKNOWN
        if request.speeds is not None:
            wait = request.speeds.wait(target.name, streaming=request.streaming, prompt_tokens=request.prompt_tokens)
        measured.append((ranked, _noting(target, _wait_text(wait, request.streaming)), wait.score_ms))
    measured.sort(key=lambda each: (each[0].priority, each[2]))
    ordered: list[Target] = []
    drawable = [each for each in measured if alike or each[0].weight > 0]
    for place, (_, group) in enumerate(groupby(drawable, key=lambda each: each[0].priority)):
        members = list(group)
        if place == 0 and len(members) > 2:
            weights = [1.0 if alike else ranked.weight for ranked, _, _ in members]
            two = draw_all(range(len(members)), weights, request.draw)[:2]
            members.insert(0, members.pop(min(two)))
        ordered += [target for _, target, _ in members]
    return (*ordered, *(target for ranked, target, _ in measured if not alike and ranked.weight == 0))


def _noting(target: Target, text: str) -> Target:
    return target.but(note="; ".join(filter(None, (target.note, text))))


def _cost_text(cost: Expected) -> str:
    if cost.usd_micros is None:
        return "cheapest: no price is known, so it comes last"
    cached = f", {cost.cached_tokens:,} of them cached" if cost.cached_tokens else ""
    return (
        f"cheapest: about {usd(cost.usd_micros)} for {cost.input_tokens:,} tokens{cached}, "
        f"and {cost.output_tokens:,} of the answer"
    )


def _wait_text(wait: Wait, streaming: bool) -> str:
    if wait.wait_ms is None:
        return f"fastest: not seen yet, {wait.in_flight} under way"
    until = "the first token" if streaming else "the answer"
    return f"fastest: {wait.wait_ms:,} ms to {until} x ({wait.in_flight} under way + 1) = {round(wait.score_ms):,} ms"
