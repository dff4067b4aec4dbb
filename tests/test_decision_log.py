from __future__ import annotations

import json
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from governance.model import Refusal, Request, Usage
from governance.telemetry.decisions import TEXT_PREFIX, DecisionLog
from governance.trace import Attempt, Candidate, Trace


def trace(model: str = "fast/m") -> Trace:
    made = Trace(Request(model), "sha256:0", 1_795_176_000.0, "live")
    made.outcome, made.model = "route", "b/m"
    made.notes["profile"] = "Fast"
    made.candidates.append(Candidate("a/m", False, "requests_exhausted"))
    made.attempts.append(Attempt("b/m", "failed", 0.0, error="timeout", ms=41))
    made.attempts.append(Attempt("c/m", "ok", 0.0, ms=730))
    made.usage = Usage(812, 95)
    return made


def test_a_file_gets_one_record_as_json_on_each_line(tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    for _ in range(2):
        DecisionLog.from_environment({"GOVERNANCE_DECISION_LOG": str(file)}).write(trace())

    assert [json.loads(line)["profile"] for line in file.read_text().splitlines()] == ["Fast", "Fast"]


@pytest.mark.parametrize(("where", "start"), [("-", '{"id":'), ("text", f"{TEXT_PREFIX}fast/m -> ")])
def test_standard_output_gets_json_or_a_sentence(capsys: pytest.CaptureFixture[str], where: str, start: str) -> None:
    DecisionLog.from_environment({"GOVERNANCE_DECISION_LOG": where}).write(trace())

    assert capsys.readouterr().out.startswith(start)


def test_without_a_place_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    DecisionLog.from_environment({}).write(trace())

    assert capsys.readouterr().out == ""


def test_the_sentence_tells_attempts_profile_reasons_and_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    DecisionLog.from_environment({"GOVERNANCE_DECISION_LOG": "text"}).write(trace())

    assert capsys.readouterr().out == (
        "governed: fast/m -> b/m failed (timeout) in 41 ms, then c/m in 730 ms; profile Fast; "
        "passed over: a/m requests_exhausted; 812+95 tokens\n"
    )


def test_a_refusal_is_a_sentence_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    refused = trace()
    refused.refusal = Refusal(429, "requests_exhausted", "room again in 12 s")
    DecisionLog.from_environment({"GOVERNANCE_DECISION_LOG": "text"}).write(refused)

    assert capsys.readouterr().out == "governed: fast/m refused 429 requests_exhausted: room again in 12 s\n"


@pytest.mark.parametrize("text", [False, True])
def test_a_name_that_no_text_can_hold_is_escaped_and_the_log_goes_on(text: bool) -> None:
    written = BytesIO()
    log = DecisionLog(TextIOWrapper(written, "utf-8"), text=text)
    log.write(trace("fast/\ud800"))
    log.write(trace("fast/é"))

    first, second = written.getvalue().decode().splitlines()
    assert "fast/\\ud800" in first
    assert "fast/é" in second


def test_a_log_that_cannot_be_written_fails_no_request() -> None:
    stream = TextIOWrapper(BytesIO())
    stream.close()
    log = DecisionLog(stream)
    log.write(trace())
    log.write(trace())
