"""The account of one request: who said what, in which order, and what came of it.

The engine alone writes it. Headers, the decision log, metrics, `explain` and the UI all read it and nothing else.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal, NamedTuple

from governance.ledger import Reading
from governance.model import Refusal, Request, Target, Usage

Outcome = Literal["route", "refuse", "pass"]


class Step(NamedTuple):
    """One thing that one plugin did."""

    plugin: str
    hook: str
    did: str
    us: int


class Candidate(NamedTuple):
    """A target that was considered. `reason` is None for the chosen one and for those behind it that could serve."""

    target: str
    chosen: bool
    reason: str | None
    detail: str = ""


@dataclass(slots=True)
class Attempt:
    """One try of one target. `outcome`: `started`, `ok`, `failed` or `skipped`. `reached`: a provider was asked."""

    target: str
    outcome: str
    started_s: float
    reached: bool = False
    error: str | None = None
    ms: int = 0


@dataclass(slots=True)
class Trace:
    """See `record` for what it holds; every list is in the order of events. `moves`: hops of the reservation."""

    request: Request
    policy_revision: str
    at_s: float
    mode: Literal["live", "simulated"]
    id: str = field(default_factory=lambda: uuid7())
    outcome: Outcome = "pass"
    model: str = ""
    fallbacks: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)
    windows: list[tuple[Reading, bool]] = field(default_factory=list)
    refusal: Refusal | None = None
    shadow: list[Mapping[str, Any]] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    usage: Usage | None = None
    steps: list[Step] = field(default_factory=list)
    moves: int = 0

    def step(self, plugin: str, hook: str, did: str, since_ns: int = 0) -> None:
        """Note what `plugin` did; `since_ns` is `perf_counter_ns` when it began."""
        us = (time.perf_counter_ns() - since_ns) // 1000 if since_ns else 0
        self.steps.append(Step(plugin, hook, did, us))

    def consider(self, targets: Sequence[Target]) -> None:
        """Note targets that will not be asked for room: those that cannot serve."""
        for target in targets:
            if target.rejected:
                self.candidates.append(Candidate(target.name, False, target.rejected.code, target.rejected.detail))

    def record(self) -> dict[str, Any]:
        """The decision record, ready for JSON. No prompt, no completion, no header values."""
        request, identity = self.request, self.request.identity
        return {
            "id": self.id,
            "at": iso(self.at_s),
            "policy_revision": self.policy_revision,
            "mode": self.mode,
            "request": {
                "model": request.model,
                "request_type": request.request_type,
                "task": self.notes.get("task", request.task),
                "modalities": sorted(request.modalities),
                "capabilities": sorted(request.capabilities),
                "prompt_tokens": request.prompt_tokens,
                "max_output_tokens": request.max_output_tokens,
                "streaming": request.streaming,
                "tags": list(request.tags),
            },
            "identity": {
                "virtual_key_id": identity.virtual_key_id,
                "virtual_key_name": identity.virtual_key_name,
                "user_id": identity.user_id,
                "team_id": identity.team_id,
                "team_name": identity.team_name,
                "customer_id": identity.customer_id,
                "end_user_id": identity.end_user_id,
            },
            "outcome": self.outcome,
            "model": self.model or None,
            "fallbacks": list(self.fallbacks),
            "rule": self.notes.get("rule"),
            "profile": self.notes.get("profile"),
            "virtual_provider": self.notes.get("virtual_provider"),
            "candidates": [_candidate(candidate) for candidate in self.candidates],
            "windows": [_window(reading, counted) for reading, counted in self.windows],
            "refusal": _refusal(self.refusal),
            "shadow": [dict(entry) for entry in self.shadow],
            "attempts": [_attempt(attempt) for attempt in self.attempts],
            "usage": _usage(self.usage),
            "steps": [{"plugin": s.plugin, "hook": s.hook, "did": s.did, "us": s.us} for s in self.steps],
        }


def iso(at_s: float) -> str:
    """`2026-11-20T12:00:00.123Z`."""
    moment = datetime.fromtimestamp(at_s, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def uuid7() -> str:
    """A time-ordered id that nobody can guess. Source: RFC 9562, section 5.7."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | 7 << 76
    value = (value & ~(0x3 << 62)) | 2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def period_text(period: int | str | None) -> str:
    """How a window's period is written: `60s`, `month`, `in flight`."""
    return "in flight" if period is None else f"{period}s" if isinstance(period, int) else period


def _candidate(candidate: Candidate) -> dict[str, Any]:
    shown: dict[str, Any] = {"target": candidate.target, "chosen": candidate.chosen, "reason": candidate.reason}
    return {**shown, "detail": candidate.detail} if candidate.detail else shown


def _window(reading: Reading, counted: bool) -> dict[str, Any]:
    window = reading.window
    return {
        "limit": window.limit,
        "subject": window.subject,
        "unit": window.unit,
        "limit_amount": window.amount,
        "used_before": reading.used,
        "reserved": reading.amount if counted else 0,
        "window": period_text(window.period),
        "resets_at": None if reading.resets_at_s is None else iso(reading.resets_at_s),
        "mode": window.mode,
        "fits": reading.fits,
    }


def _refusal(refusal: Refusal | None) -> dict[str, Any] | None:
    if refusal is None:
        return None
    return {
        "status": refusal.status,
        "code": refusal.code,
        "message": refusal.message,
        "limit": refusal.limit,
        "retry_after_s": refusal.retry_after_s,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    shown: dict[str, Any] = {"target": attempt.target, "outcome": attempt.outcome, "ms": attempt.ms}
    return {**shown, "error": attempt.error} if attempt.error else shown


def _usage(usage: Usage | None) -> dict[str, int | None] | None:
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd_micros": usage.cost_usd_micros,
    }
