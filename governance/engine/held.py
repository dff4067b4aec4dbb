"""A conversation goes on where it is: targets that do not have what it refers to may not serve it."""

from __future__ import annotations

from collections.abc import Sequence

from governance.ledger import Reserved
from governance.model import Refusal, Rejection, Request, Target, codes
from governance.trace import Trace


def holding(request: Request, targets: Sequence[Target]) -> Sequence[Target]:
    """The same targets, those rejected that do not have what the request refers to."""
    return targets if not request.held else [_holding(request, target) for target in targets]


def elsewhere(request: Request, trace: Trace, refusal: Refusal, reserved: Reserved | None) -> Refusal:
    """What the caller is told where no target can serve: of a conversation that one of them has, that it is there.

    A limit on the caller itself is told as it is: the conversation is not lost, and goes on when there is room again.

    Args:
        reserved: what the ledger said; None where it was not asked.
    """
    callers = reserved is not None and any(
        not reading.fits and reading.window.mode == "enforce" for reading in reserved.shared
    )
    if not request.held or callers or refusal.status in (401, 403) or refusal.code == codes.LEDGER_UNAVAILABLE:
        return refusal
    what = ", ".join(dict.fromkeys(held.what for held in request.held))
    has = [c for c in trace.candidates if c.reason != codes.CONVERSATION_ELSEWHERE]
    why = "; ".join(f"{c.target}: {c.reason}" + (f" ({c.detail})" if c.detail else "") for c in has if c.reason)
    where = f"what has it cannot serve now: {why}" if why else "no target of this request has it"
    return conflict(what, where, refusal.retry_after_s)


def conflict(what: str, where: str, retry_after_s: int | None = None) -> Refusal:
    """409: going on elsewhere would lose what came before."""
    again = "; repeat it later, or" if retry_after_s else ";"
    message = f"this request goes on with what a provider keeps ({what}), and {where}{again} begin anew: {_ANEW}"
    return Refusal(409, codes.CONVERSATION_ELSEWHERE, message, retry_after_s=retry_after_s)


_ANEW = "send the whole conversation, without ids, encrypted reasoning and files of before"


def _holding(request: Request, target: Target) -> Target:
    if target.rejected or request.models is None:
        return target
    for held in request.held:
        if not request.models.holds(target.name, held):
            detail = f"it does not have the {held.what}" if held.what != "encrypted reasoning" else _NO_KEY
            return target.but(rejected=Rejection(codes.CONVERSATION_ELSEWHERE, detail))
    return target


_NO_KEY = "it cannot read the encrypted reasoning"
