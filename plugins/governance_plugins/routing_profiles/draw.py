"""The order in which a profile's targets are tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Protocol

from governance.model import Target
from governance.model.conversation import Stick, rendezvous
from governance.model.draws import draw_all


class Ranked(Protocol):
    """What the order of a target depends on."""

    priority: int
    weight: float


def by_priority(entries: Sequence[tuple[Ranked, Target]]) -> tuple[Target, ...]:
    """Strategy `ordered_failover`: priority, then weight from heavy to light, then file order."""
    return tuple([target for _, target in sorted(entries, key=lambda entry: (entry[0].priority, -entry[0].weight))])


def by_draw(
    entries: Sequence[tuple[Ranked, Target]], draw: Callable[[], float], stick: Stick | None = None
) -> tuple[Target, ...]:
    """Strategy `weighted`: priority group by priority group, drawn without replacement in proportion to weight.

    Weight 0 is never drawn and comes last of all; where every weight is 0, all are alike.

    Args:
        stick: the conversation, whose draw is always the same.
    """
    alike = all(ranked.weight == 0 for ranked, _ in entries)
    ordered = sorted(entries, key=lambda entry: entry[0].priority)
    drawable = [entry for entry in ordered if alike or entry[0].weight > 0]
    targets = []
    for _, group in groupby(drawable, key=lambda entry: entry[0].priority):
        members = [(target, 1.0 if alike else ranked.weight) for ranked, target in group]
        if stick:
            found = rendezvous(stick, members, lambda member: member[1], lambda member: member[0].name)
            targets += [target for target, _ in found]
        else:
            targets += draw_all([target for target, _ in members], [weight for _, weight in members], draw)
    return (*targets, *(target for ranked, target in ordered if not alike and ranked.weight == 0))
