from __future__ import annotations

from opentelemetry import trace as otel
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import INVALID_SPAN

from governance.telemetry.marks import mark_next_target, mark_spans, mark_spend_logs

TRACER = TracerProvider().get_tracer("tests")


def attributes(span: object) -> dict[str, object]:
    assert isinstance(span, ReadableSpan)
    return dict(span.attributes or {})


def test_spend_logs_name_the_decision_beside_what_the_caller_put_there(trace) -> None:
    one = trace()
    theirs = {"owner": "anna", "governance_decision_id": "forged"}
    bucket: dict[str, object] = {"spend_logs_metadata": theirs}
    mark_spend_logs([bucket], one)

    assert bucket["spend_logs_metadata"] == {
        "owner": "anna",
        "governance_decision_id": one.id,
        "governance_model": one.request.model,
        "governance_profile": "Fast",
        "governance_target": one.model,
    }
    assert theirs == {"owner": "anna", "governance_decision_id": "forged"}, "it may be the key's own"


def test_the_next_target_is_named_in_every_copy_of_the_metadata(trace) -> None:
    one = trace()
    first: dict[str, object] = {"spend_logs_metadata": {"owner": "anna"}}
    mark_spend_logs([first], one)
    hop, foreign = dict(first), {"spend_logs_metadata": {"governance_decision_id": "id-2"}}
    mark_next_target([hop, foreign, {}], one.id, "b/m")

    for bucket in (first, hop):
        marks = bucket["spend_logs_metadata"]
        assert isinstance(marks, dict)
        assert (marks["owner"], marks["governance_target"]) == ("anna", "b/m")
    assert foreign == {"spend_logs_metadata": {"governance_decision_id": "id-2"}}


def test_what_is_no_mapping_gives_way(trace) -> None:
    one = trace()
    for given in ({}, {"spend_logs_metadata": None}, {"spend_logs_metadata": ["a"]}):
        bucket: dict[str, object] = dict(given)
        mark_spend_logs([bucket], one)

        marks = bucket["spend_logs_metadata"]
        assert isinstance(marks, dict)
        assert marks["governance_decision_id"] == one.id


def test_the_current_span_and_litellms_own_tell_the_decision(trace) -> None:
    one = trace()
    parent = TRACER.start_span("request")
    with TRACER.start_as_current_span("call") as current:
        mark_spans(one, "c/m", parent)

    expected = {
        "governance.decision_id": one.id,
        "governance.outcome": "route",
        "governance.target": "c/m",
        "governance.profile": "Fast",
    }
    assert attributes(current) == attributes(parent) == expected


def test_a_span_that_has_ended_or_records_nothing_is_left_alone(trace) -> None:
    parent = TRACER.start_span("request")
    parent.end()
    with otel.use_span(INVALID_SPAN):
        mark_spans(trace(), "c/m", parent)

    assert attributes(parent) == {}
