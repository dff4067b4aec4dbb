from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from governance.ledger import Health, Reading
from governance.model import Refusal, Request, Usage, Window
from governance.telemetry.exposition import exposition, incomplete
from governance.telemetry.metrics import Metrics
from governance.telemetry.series import MOST
from governance.trace import Attempt, Trace
from tests.patience import ANSWER_S

HEALTH = Health("memory", True, 1_795_000_000.0, 3, 7, 1_795_176_000.0)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry)


def told(metrics: Metrics, *traces: Trace) -> None:
    """Count these, and bring the metrics up to date."""
    for one in traces:
        metrics.observe(one)
    metrics.look([], HEALTH, "sha256:0", (0, 0, 0))


def value(registry: CollectorRegistry, metric: str, /, **labels: str) -> float | None:
    return registry.get_sample_value(f"governance_{metric}", labels)


def test_one_request_is_counted_in_every_metric_that_it_is_about(metrics: Metrics, registry, trace) -> None:
    one = trace()
    one.shadow += [
        {"plugin": "routing_rules", "name": "cheap", "would": {"model": "x/y"}},
        {"plugin": "rate_limits", "name": "tight", "would": {"refuse": "tokens_exhausted"}},
    ]
    one.step("odd", "pre_request", "failed: KeyError: 'x'")
    told(metrics, one)

    for name, labels in (
        ("decisions_total", {"outcome": "route", "profile": "Fast", "rule": ""}),
        ("target_selected_total", {"profile": "Fast", "target": "b/m", "position": "2"}),
        ("target_rejections_total", {"profile": "Fast", "target": "a/m", "reason": "requests_exhausted"}),
        ("attempts_total", {"target": "b/m", "outcome": "failed"}),
        ("attempts_total", {"target": "c/m", "outcome": "ok"}),
        ("shadow_total", {"plugin": "routing_rules", "name": "cheap", "would": "route"}),
        ("shadow_total", {"plugin": "rate_limits", "name": "tight", "would": "refuse"}),
        ("plugin_errors_total", {"plugin": "odd"}),
        ("decision_seconds_count", {}),
    ):
        assert value(registry, name, **labels) == 1.0, name
    assert value(registry, "decision_seconds_sum") == pytest.approx(0.00018)
    assert value(registry, "window_used_ratio", limit="research team", subject="team") == 0.5
    # 200 were reserved and 100 used: an error of 1.
    assert value(registry, "settle_error_ratio_bucket", unit="tokens", le="0.5") == 0.0
    assert value(registry, "settle_error_ratio_bucket", unit="tokens", le="1.0") == 1.0
    assert metrics.plugin_errors["odd"] == 1


def test_a_refusal_is_counted_by_code_and_limit(metrics: Metrics, registry) -> None:
    refused = Trace(Request("m"), "sha256:0", 0.0, "live")
    refused.outcome, refused.refusal = "refuse", Refusal(429, "tokens_exhausted", "used up", "research team")
    told(metrics, refused)

    assert value(registry, "refusals_total", code="tokens_exhausted", limit="research team") == 1.0
    assert value(registry, "decisions_total", outcome="refuse", profile="", rule="") == 1.0


def test_an_attempt_that_nobody_ended_was_cancelled(metrics: Metrics, registry) -> None:
    cut = Trace(Request("m"), "sha256:0", 0.0, "live")
    cut.attempts.append(Attempt("a/m", "started", 0.0))
    told(metrics, cut)

    assert value(registry, "attempts_total", target="a/m", outcome="cancelled") == 1.0


def test_names_that_callers_choose_make_no_more_than_500_series(metrics: Metrics, registry) -> None:
    for number in range(3 * MOST):
        one = Trace(Request("m"), "sha256:0", 0.0, "live")
        one.attempts.append(Attempt(f"openai/{number}", "ok", 0.0))
        metrics.observe(one)
    told(metrics)

    attempts = [s for m in registry.collect() for s in m.samples if s.name == "governance_attempts_total"]
    assert len(attempts) == MOST + 1
    assert value(registry, "attempts_total", target="other", outcome="ok") == 2.0 * MOST
    assert value(registry, "attempts_total", target="openai/7", outcome="ok") == 1.0


def test_a_name_that_no_text_can_hold_does_not_spoil_the_page(metrics: Metrics, registry) -> None:
    one = Trace(Request("m"), "sha256:0", 0.0, "live")
    one.attempts.append(Attempt('openai/\ud800"\n', "ok", 0.0))
    told(metrics, one)

    assert rb'target="openai/\\ud800\"\n"' in exposition(registry)


def test_whom_a_window_counts_is_told_only_where_the_policy_says_so(registry, trace) -> None:
    metrics = Metrics(registry, subjects=True)
    told(metrics, trace())

    assert value(registry, "window_used_ratio", limit="research team", subject="team:research") == 0.5


def test_whom_a_window_counts_by_an_id_is_told_with_its_name(registry) -> None:
    metrics = Metrics(registry, subjects=True)
    told(metrics, full("t-42", 90, "Research"))

    assert value(registry, "window_used_ratio", limit="each team", subject="team:t-42 (Research)") == 0.9


def full(team: str, used: int, name: str | None = None) -> Trace:
    made = Trace(Request("m"), "sha256:0", 0.0, "live")
    window = Window("each team", f"team:{team}", "tokens", 100, 60, name_of_subject=name)
    made.windows.append((Reading(window, used, 10, False, None, None), False))
    return made


def test_of_all_windows_of_a_limit_the_fullest_is_told(metrics: Metrics, registry) -> None:
    for team, used, ratio in (("a", 95, 0.95), ("b", 99, 0.99), ("a", 93, 0.99), ("b", 91, 0.91), ("a", 92, 0.92)):
        told(metrics, full(team, used))

        assert value(registry, "window_used_ratio", limit="each team", subject="team") == ratio


def test_a_look_tells_what_is_reserved_and_what_the_ledger_says(metrics: Metrics, registry, trace) -> None:
    waiting = trace()
    waiting.usage = None
    metrics.look([waiting, waiting], HEALTH, "sha256:1", (5, 2, 0))
    metrics.look([waiting], HEALTH, "sha256:2", (5, 3, 0))

    assert value(registry, "reserved", unit="tokens") == 200.0
    assert value(registry, "reserved", unit="requests") == 0.0
    assert value(registry, "reservations_expired_total") == 7.0
    assert value(registry, "ledger_epoch_seconds") == 1_795_000_000.0
    assert value(registry, "policy_revision_info", revision="sha256:1") == 0.0
    assert value(registry, "policy_revision_info", revision="sha256:2") == 1.0
    assert value(registry, "decision_log_dropped_total") == 5.0
    assert value(registry, "recent_decisions_dropped_total") == 3.0


def test_a_request_without_windows_or_usage_is_counted_too(metrics: Metrics, registry) -> None:
    passed = Trace(Request("m"), "sha256:0", 0.0, "live")
    passed.usage = Usage(None, None, None)
    told(metrics, passed)

    assert value(registry, "decisions_total", outcome="pass", profile="", rule="") == 1.0


def test_the_page_tells_ours_and_nothing_else() -> None:
    names = {line.split("{")[0].split(" ")[0] for line in exposition().decode().splitlines() if line[:1] != "#"}

    assert all(name.startswith("governance_") for name in names)


WORKER = """
import sys
from governance.ledger import Health
from governance.model import Request
from governance.telemetry.exposition import exposition
from governance.telemetry.metrics import shared_metrics
from governance.trace import Trace
metrics = shared_metrics()
for _ in range(int(sys.argv[1])):
    metrics.observe(Trace(Request("m"), "sha256:0", 0.0, "live"))
trace = Trace(Request("m"), "sha256:0", 0.0, "live")
metrics.look([], Health("redis", True, float(sys.argv[2]), 0, int(sys.argv[2]), None), "sha256:0", (1, 0, 0))
print("told", flush=True)
sys.stdin.readline()
print(exposition().decode())
"""


def test_several_workers_add_up_and_tell_shared_numbers_once(tmp_path: Path) -> None:
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PATH": ""}
    workers = []
    for count, epoch in (("2", "100"), ("3", "200")):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, count, epoch],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert worker.stdout is not None
        assert worker.stdout.readline() == "told\n"
        workers.append(worker)
    pages = [worker.communicate("go\n", timeout=ANSWER_S)[0] for worker in workers]

    for page in pages:
        assert 'governance_decisions_total{outcome="pass",profile="",rule=""} 5.0' in page
        assert "governance_ledger_epoch_seconds 200.0" in page
        assert "governance_reservations_expired_total 200.0" in page
        assert "governance_decision_log_dropped_total 2.0" in page
        assert 'governance_policy_revision_info{revision="sha256:0"} 1.0' in page


def test_metrics_of_one_worker_among_several_are_said_to_be_incomplete() -> None:
    assert incomplete({}, 1) is None
    assert incomplete({"PROMETHEUS_MULTIPROC_DIR": "/run/metrics"}, 4) is None
    assert "runs 4 workers and each tells its own metrics" in (incomplete({}, 4) or "")
