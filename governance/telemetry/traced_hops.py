"""The attempts of a request as a line of recorded traffic has them, and what each of them used."""

from __future__ import annotations

from typing import Any, Final

from governance.model import Usage
from governance.model.quantities import Quantities
from governance.model.sizes import LARGEST_USE
from governance.trace import Attempt, Trace

# Tokens in, out and cached have their own fields.
_MORE_FROM: Final = 3
_MORE: Final = Quantities._fields[_MORE_FROM:]
_NO_MORE: Final = (0,) * len(_MORE)

Told = dict[str, Any]


def hop(attempt: Attempt, at_s: float) -> Told:
    """One attempt of a request that arrived at `at_s`, Unix seconds."""
    told: Told = {"to": attempt.target, "out": attempt.outcome}
    start_us = round((attempt.started_s - at_s) * 1_000_000)
    if start_us > 0:
        told["start"] = start_us
    if attempt.ms:
        told["ms"] = attempt.ms
    if attempt.error is not None:
        told["err"] = attempt.error
    if attempt.served:
        told["served"] = attempt.served
    if attempt.deployment:
        told["dep"] = attempt.deployment
    if not attempt.reached:
        told["reached"] = False
    if attempt.status is not None:
        told["status"] = attempt.status
    if attempt.retry_after_s is not None:
        told["after"] = attempt.retry_after_s
    if attempt.probe:
        told["probe"] = True
    if attempt.labels:
        told["labels"] = dict(attempt.labels)
    return told


def hops_with_parts(trace: Trace) -> list[Told]:
    """The attempts, with what each of the targets that failed had delivered; the answer's own is not among it."""
    parts = list(trace.parts[1:])
    hops = []
    for attempt in trace.attempts:
        told = hop(attempt, trace.at_s)
        own = next((part for part in parts if part[0] == attempt.target and attempt.outcome == "failed"), None)
        if own is not None:
            parts.remove(own)
            told["part"] = used(own[1])
        hops.append(told)
    # Whoever it was, what it used was counted.
    return [*hops, *({"to": name, "out": "failed", "part": used(usage)} for name, usage in parts)]


def used(usage: Usage) -> Told:
    """What an answer used, as the ledger settled it."""
    told: Told = {}
    if usage.input_tokens is not None:
        told["in"] = usage.input_tokens
    if usage.output_tokens is not None:
        told["out"] = usage.output_tokens
    if usage.cost_usd_micros is not None:
        # Whatever a provider reports, the ledger counts no more than this.
        told["usd"] = min(usage.cost_usd_micros, LARGEST_USE)
    if usage.cached_tokens:
        told["cached"] = usage.cached_tokens
    if usage.saved_usd_micros:
        told["saved"] = usage.saved_usd_micros
    if usage.quantities and (more := usage.quantities[_MORE_FROM:]) != _NO_MORE:
        told["more"] = {name: amount for name, amount in zip(_MORE, more, strict=True) if amount}
    return told
