"""What a decision tells its caller in HTTP headers."""

from __future__ import annotations

import math
import time
from functools import lru_cache
from typing import Final

from governance.ledger import Reading
from governance.limits.subjects import EVERYONE, of_caller
from governance.model import Request
from governance.trace import DEBUG_HEADER, Candidate, Trace

DEBUG_METADATA: Final = "governance_debug"
_MOST_CANDIDATES: Final = 20
_OPENAI_NAMES: Final = {
    "requests": ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    "tokens": ("x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
}
# Most answers have the same few in their heads; callers name models and subjects, so it is bounded.
_MOST_NAMES: Final = 4096


def decision_headers(trace: Trace) -> dict[str, str]:
    """Which decision this was, who served, after how many attempts, and what is left of the limits."""
    tried = [attempt for attempt in trace.attempts if attempt.outcome != "skipped"]
    headers = {"x-governance-decision-id": trace.id}
    if trace.refusal is None:
        headers["x-governance-target"] = _plain(tried[-1].target if tried else trace.model)
        headers["x-governance-attempts"] = str(len(tried))
    elif trace.refusal.retry_after_s is not None:
        headers["retry-after"] = str(trace.refusal.retry_after_s)
    for note in ("profile", "rule", "task", "ledger"):
        if note in trace.notes:
            headers[f"x-governance-{note}"] = _plain(str(trace.notes[note]))
    if _may_see_more(trace.request):
        headers["x-governance-candidates"] = ", ".join(map(_candidate, trace.candidates[:_MOST_CANDIDATES]))
    return headers | limit_headers(trace, time.time())


def _may_see_more(request: Request) -> bool:
    # Which targets there are is the operator's to tell, so the key (or its team) must be verified to be one of those.
    asked = request.headers.get(DEBUG_HEADER, "").lower() == "true"
    return asked and request.identity.metadata.get(DEBUG_METADATA) is True


def _candidate(candidate: Candidate) -> str:
    state = "chosen" if candidate.chosen else f"reason={candidate.reason}" if candidate.reason else "next"
    return f"{_plain(candidate.target)};{state}"


def limit_headers(trace: Trace, now_s: float) -> dict[str, str]:
    """`RateLimit` and `RateLimit-Policy` of every limit that was counted or that refused, and `x-ratelimit-*`
    of the tightest one per unit, as OpenAI's clients read them.

    Source: draft-ietf-httpapi-ratelimit-headers-10; OpenAI's API reference, "rate limits in headers".
    """
    refused = trace.refusal is not None
    policies, states = [], []
    tightest: dict[str, tuple[int, int, int]] = {}
    for reading, counted in trace.windows:
        window = reading.window
        if not (counted or (refused and not reading.fits)) or window.mode != "enforce" or window.unit == "concurrent":
            continue
        if reading.fits and not _callers_business(window.subject):
            continue
        name, amount = _name(window.limit, window.unit), window.amount
        left = max(0, amount - reading.used - (reading.amount if counted else 0))
        resets_s = _resets_in_s(reading, now_s)
        policies.append(
            f"{name};q={amount};w={window.period}" if isinstance(window.period, int) else f"{name};q={amount}"
        )
        states.append(f"{name};r={left};t={resets_s}")
        if window.unit not in tightest or left < tightest[window.unit][0]:
            tightest[window.unit] = (left, amount, resets_s)
    if not policies:
        return {}
    headers = {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}
    for unit, names in _OPENAI_NAMES.items():
        if unit in tightest:
            left, amount, resets_s = tightest[unit]
            headers.update(zip(names, (str(amount), str(left), f"{resets_s}s"), strict=True))
    return headers


@lru_cache(maxsize=_MOST_NAMES)
def _callers_business(subject: str) -> bool:
    """What all callers together use, or have left at a provider, is nothing to tell each of them."""
    return subject.startswith("target:") or (of_caller(subject) and subject != EVERYONE)


def _resets_in_s(reading: Reading, now_s: float) -> int:
    at_s = reading.room_at_s if not reading.fits and reading.room_at_s is not None else reading.resets_at_s
    period = reading.window.period
    if at_s is None or (reading.used == 0 and isinstance(period, int)):
        return period if isinstance(period, int) else 0
    return max(0, math.ceil(at_s - now_s))


@lru_cache(maxsize=_MOST_NAMES)
def _name(limit: str, unit: str) -> str:
    text = _plain(f"{limit} {unit}")
    return '"' + text.replace("\\", "?").replace('"', "?") + '"'


@lru_cache(maxsize=_MOST_NAMES)
def _plain(value: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in value)
