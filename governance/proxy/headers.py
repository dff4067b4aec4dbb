"""What a decision tells its caller in HTTP headers."""

from __future__ import annotations

import math
import time
from typing import Final

from governance.ledger import Reading
from governance.limits.subjects import EVERYONE, of_caller
from governance.model import Request
from governance.trace import Candidate, Trace

DEBUG_HEADER: Final = "x-governance-debug"
DEBUG_METADATA: Final = "governance_debug"
_MOST_CANDIDATES: Final = 20
_OPENAI_NAMES = {"requests": "requests", "tokens": "tokens"}


def decision_headers(trace: Trace) -> dict[str, str]:
    """Which decision this was, who served, after how many attempts, and what is left of the limits."""
    tried = [attempt for attempt in trace.attempts if attempt.outcome != "skipped"]
    headers = {"x-governance-decision-id": trace.id}
    if trace.refusal is None:
        headers["x-governance-target"] = _plain(tried[-1].target if tried else trace.model)
        headers["x-governance-attempts"] = str(len(tried))
    elif trace.refusal.retry_after_s is not None:
        headers["retry-after"] = str(trace.refusal.retry_after_s)
    for note in ("profile", "rule", "task"):
        if note in trace.notes:
            headers[f"x-governance-{note}"] = _plain(trace.notes[note])
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
    told = [(r, counted) for r, counted in trace.windows if counted or (trace.refusal and not r.fits)]
    told = [(r, counted) for r, counted in told if r.window.mode == "enforce" and r.window.unit != "concurrent"]
    told = [(r, counted) for r, counted in told if _callers_business(r.window.subject) or not r.fits]
    if not told:
        return {}
    headers = {
        "RateLimit-Policy": ", ".join(f"{_name(r)};q={r.window.amount}{_window(r)}" for r, _ in told),
        "RateLimit": ", ".join(f"{_name(r)};r={_left(r, counted)};t={_resets_in_s(r, now_s)}" for r, counted in told),
    }
    for unit, word in _OPENAI_NAMES.items():
        same = [(r, counted) for r, counted in told if r.window.unit == unit]
        if same:
            reading, counted = min(same, key=lambda entry: _left(*entry))
            headers[f"x-ratelimit-limit-{word}"] = str(reading.window.amount)
            headers[f"x-ratelimit-remaining-{word}"] = str(_left(reading, counted))
            headers[f"x-ratelimit-reset-{word}"] = f"{_resets_in_s(reading, now_s)}s"
    return headers


def _callers_business(subject: str) -> bool:
    """What all callers together use, or have left at a provider, is nothing to tell each of them."""
    return subject.startswith("target:") or (of_caller(subject) and subject != EVERYONE)


def _left(reading: Reading, counted: bool) -> int:
    return max(0, reading.window.amount - reading.used - (reading.amount if counted else 0))


def _resets_in_s(reading: Reading, now_s: float) -> int:
    at_s = reading.room_at_s if not reading.fits and reading.room_at_s is not None else reading.resets_at_s
    period = reading.window.period
    if at_s is None or (reading.used == 0 and isinstance(period, int)):
        return period if isinstance(period, int) else 0
    return max(0, math.ceil(at_s - now_s))


def _window(reading: Reading) -> str:
    period = reading.window.period
    return f";w={period}" if isinstance(period, int) else ""


def _name(reading: Reading) -> str:
    text = _plain(f"{reading.window.limit} {reading.window.unit}")
    return '"' + text.replace("\\", "?").replace('"', "?") + '"'


def _plain(value: object) -> str:
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in str(value))
