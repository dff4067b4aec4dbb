"""The account of one request: who said what, in which order, and what came of it.

The engine alone writes it. Headers, the decision log, metrics, `explain` and the UI all read it and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from governance.ledger import Reading
from governance.ledger.pins import Pin
from governance.model import Refusal, Request, RetryBudget, Target, Usage, Window
from governance.model.conversation import Recall, Stick
from governance.model.failure_kinds import whose
from governance.model.ids import uuid7
from governance.model.labels import Labels, Require
from governance.model.mirror import Mirror
from governance.model.units import nothing

# Callers may ask an answer for more than it tells else.
DEBUG_HEADER: Final = "x-governance-debug"

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
    """One try of one target. `outcome`: `started`, `ok`, `failed` or `skipped`. `reached`: a provider was asked.
    `served`: the `provider/model` of the deployment that was asked, where several may serve the target.
    `deployment`: the proxy's id of it.
    `probe`: it was to find out whether the target is well after its cool-down.
    `labels`: of the deployment that was asked, with what the policy says of it.
    `status`, `retry_after_s`: with what the provider has failed, and how long it says to wait.
    """

    target: str
    outcome: str
    started_s: float
    reached: bool = False
    error: str | None = None
    ms: int = 0
    served: str = ""
    status: int | None = None
    retry_after_s: float | None = None
    probe: bool = False
    deployment: str = ""
    labels: Labels = field(default_factory=nothing)


@dataclass(slots=True)
class Trace:
    """See `record` for what it holds; every list is in the order of events. `moves`: hops of the reservation.
    `decided_us`: what deciding took. `shadow_limits`: limits that only watch, with the plugin of each. `probing`: the
    target that this request probes for all others, until it is known. `budget`: of extra attempts, since one has
    failed. `arm`: of the policy that decided, while another is tried. `would`: what that one would have done.
    `draws`: random numbers that decided. `facts_read`: names of what conditions of the policy may look at.
    `drained_by`: ids of overlay entries. `stick`: the conversation that should stay where it is. `pin`: who has
    answered it last, as the ledger knows. `require`: of the labels of whoever serves. `task_by`: what decided the
    task. `recall`: what is asked of the conversation before. `parts`: what each target delivered where several did,
    that of the answer first. `kept_usd_micros`: stays counted as it was reserved, since nobody knows what the answer
    cost."""

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
    decided_us: int = 0
    shadow_limits: dict[str, str] = field(default_factory=dict)
    probing: str = ""
    budget: RetryBudget | None = None
    arm: str = ""
    would: Mapping[str, Any] | None = None
    draws: list[float] = field(default_factory=list)
    facts_read: frozenset[str] = frozenset()
    drained_by: dict[str, None] = field(default_factory=dict)
    stick: Stick | None = None
    mirror: Mirror | None = None
    mirror_of: str = ""
    pin: Pin | None = None
    require: Require = ()
    task_by: str = ""
    parts: list[tuple[str, Usage]] = field(default_factory=list)
    kept_usd_micros: int = 0
    recall: Recall | None = None

    def step(self, plugin: str, hook: str, did: str, since_ns: int = 0) -> None:
        """Note what `plugin` did; `since_ns` is `perf_counter_ns` when it began."""
        us = (time.perf_counter_ns() - since_ns) // 1000 if since_ns else 0
        self.steps.append(Step(plugin, hook, did, us))

    def consider(self, targets: Sequence[Target]) -> None:
        """Note targets that will not be asked for room: those that cannot serve."""
        for target in targets:
            if target.rejected:
                self.candidates.append(Candidate(target.name, False, target.rejected.code, target.rejected.detail))
                if target.rejected.overlay:
                    self.drained_by[target.rejected.overlay] = None

    @property
    def family(self) -> str:
        """The targets that may serve in each other's place: those of a profile or a rule, else of a model."""
        return self.notes.get("profile") or self.notes.get("rule") or self.request.model

    @property
    def served(self) -> str | None:
        """The target that answered; None while none has."""
        for attempt in reversed(self.attempts):
            if attempt.outcome == "ok":
                return attempt.target
        return None

    @property
    def overlay(self) -> tuple[str, ...]:
        """Ids of what is in force beside the policy and had a hand in this."""
        windows = (id for reading, _ in self.windows for id in reading.window.overlay)
        profile = [self.notes["overlay"]] if "overlay" in self.notes else []
        return tuple(dict.fromkeys((*profile, *self.drained_by, *windows)))

    def record(self, headers: Collection[str] = ()) -> dict[str, Any]:
        """The decision record, ready for JSON. No prompt, no completion, no header values.

        Args:
            headers: names, in lower case, of those whose values are in it after all.
        """
        request, identity = self.request, self.request.identity
        shown = {name: request.headers[name] for name in headers if name in request.headers}
        return {
            "id": self.id,
            "at": iso(self.at_s),
            "policy_revision": self.policy_revision,
            # Only while a policy is tried.
            **({"arm": self.arm} if self.arm else {}),
            **({"would": dict(self.would)} if self.would else {}),
            "mode": self.mode,
            "request": {
                "model": request.model,
                "request_type": request.request_type,
                "task": self.notes.get("task", request.task),
                # Only where the policy routes by tasks.
                **({"task_by": self.task_by} if self.task_by else {}),
                "modalities": sorted(request.modalities),
                "capabilities": sorted(request.capabilities),
                "prompt_tokens": request.prompt_tokens,
                "max_output_tokens": request.max_output_tokens,
                "streaming": request.streaming,
                "tags": list(request.tags),
                **({"headers": shown} if headers else {}),
                **({"require": [each.record for each in self.require]} if self.require else {}),
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
            "served": self.served,
            "rule": self.notes.get("rule"),
            "profile": self.notes.get("profile"),
            "virtual_provider": self.notes.get("virtual_provider"),
            # Only where a limit made the request ask for less.
            **({"degraded_by": self.notes["degraded_by"]} if "degraded_by" in self.notes else {}),
            # Only where the policy keeps conversations together.
            **({"affinity": _affinity(self)} if self.stick else {}),
            **({"mirror": self.mirror.told} if self.mirror else {}),
            **({"mirror_of": self.mirror_of} if self.mirror_of else {}),
            "candidates": [_candidate(candidate) for candidate in self.candidates],
            "windows": [_window(reading, counted) for reading, counted in self.windows],
            **({"overlay": list(self.overlay)} if self.overlay else {}),
            "refusal": None if self.refusal is None else asdict(self.refusal),
            "shadow": [dict(entry) for entry in self.shadow],
            "attempts": [_attempt(attempt) for attempt in self.attempts],
            "usage": _usage(self.usage),
            "draws": list(self.draws),
            "steps": [{"plugin": s.plugin, "hook": s.hook, "did": s.did, "us": s.us} for s in self.steps],
        }


@lru_cache(maxsize=1024)
def iso(at_s: float) -> str:
    """`2026-11-20T12:00:00.123Z`."""
    # A record holds ten times and more, most of them alike or in the same few seconds.
    second, microsecond = divmod(round(at_s * 1_000_000), 1_000_000)
    return f"{_second(second)}.{microsecond // 1000:03d}Z"


@lru_cache(maxsize=1024)
def _second(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=256)
def period_text(period: int | str | None) -> str:
    """How a window's period is written: `60s`, `month`, `in flight`."""
    return "in flight" if period is None else f"{period}s" if isinstance(period, int) else period


def _affinity(trace: Trace) -> dict[str, Any]:
    """What named the conversation, and who has answered it last, if anybody."""
    stick, pin = trace.stick, trace.pin
    named = {"key": stick.kind, "digest": stick.key} if stick else {}
    if pin is None:
        return {**named, "pinned": None}
    age_s = max(0, round(trace.at_s - pin.at_s))
    return {**named, "pinned": pin.target, "age_s": age_s, "cached_tokens": pin.cached_tokens}


def _candidate(candidate: Candidate) -> dict[str, Any]:
    shown: dict[str, Any] = {"target": candidate.target, "chosen": candidate.chosen, "reason": candidate.reason}
    return {**shown, "detail": candidate.detail} if candidate.detail else shown


def _window(reading: Reading, counted: bool) -> dict[str, Any]:
    window, used, amount, fits, _, resets_at_s = reading
    return {
        "limit": window.limit,
        "subject": window.subject,
        "name_of_subject": window.name_of_subject,
        "unit": window.unit,
        "limit_amount": window.amount,
        "used_before": used,
        "reserved": amount if counted else 0,
        "window": period_text(window.period),
        "resets_at": None if resets_at_s is None else iso(resets_at_s),
        "mode": window.mode,
        "fits": fits,
        **({} if window.stated is None else overlaid(window)),
    }


def overlaid(window: Window) -> dict[str, Any]:
    """What the policy says of a window that is another one now, and the ids of the entries that make it so."""
    stated = window.as_stated
    return {"overlay": list(window.overlay), "stated_amount": stated.amount, "stated_mode": stated.mode}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    shown: dict[str, Any] = {"target": attempt.target, "outcome": attempt.outcome, "ms": attempt.ms}
    fault = whose(attempt.error) if attempt.outcome == "failed" and attempt.error else None
    told: dict[str, Any] = {"error": attempt.error, "whose": fault, "status": attempt.status, "served": attempt.served}
    ended_s = attempt.started_s + attempt.ms / 1000 if attempt.outcome in ("ok", "failed") else None
    told |= {"ended_at": None if ended_s is None else iso(ended_s)}
    told |= {"retry_after_s": attempt.retry_after_s, "probe": attempt.probe, "deployment": attempt.deployment}
    told |= {"labels": dict(attempt.labels)}
    return {**shown, **{name: value for name, value in told.items() if value}}


def _usage(usage: Usage | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd_micros": usage.cost_usd_micros,
        **({"cached_tokens": usage.cached_tokens} if usage.cached_tokens else {}),
        **({"saved_usd_micros": usage.saved_usd_micros} if usage.saved_usd_micros else {}),
        **({"implausible_usage": list(usage.implausible)} if usage.implausible else {}),
        **({"remarks": list(usage.remarks)} if usage.remarks else {}),
    }
