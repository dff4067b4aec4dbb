"""The decision record."""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime, timezone

import pytest

from governance.ledger import Reading
from governance.model import Identity, Refusal, Rejection, Request, Target, Usage, Window
from governance.trace import Attempt, Candidate, Trace, iso, period_text, uuid7

AT_S = 1_795_176_000.123  # 2026-11-20T12:00:00.123Z
REQUEST = Request(
    "fast/glm-4.7",
    identity=Identity(virtual_key_name="ci", team_id="research", metadata={"secret": "of the key"}),
    headers={"authorization": "Bearer hunter2"},
    params={"user": "hunter2"},
    capabilities=frozenset({"tools", "reasoning"}),
    tags=("a",),
    prompt_tokens=812,
    max_output_tokens=1024,
    streaming=True,
)

RECORD = [
    *("id", "at", "policy_revision", "mode", "request", "identity", "outcome", "model", "fallbacks", "served", "rule"),
    *("profile", "virtual_provider", "candidates", "windows", "refusal", "shadow", "attempts", "usage", "draws"),
    "steps",
]
ASKED = [
    *("model", "request_type", "task", "modalities", "capabilities", "prompt_tokens", "max_output_tokens"),
    *("streaming", "tags"),
]
IDENTITY = [
    *("virtual_key_id", "virtual_key_name", "user_id", "team_id", "team_name", "customer_id", "end_user_id"),
]
WINDOW = [
    *("limit", "subject", "name_of_subject", "unit", "limit_amount", "used_before", "reserved", "window", "resets_at"),
    *("mode", "fits"),
]


@pytest.fixture
def trace() -> Trace:
    return Trace(REQUEST, "sha256:0", AT_S, "live")


def filled(trace: Trace) -> Trace:
    minute = Window("research team", "team:research", "requests", 60, 60)
    trace.outcome, trace.model, trace.fallbacks = "route", "cerebras/glm-4.7", ("openai/glm-4.7",)
    trace.notes.update({"profile": "Fast", "virtual_provider": "fast", "rule": "r", "task": "code"})
    trace.candidates.append(Candidate("cerebras/glm-4.7", True, None))
    trace.candidates.append(Candidate("groq/glm-4.7", False, "capability_mismatch", "needs tools, has text"))
    trace.windows.append((Reading(minute, 12, 1, True, AT_S, AT_S + 60), True))
    trace.windows.append((Reading(minute, 12, 1, True, AT_S, None), False))
    trace.refusal = Refusal(429, "tokens_exhausted", "no room", "research team", 12)
    trace.shadow.append({"plugin": "routing_rules", "name": "premium", "would": {"model": "openai/gpt-4o"}})
    trace.attempts.append(Attempt("cerebras/glm-4.7", "failed", AT_S, error="rate_limited", ms=41))
    trace.attempts.append(Attempt("openai/glm-4.7", "ok", AT_S, ms=730))
    trace.usage = Usage(812, 95, 1840)
    trace.step("routing_profiles", "select_targets", "proposed 3 targets")
    return trace


def test_an_empty_record_has_every_key(trace: Trace) -> None:
    record = trace.record()

    assert list(record) == RECORD
    assert list(record["request"]) == ASKED
    assert list(record["identity"]) == IDENTITY
    assert (record["model"], record["refusal"], record["usage"]) == (None, None, None)


def test_a_record_tells_who_answered_and_not_only_who_was_to(trace: Trace) -> None:
    assert (filled(trace).record()["model"], trace.record()["served"]) == ("cerebras/glm-4.7", "openai/glm-4.7")


def test_a_full_record_has_exactly_the_keys_of_the_reference(trace: Trace) -> None:
    record = filled(trace).record()

    assert list(record) == RECORD
    assert [list(window) for window in record["windows"]] == [WINDOW, WINDOW]
    assert list(record["refusal"]) == ["status", "code", "message", "limit", "retry_after_s"]
    assert list(record["usage"]) == ["input_tokens", "output_tokens", "cost_usd_micros"]
    assert list(record["steps"][0]) == ["plugin", "hook", "did", "us"]
    assert record["candidates"] == [
        {"target": "cerebras/glm-4.7", "chosen": True, "reason": None},
        {
            "target": "groq/glm-4.7",
            "chosen": False,
            "reason": "capability_mismatch",
            "detail": "needs tools, has text",
        },
    ]
    failed = {"target": "cerebras/glm-4.7", "outcome": "failed", "error": "rate_limited", "whose": "provider", "ms": 41}
    assert record["attempts"] == [
        {**failed, "ended_at": "2026-11-20T12:00:00.164Z"},
        {"target": "openai/glm-4.7", "outcome": "ok", "ms": 730, "ended_at": "2026-11-20T12:00:00.853Z"},
    ]
    assert (record["rule"], record["profile"], record["virtual_provider"]) == ("r", "Fast", "fast")
    assert record["request"]["task"] == "code"


def test_a_record_is_json_and_holds_no_header_parameter_or_metadata(trace: Trace) -> None:
    record = filled(trace).record()
    text = json.dumps(record)

    assert json.loads(text) == record
    assert "hunter2" not in text
    assert "of the key" not in text


def test_what_was_not_counted_is_not_told_as_reserved(trace: Trace) -> None:
    counted, refused = filled(trace).record()["windows"]

    assert (counted["reserved"], counted["resets_at"]) == (1, "2026-11-20T12:01:00.123Z")
    assert (refused["reserved"], refused["resets_at"]) == (0, None)


def test_targets_that_cannot_serve_are_noted_with_their_reasons(trace: Trace) -> None:
    trace.consider([Target("a/m"), Target("b/m", rejected=Rejection("not_configured", "no such model"))])

    assert trace.candidates == [Candidate("b/m", False, "not_configured", "no such model")]


def test_a_step_is_timed_from_its_beginning(trace: Trace) -> None:
    trace.step("a", "pre_request", "did")
    trace.step("b", "pre_request", "did", since_ns=1)

    assert trace.steps[0].us == 0
    assert trace.steps[1].us > 0


def test_times_are_told_in_utc_to_the_millisecond() -> None:
    assert iso(AT_S) == "2026-11-20T12:00:00.123Z"
    assert iso(0) == "1970-01-01T00:00:00.000Z"
    assert iso(0.9996) == "1970-01-01T00:00:00.999Z", "never in the future"


def test_periods_are_told_as_they_are_written() -> None:
    assert [period_text(period) for period in (60, "month", None)] == ["60s", "month", "in flight"]


def test_ids_are_uuids_of_version_7() -> None:
    made = [uuid7() for _ in range(1000)]

    assert all(
        re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", id_) for id_ in made
    )
    assert all(uuid.UUID(id_).variant == uuid.RFC_4122 for id_ in made)
    assert len(set(made)) == 1000


def test_ids_are_in_the_order_of_time() -> None:
    before_ms = int(datetime.now(timezone.utc).timestamp() * 1000)
    made = [uuid7() for _ in range(1000)]
    after_ms = int(datetime.now(timezone.utc).timestamp() * 1000)

    times = [int(id_.replace("-", "")[:12], 16) for id_ in made]
    assert times == sorted(times)
    assert before_ms <= times[0]
    assert times[-1] <= after_ms


def test_every_trace_has_an_id_of_its_own(trace: Trace) -> None:
    assert trace.id != Trace(REQUEST, "sha256:0", AT_S, "live").id
