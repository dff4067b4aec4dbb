from __future__ import annotations

import json

import pytest

from governance.engine.refusals import limit_used_up
from governance.ledger import Reading
from governance.model import Refusal, Window
from governance.policy.telemetry import DecisionLogSettings
from governance.telemetry.redaction import Redaction, encoded


def redaction(*redact: str, headers: tuple[str, ...] = ()) -> Redaction:
    return Redaction(DecisionLogSettings.model_validate({"redact": redact, "headers": headers}))


def test_no_value_of_a_header_is_in_a_record_unless_the_policy_lists_it(trace) -> None:
    assert "headers" not in redaction().record(trace())["request"]
    assert redaction(headers=("x-tier", "x-absent")).record(trace())["request"]["headers"] == {"x-tier": "premium"}


def test_what_is_withheld_is_withheld_wherever_it_stands(trace) -> None:
    one = trace(end_user_id="anna@example.org")
    window = Window("per user", "end_user:anna@example.org && team:research", "requests", 5, 60)
    one.windows.append((Reading(window, 5, 1, False, None, None), False))
    one.refusal = Refusal(429, "requests_exhausted", "requests of end user anna@example.org are used up", "per user")
    one.step("rate_limits", "pre_request", "refused: anna@example.org has none left")

    record = redaction("identity.end_user_id").record(one)

    assert b"anna" not in encoded(record)
    assert record["identity"]["end_user_id"] == "[redacted]"
    assert record["windows"][-1]["subject"] == "end_user:[redacted] && team:research"
    assert record["refusal"]["message"] == "requests of end user [redacted] are used up"


def test_who_is_withheld_is_withheld_by_name_and_by_the_beginning_of_its_id(trace) -> None:
    digest = "9f" * 32
    one = trace(virtual_key_id=digest, virtual_key_name="anna")
    window = Window("each", f"virtual_key:{digest}", "requests", 5, 60, name_of_subject="anna")
    one.windows.append((Reading(window, 5, 1, False, None, None), False))
    one.refusal = limit_used_up([one.windows[-1][0]._replace(room_at_s=60.0)], 0.0)

    record = redaction("identity.virtual_key_id", "identity.virtual_key_name").record(one)

    assert b"anna" not in encoded(record)
    assert b"9f9f" not in encoded(record)


def test_a_short_word_is_cut_out_of_no_other(trace) -> None:
    one = trace(user_id="e")
    one.refusal = Refusal(429, "requests_exhausted", "requests of user e are used up")

    assert redaction("identity.user_id").record(one)["refusal"]["message"] == "requests of user [redacted] are used up"


def test_what_is_empty_stays_empty(trace) -> None:
    assert redaction("identity.user_id").record(trace())["identity"]["user_id"] == ""


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("request.tags", ["[redacted]"]),
        ("windows.subject", "team:[redacted]"),
        ("steps", []),
        ("refusal.message", "[redacted]"),
    ],
)
def test_other_places_may_be_withheld_too(trace, path: str, left: object) -> None:
    one = trace()
    one.refusal = Refusal(429, "requests_exhausted", "used up")
    one.step("p", "pre_request", "annotated")
    record = redaction(path).record(one)

    section, _, name = path.partition(".")
    found = record[section][0] if section == "windows" else record[section]
    assert (found[name] if name else found) == left


def test_the_trace_itself_is_left_as_it_is(trace) -> None:
    one = trace()
    before = json.dumps(one.record())
    redaction("identity.team_id", "request.tags", "steps", "windows.subject").record(one)

    assert json.dumps(one.record()) == before
