"""How an attempt ends in the account of its request."""

from __future__ import annotations

from dataclasses import replace

from governance.engine.decision import Decision
from governance.model import Failure, Refusal, Target
from governance.trace import Attempt, Trace


def placed(failure: Failure, decision: Decision, now_s: float) -> Failure:
    """A failure of the attempt under way, with where it stands in its request."""
    trace = decision.trace
    tried = sum(1 for attempt in trace.attempts if attempt.outcome != "skipped")
    return replace(
        failure,
        attempt=max(1, tried),
        alone=not decision.fallbacks,
        elapsed_s=max(0.0, now_s - trace.at_s),
        probe=bool(trace.attempts) and trace.attempts[-1].probe,
    )


def close(trace: Trace, target: Target, now_s: float, failure: Failure | None = None) -> None:
    """Note that the last attempt of this target was answered, or has failed."""
    same = [attempt for attempt in trace.attempts if attempt.target == target.name and attempt.outcome != "skipped"]
    outcome = "failed" if failure else "ok"
    attempt = same[-1] if same else Attempt(target.name, outcome, trace.at_s, reached=True)
    if not same:
        trace.attempts.append(attempt)
    if attempt.outcome == "started":
        attempt.ms = max(0, round((now_s - attempt.started_s) * 1000))
    attempt.outcome = outcome
    if failure:
        attempt.error, attempt.status, attempt.retry_after_s = failure.kind, failure.status, failure.retry_after_s
    else:
        attempt.error = attempt.status = attempt.retry_after_s = None


def skip(attempt: Attempt, status: int, code: str, detail: str, wait_s: int | None) -> Refusal:
    """Note that a target was passed over, and say why."""
    attempt.outcome, attempt.error = "skipped", code
    message = f"{attempt.target} cannot be tried now: {code} ({detail})"
    return Refusal(status, code, message, retry_after_s=wait_s)
