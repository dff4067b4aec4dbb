"""Targets that several deployments may serve: which of them may, and what each of them costs.

LiteLLM chooses among them after the decision. So a target reserves for everyone who may be chosen, at the dearest; who
has no room is left out before LiteLLM chooses, and when it has chosen, the others get back what they reserved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, islice
from typing import Final

from governance.catalog.labels import mismatch
from governance.engine.decision import Decision
from governance.engine.host import Host
from governance.ledger import OptionReading, Reserved
from governance.ledger.reservation import Key, key_of
from governance.model import Charge, Refusal, Rejection, Request, Target, codes
from governance.model.labels import Labels
from governance.model.target import member_of
from governance.model.units import nothing
from governance.trace import Trace

# Of so many every choice is tried; of more only all, all but one, and each alone. The ledger weighs each of them.
_MOST_TRIED: Final = 4


def charge(
    host: Host, request: Request, targets: Sequence[Target], trace: Trace
) -> tuple[tuple[Target, ...], Refusal | None]:
    """Ask plugins what serving costs, for every deployment that may serve."""
    parts = [_parts(request, target) for target in targets]
    charged, refusal = host.charge_targets(request, [each for part in parts for each in part], trace)
    if refusal:
        return tuple(targets), refusal
    answers = iter(charged)
    together = [
        _together(target, list(islice(answers, len(part)))) for target, part in zip(targets, parts, strict=True)
    ]
    return tuple(together), None


def choices(target: Target) -> tuple[Target, ...]:
    """The target with all that may serve it, then with fewer of them: for each there may be room where for more
    there is none.
    """
    members = target.members
    if len(members) < 2 or all(member.charges == members[0].charges for member in members):
        return (target,)
    count = len(members)
    sizes = range(count, 0, -1) if count <= _MOST_TRIED else (count, count - 1, 1)
    return tuple(of_members(target, some) for size in sizes for some in combinations(members, size))


def of_members(target: Target, members: Sequence[Target]) -> Target:
    """The target, served by one of these."""
    return target.but(charges=tuple(_dearest(members)), members=tuple(members))


def served_by(target: Target, served: str) -> Target:
    """The target as it is when LiteLLM has chosen `provider/model`; as before where that is none of its own."""
    found = [member for member in target.members if member_of(member.name)[1] == served]
    return of_members(target, found) if found else target


def collapsed(
    targets: Sequence[Target], offered: Sequence[Sequence[Target]], reserved: Reserved
) -> tuple[list[Target], Reserved]:
    """The ledger's answer for each target instead of for each choice of those that may serve it."""
    if len(reserved.options) == len(targets):
        return list(targets), reserved
    readings = iter(enumerate(reserved.options))
    found: list[Target] = []
    options: list[OptionReading] = []
    chosen: int | None = None
    for position, (target, tried) in enumerate(zip(targets, offered, strict=True)):
        answers = [(choice, *next(readings)) for choice in tried]
        best = next((each for each in answers if each[1] == reserved.chosen), None)
        if best:
            chosen = position
        told = best or next((each for each in answers if each[2].fits), answers[0])
        # Who comes later is asked for room again, with all of its own.
        found.append(best[0] if best else target)
        options.append(told[2])
    return found, reserved._replace(options=tuple(options), chosen=chosen)


def _parts(request: Request, target: Target) -> tuple[Target, ...]:
    names = () if target.rejected or request.models is None else request.models.members(target.name)
    parts = tuple([target.but(name=name) for name in names]) if names else (target,)
    return tuple(_labelled(request, part) for part in parts) if request.require or target.require else parts


def _labelled(request: Request, target: Target) -> Target:
    """Rejected where its labels are not what is required, whoever brings it."""
    found = None if target.rejected else mismatch(request, target)
    return target.but(rejected=found) if found else target


def _together(target: Target, charged: Sequence[Target]) -> Target:
    if len(charged) == 1 and member_of(charged[0].name)[1] is None:
        return charged[0]
    able = [member for member in charged if member.rejected is None]
    # What one of them costs nobody knows, so nobody knows what the target will cost.
    unpriced = [member for member in charged if member.rejected and member.rejected.code == codes.UNPRICED]
    if unpriced or not able:
        return target.but(rejected=(unpriced or list(charged))[0].rejected)
    notes = dict.fromkeys(member.note for member in charged if member.note)
    return of_members(target, able).but(note="; ".join(notes) or target.note)


def _dearest(members: Iterable[Target]) -> Iterator[Charge]:
    """What all of them cost, each window once, at the highest."""
    found: dict[Key, Charge] = {}
    for member in members:
        for each in member.charges:
            key = key_of(each.window)
            if key not in found or each.amount > found[key].amount:
                found[key] = each
    yield from found.values()


def _stated(decision: Decision, call_name: str) -> Labels:
    """What the policy says of the target that this is, by another name for the same deployments."""
    models, request = decision.request.models, decision.request
    if models is None or not request.require:
        return nothing()
    known = [
        t for t in decision.by_call_name.values() if t.labels and models.meaning(t.name) == models.meaning(call_name)
    ]
    return known[0].labels if known else nothing()


def target_of(host: Host, decision: Decision, call_name: str) -> Target:
    """What LiteLLM calls so. One that the decision did not name, LiteLLM tries by itself; it is charged, too."""
    known = decision.by_call_name.get(call_name)
    if known is not None:
        return known
    target = Target(call_name, asked=True, labels=_stated(decision, call_name))
    charged, refusal = charge(host, decision.request, (target,), decision.trace)
    return target.but(rejected=Rejection(refusal.code, refusal.message)) if refusal else charged[0]
