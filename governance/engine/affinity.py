"""Conversations stay with the target that has answered them last; the ledger keeps which that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from governance.engine.refusals import duration
from governance.ledger import Reserved
from governance.ledger.pins import Asked, Pin, Pinning
from governance.model import Target, codes
from governance.model.failure_kinds import OF_THE_REQUEST
from governance.trace import Trace

_LEAST_TOKENS: Final = 1024
"""No provider caches a shorter prompt."""
# Why a target may not serve this request though it has the conversation, and will serve the next one again.
_FOR_NOW: Final = frozenset(
    {
        codes.REQUESTS_EXHAUSTED,
        codes.TOKENS_EXHAUSTED,
        codes.COST_EXHAUSTED,
        codes.CONCURRENCY_EXHAUSTED,
        codes.CAPABILITY_MISMATCH,
        codes.CONTEXT_WINDOW_EXCEEDED,
        codes.OUTPUT_LIMIT_EXCEEDED,
        codes.REQUEST_TYPE_MISMATCH,
    }
)


def asked(trace: Trace, offered: Sequence[Sequence[Target]]) -> Asked | None:
    """What the ledger has to know to keep a conversation where it is; None where the policy does not ask for it.

    Args:
        offered: every choice that the ledger weighs, target by target.
    """
    if trace.stick is None:
        return None
    return Asked(trace.stick.key, tuple(choice.name for tried in offered for choice in tried), trace.stick.ttl_s)


def tell(trace: Trace, reserved: Reserved) -> None:
    """Note who has answered the conversation last, and whether that one goes on."""
    stick, pin = trace.stick, reserved.pin
    if stick is None:
        return
    trace.pin = pin
    said = f"affinity by {stick.kind}: "
    for i, candidate in enumerate(trace.candidates):
        if candidate.chosen:
            said += _why(trace, candidate.target, pin, reserved.now_s)
            detail = "; ".join(filter(None, (candidate.detail, said)))
            trace.candidates[i] = candidate._replace(detail=detail)
            trace.step("engine", "affinity", said)
            return


def _why(trace: Trace, chosen: str, pin: Pin | None, now_s: float) -> str:
    if pin is None:
        return "nobody has answered this conversation yet, as far as is known"
    ago = duration(max(0, round(now_s - pin.at_s)))
    if pin.target == chosen:
        return f"it answered this conversation {ago} ago, {pin.cached_tokens:,} tokens of the prompt cached"
    reason = next((c.reason for c in trace.candidates if c.target == pin.target), "no target of this request any more")
    return f"{pin.target} answered this conversation {ago} ago and cannot now: {reason}"


def pinning(trace: Trace, target: Target) -> Pinning | None:
    """The pin that an answer leaves: where it is worth one, and not in place of one that only paused.

    Args:
        target: who has answered.
    """
    stick, pin, usage = trace.stick, trace.pin, trace.usage
    if stick is None or usage is None:
        return None
    tokens = trace.request.prompt_tokens if usage.input_tokens is None else usage.input_tokens
    if not usage.cached_tokens and tokens < _LEAST_TOKENS and not stick.task:
        return None
    if pin is not None and pin.target != target.name and not _has_left(trace, pin.target):
        return None
    deployment = trace.attempts[-1].deployment if trace.attempts else ""
    task = trace.notes.get("task", "") if stick.task else ""
    return Pinning(stick.key, Pin(target.name, deployment, cached_tokens=usage.cached_tokens, task=task), stick.ttl_s)


def _has_left(trace: Trace, name: str) -> bool:
    """Whether a target does not serve this conversation any more: it failed, is left alone, or is none of its own."""
    for attempt in trace.attempts:
        if attempt.target == name and attempt.outcome == "failed":
            return attempt.error not in OF_THE_REQUEST
        if attempt.target == name and attempt.outcome == "skipped":
            return attempt.error not in _FOR_NOW
    found = next((candidate for candidate in trace.candidates if candidate.target == name), None)
    return found is None or (found.reason is not None and found.reason not in _FOR_NOW)
