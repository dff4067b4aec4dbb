"""Which decision a request was, for those who look at LiteLLM's own spend logs and at traces of OpenTelemetry."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any, Final

from opentelemetry.trace import get_current_span

from governance.trace import Trace

SPEND_LOGS: Final = "spend_logs_metadata"
_NOTES: Final = ("profile", "rule")


def mark_spend_logs(buckets: Iterable[MutableMapping[str, Any]], trace: Trace) -> None:
    """Put what was asked for, who decided and the target beside what client, key or team want in the spend logs.

    Args:
        buckets: the metadata that LiteLLM carries along with the request.
    """
    said = {"decision_id": trace.id, "target": trace.model, "model": trace.request.model}
    said |= {note: str(trace.notes[note]) for note in _NOTES if trace.notes.get(note)}
    marks = {f"governance_{name}": value for name, value in said.items()}
    for bucket in buckets:
        # A new one, because the old may be the key's own and shared by its requests.
        given = bucket.get(SPEND_LOGS)
        bucket[SPEND_LOGS] = {**given, **marks} if isinstance(given, dict) else dict(marks)


def mark_next_target(buckets: Iterable[MutableMapping[str, Any]], decision_id: str, target: str) -> None:
    """The request goes on to another target."""
    for bucket in buckets:
        marks = bucket.get(SPEND_LOGS)
        # In place: the next hop has a copy of the metadata, and the spend logs may be written from another.
        if isinstance(marks, dict) and marks.get("governance_decision_id") == decision_id:
            marks["governance_target"] = target


def mark_spans(trace: Trace, target: str, parent: Any = None) -> None:
    """Put the decision on the spans that record this request: the current one, and LiteLLM's for the whole request."""
    current = get_current_span()
    for span in (current, parent) if parent is not None and parent is not current else (current,):
        if not span.is_recording():
            continue
        span.set_attribute("governance.decision_id", trace.id)
        span.set_attribute("governance.outcome", trace.outcome)
        if target:
            span.set_attribute("governance.target", target)
        for note in _NOTES:
            if trace.notes.get(note):
                span.set_attribute(f"governance.{note}", str(trace.notes[note]))
