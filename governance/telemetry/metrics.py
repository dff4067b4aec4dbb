"""Prometheus metrics, all of them made from traces, from calls of the ledger, and from a look at the worker.

Names, labels and what they mean: docs/observability.md. Under several workers they add up through
PROMETHEUS_MULTIPROC_DIR, as LiteLLM's own do.
"""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Collection, Iterable
from functools import cache, lru_cache
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from governance.ledger import Health
from governance.limits.ids import AND
from governance.limits.subjects import shown_subject
from governance.model import Usage
from governance.telemetry.fullest import Fullest, held_by
from governance.telemetry.series import MOST, Counts, Measures, Series
from governance.trace import Trace

PREFIX: Final = "governance_"
FAST_S: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
# Below zero: too little was reserved.
ERRORS: Final = (-0.9, -0.5, -0.2, -0.05, 0.05, 0.2, 0.5, 1.0, 3.0, 10.0, 100.0)
_FAILED: Final = "failed: "


class Metrics:
    """Everything that is counted.

    Args:
        subjects: whether windows are told by whom they count, and not only by its kind.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY, *, subjects: bool = False) -> None:
        self.subjects = subjects
        self.plugin_errors: Tally[str] = Tally()
        self._full: dict[tuple[str, str], Fullest] = {}
        self._gauges: dict[Gauge, Fullest] = {}
        self._revision: str | None = None
        self._pending: list[Counts | Measures] = []

        def counter(name: str, about: str, *labels: str, open: Collection[str] = ()) -> Counts:
            made = Counts(Series(Counter(PREFIX + name, about, labels, registry=registry), labels, open))
            self._pending.append(made)
            return made

        def gauge(
            name: str, about: str, *labels: str, open: Collection[str] = (), mode: str = "mostrecent"
        ) -> Series[Gauge]:
            made = Gauge(PREFIX + name, about, labels, registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]
            return Series(made, labels, open)

        def histogram(name: str, about: str, *labels: str, buckets: tuple[float, ...] = FAST_S) -> Measures:
            made = Histogram(PREFIX + name, about, labels, registry=registry, buckets=buckets)
            self._pending.append(measures := Measures(Series(made, labels)))
            return measures

        self._decisions = counter("decisions_total", "Requests that were decided", "outcome", "profile", "rule")
        self._selected = counter(
            "target_selected_total",
            "Targets that were chosen to serve first; position: its place among all that were considered",
            *("profile", "target", "position"),
            open=("target",),
        )
        self._rejections = counter(
            "target_rejections_total",
            "Targets that could not serve a request",
            *("profile", "target", "reason"),
            open=("target",),
        )
        self._refusals = counter("refusals_total", "Requests that were refused", "code", "limit")
        self._ungoverned = counter(
            "ungoverned_total", "Requests to endpoints that nothing counts: passed or refused", "endpoint", "outcome"
        )
        self._attempts = counter("attempts_total", "Tries of targets", "target", "outcome", open=("target",))
        self._input_tokens = counter(
            "input_tokens_total", "Tokens of prompts that were answered", "target", open=("target",)
        )
        self._cached_tokens = counter(
            "cached_input_tokens_total",
            "Those of them that were read from the provider's cache",
            "target",
            open=("target",),
        )
        self._saved = counter(
            "cache_saved_usd_micros_total", "Micro-dollars that these were worth", "target", open=("target",)
        )
        self._stayed = counter(
            "affinity_total", "Turns of conversations that the policy keeps together, by where they went", "outcome"
        )
        self._mirrored = counter(
            "mirrored_total", "Requests that a mirror was to get: sent, or why not", "profile", "outcome"
        )
        self._used = gauge(
            "window_used_ratio",
            "Used part of the fullest window of a limit that was seen lately; above 1 it was overdrawn",
            *("limit", "subject"),
            open=("subject",),
        )
        self._reserved = gauge("reserved", "Reserved by requests that are under way", "unit", mode="livesum")
        self._errors = histogram("settle_error_ratio", "(reserved - used) / used of a request", "unit", buckets=ERRORS)
        # Counted by the ledger, for all proxies: a counter of ours would add it up once for each worker.
        self._expired = gauge("reservations_expired_total", "Reservations that their deadline released")
        self._away = gauge(
            "ledger_away_requests",
            "Requests of this worker while the ledger was away: allowed, shared, refused; late: counted since",
            "outcome",
        )
        self._owed = gauge("ledger_owed", "Reservations whose charges wait in this worker for the ledger")
        self._ledger_workers = gauge("ledger_workers", "Workers that count in the ledger, as last heard")
        self._epoch = gauge("ledger_epoch_seconds", "When the ledger began empty; a rise: all counts were lost")
        self._ledger = histogram("ledger_seconds", "What calls of the ledger took", "op")
        self._deciding = histogram("decision_seconds", "What deciding took, the ledger included")
        self._shadow = counter(
            "shadow_total", "What shadow mode would have done: route or refuse", "plugin", "name", "would"
        )
        self._arms = counter(
            "policy_arm_decisions_total", "Requests by which policy decided, while one is tried", "arm", "outcome"
        )
        self._would = counter(
            "policy_would_total", "Requests by how a policy that only looks on would have decided", "difference"
        )
        self._policy = gauge("policy_revision_info", "1 for the policy in force", "revision")
        self._plugin_errors = counter("plugin_errors_total", "Hooks of plugins that failed", "plugin")
        self._alerts = counter("alerts_total", "Thresholds of limits that were crossed", "limit", "threshold")
        self._deliveries = counter("alert_deliveries_total", "Alerts by what became of them", "outcome")
        self._probes = gauge(
            "contract_probe", "1 while LiteLLM is as this probe expects, else 0", "probe", mode="livemin"
        )
        self._log_dropped = counter("decision_log_dropped_total", "Decisions that the log lost")
        self._store_dropped = counter("recent_decisions_dropped_total", "Decisions that cannot be looked up")
        self._trace_dropped = counter("trace_dropped_total", "Decisions that recorded traffic lacks")
        self._dropped = [0, 0, 0]

    def observe(self, trace: Trace) -> None:
        """Count one request that is over."""
        if not trace.mirror_of:
            self._observe_decision(trace)
        for attempt in trace.attempts:
            # What nobody ended was cut off, by the caller or by the end of the proxy.
            outcome = "cancelled" if attempt.outcome == "started" else attempt.outcome
            self._attempts.add(attempt.target, outcome)
        for step in trace.steps:
            if step.did.startswith(_FAILED):
                self.plugin_errors[step.plugin] += 1
                self._plugin_errors.add(step.plugin)
        if trace.windows:
            self._observe_windows(trace)
        if trace.usage and trace.served:
            self._observe_cache(trace.served, trace.usage)

    def _observe_decision(self, trace: Trace) -> None:
        notes = trace.notes
        profile, rule = notes.get("profile") or "", notes.get("rule") or ""
        self._decisions.add(trace.outcome, profile, rule)
        if trace.arm:
            self._arms.add(trace.arm, trace.outcome)
        if trace.would:
            self._would.add(trace.would["difference"])
        if trace.decided_us:
            self._deciding.add(trace.decided_us / 1_000_000)
        for position, candidate in enumerate(trace.candidates, 1):
            if candidate.chosen:
                self._selected.add(profile, candidate.target, str(position))
            elif candidate.reason:
                self._rejections.add(profile, candidate.target, candidate.reason)
        if trace.refusal:
            self._refusals.add(trace.refusal.code, trace.refusal.limit or "")
        for entry in trace.shadow:
            would = entry.get("would")
            kind = "refuse" if isinstance(would, dict) and "refuse" in would else "route"
            self._shadow.add(str(entry.get("plugin", "")), str(entry.get("name", "")), kind)
        if trace.stick and trace.served:
            last = trace.pin.target if trace.pin else None
            self._stayed.add("stayed" if last == trace.served else "begun" if last is None else "moved")

    def mirrored(self, profile: str, outcome: str) -> None:
        """A request that a mirror was to get was `sent`, or why it was not."""
        self._mirrored.add(profile, outcome)

    def passed(self, endpoint: str, outcome: str) -> None:
        """A request to an endpoint that nothing counts was `passed` or `refused`."""
        self._ungoverned.add(endpoint, outcome)

    def ledger_took(self, op: str, seconds: float) -> None:
        """One call of the ledger is over."""
        self._ledger.add(seconds, op)

    def alerted(self, limit: str, threshold_percent: int | None = None) -> None:
        """A limit has reached a threshold; or an account is used up, which has none."""
        self._alerts.add(limit, "" if threshold_percent is None else str(threshold_percent))

    def probed(self, probe: str, held: bool) -> None:
        """A probe of LiteLLM held, or did not."""
        self._probes.of(probe).set(1 if held else 0)

    def delivered(self, outcome: str) -> None:
        """An alert was `delivered`, has `failed` for good, or was `dropped`."""
        self._deliveries.add(outcome)

    def look(self, under_way: Iterable[Trace], health: Health, revision: str, lost: tuple[int, int, int]) -> None:
        """Bring everything up to date, also what is not counted as it happens: every few seconds, and before a page.

        Args:
            lost: so far, by the decision log, the recent decisions and recorded traffic.
        """
        reserved: Tally[str] = Tally()
        for trace in under_way:
            reserved.update(held_by(trace))
        for unit in ("requests", "tokens", "usd_micros", "concurrent"):
            self._reserved.of(unit).set(reserved[unit])
        away = (health.allowed - health.shared, health.shared, health.refused, health.late)
        for outcome, requests in zip(("allowed", "shared", "refused", "late"), away, strict=True):
            self._away.of(outcome).set(requests)
        self._owed.of().set(health.owed)
        if health.workers is not None:
            self._ledger_workers.of().set(health.workers)
        if health.epoch_s is not None:
            self._epoch.of().set(health.epoch_s)
        if health.expired is not None:
            self._expired.of().set(health.expired)
        if revision != self._revision:
            if self._revision is not None:
                self._policy.of(self._revision).set(0)
            self._revision = revision
        self._policy.of(revision).set(1)
        for which, series in enumerate((self._log_dropped, self._store_dropped, self._trace_dropped)):
            series.add(amount=lost[which] - self._dropped[which])
            self._dropped[which] = lost[which]
        self.flush()

    def flush(self) -> None:
        """Hand over what was counted since the last time."""
        for metric in (*self._pending, *self._gauges.values()):
            metric.flush()

    def _observe_windows(self, trace: Trace) -> None:
        now_s = time.monotonic()
        held: dict[str, int] = {}
        for reading, counted in trace.windows:
            window, used, amount = reading.window, reading.used, reading.amount
            if counted:
                used += amount
                if amount > held.get(window.unit, 0):
                    held[window.unit] = amount
            elif reading.fits:
                continue  # of a target that was not asked: nothing has changed, and it is told when it is full
            subject = window.subject
            key = (window.limit, shown_subject(subject, window.name_of_subject) if self.subjects else _kind(subject))
            fullest = self._full.get(key) or self._watch(key)
            fullest.see(window, used / (window.amount or 1), now_s)
        usage = trace.usage
        if usage is not None:
            self._observe_usage(held, usage)

    def _observe_cache(self, target: str, usage: Usage) -> None:
        if usage.input_tokens:
            self._input_tokens.add(target, amount=usage.input_tokens)
        if usage.cached_tokens:
            self._cached_tokens.add(target, amount=usage.cached_tokens)
        if usage.saved_usd_micros:
            self._saved.add(target, amount=usage.saved_usd_micros)

    def _watch(self, key: tuple[str, str]) -> Fullest:
        gauge = self._used.of(*key)
        fullest = self._gauges.get(gauge)
        if fullest is None:
            fullest = self._gauges[gauge] = Fullest(gauge.set)
        if len(self._full) < MOST:
            self._full[key] = fullest
        return fullest

    def _observe_usage(self, reserved: dict[str, int], usage: Usage) -> None:
        both = None if usage.input_tokens is None else usage.input_tokens + (usage.output_tokens or 0)
        for unit, actual in (("tokens", both), ("usd_micros", usage.cost_usd_micros)):
            if actual and unit in reserved:
                self._errors.add((reserved[unit] - actual) / actual, unit)


@cache
def shared_metrics() -> Metrics:
    """Those of this process, in the registry that LiteLLM's `/metrics` tells too."""
    return Metrics()


@lru_cache(maxsize=4096)
def _kind(subject: str) -> str:
    return AND.join(part.partition(":")[0] for part in subject.split(AND))
