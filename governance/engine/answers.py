"""What a plugin answered: whether it is an answer of its hook, what it changes, and how the record tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from governance.model import Charge, Recovery, Refusal, Request, Ruling, Selection, Target
from governance.model.labels import both
from governance.trace import Trace


def check(hook: str, answer: Any, expected: Any) -> None:
    """Raises TypeError for what the hook may not return, at any depth that the engine reads."""
    if not isinstance(answer, expected):
        raise TypeError(f"{hook} returned {type(answer).__name__}")
    if isinstance(answer, Ruling):
        _check_each(hook, "charges", answer.charges, Charge)
    proposed = isinstance(answer, (Ruling, Selection))
    targets = answer.targets if proposed else answer if hook in ("select_targets", "charge_targets") else ()
    for target in targets:
        if not isinstance(target, Target):
            _check_each(hook, "targets", (target,), Target)
        for charge in target.charges:
            if not isinstance(charge, Charge):
                _check_each(hook, f"charges of {target.name}", (charge,), Charge)
    if proposed:
        if answer.refusal is not None:
            _check_each(hook, "refusal", [answer.refusal], Refusal)
        if answer.notes.__class__ is not dict:
            _check_each(hook, "notes", [answer.notes], Mapping)
        if answer.shadow:
            _check_each(hook, "shadow", answer.shadow, Mapping)


def _check_each(hook: str, what: str, values: Sequence[Any], expected: type) -> None:
    for value in values:
        if not isinstance(value, expected):
            raise TypeError(f"{hook} returned {type(value).__name__} among its {what}")


def as_ruled(request: Request, ruling: Ruling) -> Request:
    """The request that the next plugin sees."""
    return request.but(
        model=ruling.model or request.model,
        task=ruling.task or request.task,
        targets=ruling.targets or request.targets,
        require=both(request.require, ruling.require) if ruling.require else request.require,
        keep_fallbacks=ruling.keep_fallbacks if ruling.targets else request.keep_fallbacks,
    )


def note_shadows(charges: Sequence[Charge], plugin: str, trace: Trace) -> None:
    """Remember which plugin brought the limits that are in shadow mode."""
    # Whether a shadow limit would have refused is known only when its window was read.
    for charge in charges:
        if charge.window.mode == "shadow":
            trace.shadow_limits.setdefault(charge.window.limit, plugin)


def told(hook: str, answer: Any) -> str:
    """What the record says that the plugin did, in a few words."""
    if hook == "charge_targets":
        return _charged(answer)
    if isinstance(answer, Ruling):
        if answer.refusal:
            return "; ".join([*answer.remarks, f"refused: {answer.refusal.code}"])
        parts = [f"{len(answer.charges)} charges"] if answer.charges else []
        parts += [f"model {answer.model}"] if answer.model else []
        parts += [f"{len(answer.targets)} targets"] if answer.targets else []
        parts += [f"requires {', '.join(map(str, answer.require))}"] if answer.require else []
        return "; ".join([*answer.remarks, ", ".join(parts)] if parts else answer.remarks) or "annotated"
    if isinstance(answer, Selection) and answer.refusal:
        return f"refused: {answer.refusal.code}"
    if isinstance(answer, (Selection, list, tuple)):
        targets = answer.targets if isinstance(answer, Selection) else answer
        rejected = sum(1 for target in targets if target.rejected)
        return f"proposed {len(targets)} targets" + (f", {rejected} of them rejected" if rejected else "")
    if isinstance(answer, Recovery):
        return (
            f"cool down {answer.cool_down_s:g} s" if answer.cool_down_s else "try next" if answer.try_next else "stop"
        )
    return "done"


def _charged(targets: Sequence[Target]) -> str:
    charges = rejected = 0
    for target in targets:
        charges += len(target.charges)
        rejected += target.rejected is not None
    return f"{charges} charges on {len(targets)} targets" + (f", {rejected} of them rejected" if rejected else "")
