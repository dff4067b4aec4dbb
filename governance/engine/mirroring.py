"""A mirrored request is decided: on its own budget and limits, and on nobody else's."""

from __future__ import annotations

from collections.abc import Sequence

from governance.catalog import screen
from governance.engine import groups, held
from governance.engine.admission import AskLedger, MayCall
from governance.engine.decision import Decision, decided, note_candidates, note_windows, option_of
from governance.engine.engine import Engine
from governance.ledger import Reserved
from governance.model import NOBODY, Target
from governance.trace import Trace


async def admit_mirror(engine: Engine, of: Decision, may_call: MayCall | None = None) -> Decision | str:
    """Reserve for the mirror of a request, or the reason code for which it is not sent.

    The target is judged for whoever has asked: by its abilities, and by what the key may call where the policy grants
    by targets or denies models. Limits of callers are not charged, those of providers, models and targets are.

    Args:
        of: the decision of the request that was answered.
    """
    host, mirror, request = engine.host, of.trace.mirror, of.request
    if mirror is None:
        return "none"
    request = request.but(model=mirror.target.name, fallbacks=(), streaming=False)
    trace = Trace(request, of.trace.policy_revision, engine.clock(), "live", arm=of.trace.arm, mirror_of=of.id)
    target = held.holding(request, [screen(request, mirror.target)])[0]
    if target.rejected:
        return target.rejected.code
    grant = target.grant or host.policy.core.access.grant
    if grant == "targets" and may_call and not await may_call(of.call_name(target)):
        return "model_not_allowed"
    # Once for whoever asks, to hear an objection; once for nobody, to be charged for what serves alone.
    (judged, *_), refusal = groups.charge(host, request, (target.but(charges=()),), trace)
    if refusal or judged.rejected:
        return judged.rejected.code if judged.rejected else refusal.code if refusal else "none"
    (charged, *_), refusal = groups.charge(host, request.but(identity=NOBODY, tags=()), (target,), trace)
    if refusal or charged.rejected:
        return charged.rejected.code if charged.rejected else refusal.code if refusal else "none"
    return await _reserved(engine.ask_ledger, trace, charged)


async def _reserved(ask: AskLedger, trace: Trace, target: Target) -> Decision | str:
    targets: Sequence[Target] = [target]
    offered = [groups.choices(target)]
    reserved = await ask(trace, (), [option_of(choice) for tried in offered for choice in tried], None)
    if not isinstance(reserved, Reserved):
        return reserved.code
    note_windows(trace, reserved)
    targets, reserved = groups.collapsed(targets, offered, reserved)
    note_candidates(trace, targets, reserved)
    if reserved.chosen is None:
        return trace.candidates[0].reason or "none"
    trace.model = targets[0].name
    return decided("route", trace.request, trace, targets[0], (), ())
