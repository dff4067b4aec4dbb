from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from governance.model import Refusal
from governance.model.errors import GovernanceError
from governance.policy.telemetry import DecisionLogSettings
from governance.telemetry.decisions import TEXT_PREFIX, DecisionLog, Told
from governance.telemetry.redaction import encoded
from governance.trace import Trace


def told(trace: Trace) -> Told:
    record = trace.record()
    return Told(record, encoded(record))


def opened(where: str | None = None, **settings: object) -> DecisionLog:
    environment = {} if where is None else {"GOVERNANCE_DECISION_LOG": where}
    return DecisionLog.open(DecisionLogSettings.model_validate(settings), environment)


class Full:
    """A disk without room."""

    def __init__(self) -> None:
        self.full = True
        self.lines: list[bytes] = []

    def append(self, lines: Sequence[bytes]) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.lines += lines

    def close(self) -> None: ...


@pytest.mark.parametrize("by_policy", [True, False])
def test_a_file_gets_one_record_as_json_on_each_line(tmp_path: Path, trace, by_policy: bool) -> None:
    file = tmp_path / "decisions.jsonl"
    for _ in range(2):
        log = opened(to=str(file)) if by_policy else opened(str(file))
        log.write([told(trace())])

    assert [json.loads(line)["profile"] for line in file.read_text().splitlines()] == ["Fast", "Fast"]


@pytest.mark.parametrize(("where", "start"), [("-", '{"id":'), ("text", f"{TEXT_PREFIX}fast/m -> ")])
def test_standard_output_gets_json_or_a_sentence(capfd, trace, where: str, start: str) -> None:
    opened(where).write([told(trace())])

    assert capfd.readouterr().out.startswith(start)


def test_the_policy_may_name_standard_output(capfd, trace) -> None:
    opened(to="stdout").write([told(trace())])

    assert json.loads(capfd.readouterr().out)["profile"] == "Fast"


def test_the_environment_goes_before_the_policy(tmp_path: Path, capfd, trace) -> None:
    opened("-", to=str(tmp_path / "decisions.jsonl")).write([told(trace())])

    assert capfd.readouterr().out
    assert not list(tmp_path.iterdir())


def test_without_a_place_nothing_is_wanted_or_written(capfd, trace) -> None:
    log = opened()
    log.write([told(trace())])

    assert not log.wants(trace())
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("where", "to", "named"),
    [("missing/log", "off", "$GOVERNANCE_DECISION_LOG"), (None, "missing/log", "telemetry.decision_log.to")],
)
def test_a_place_that_cannot_be_written_is_refused_at_the_start(where: str | None, to: str, named: str) -> None:
    with pytest.raises(GovernanceError) as refused:
        opened(where, to=to)

    assert str(refused.value) == f"{named}: missing/log cannot be written: No such file or directory"


def test_the_sentence_tells_attempts_profile_reasons_and_tokens(capfd, trace) -> None:
    opened("text").write([told(trace())])

    assert capfd.readouterr().out == (
        "governed: fast/m -> b/m failed (timeout) in 41 ms, then c/m in 730 ms; profile Fast; "
        "passed over: a/m requests_exhausted; 80+20 tokens\n"
    )


def test_a_refusal_is_a_sentence_of_its_own(capfd, trace) -> None:
    refused = trace()
    refused.refusal = Refusal(429, "requests_exhausted", "room again in 12 s")
    opened("text").write([told(refused)])

    assert capfd.readouterr().out == "governed: fast/m refused 429 requests_exhausted: room again in 12 s\n"


@pytest.mark.parametrize("where", ["-", "text"])
def test_a_name_that_no_text_can_hold_is_escaped_and_the_log_goes_on(capfd, trace, where: str) -> None:
    opened(where).write([told(trace("fast/\ud800")), told(trace("fast/é"))])

    first, second = capfd.readouterr().out.splitlines()
    assert "fast/\\ud800" in first
    assert "fast/é" in second


def test_what_a_plugin_says_need_not_be_json(trace) -> None:
    odd = trace()
    odd.shadow.append({"plugin": "p", "would": {("a", 1): {2, 3}}, "at": object()})

    assert json.loads(encoded(odd.record()))["profile"] == "Fast"


def test_a_full_disk_is_said_once_and_so_is_its_end(trace, caplog) -> None:
    disk = Full()
    log = DecisionLog(DecisionLogSettings(), disk, "decisions.jsonl")
    for _ in range(3):
        log.write([told(trace())])
    assert (log.error, log.lost) == ("No space left on device", 3)

    disk.full = False
    log.write([told(trace())])

    assert (log.error, log.lost, len(disk.lines)) == (None, 3, 1)
    failed, over = (record.getMessage() for record in caplog.records)
    assert failed.startswith("decision log: decisions.jsonl cannot be written: [Errno 28] No space left on device")
    assert over == "decision log: decisions.jsonl can be written again; 3 lines are lost"


def test_the_sample_holds_its_share_of_each_outcome(trace) -> None:
    log = opened("-", sample={"route": 0.1, "refuse": 1.0, "pass": 0.0})
    wanted = {"route": 0, "refuse": 0, "pass": 0}
    for outcome in wanted:
        for _ in range(2_000):
            one = trace()
            one.outcome = outcome
            wanted[outcome] += log.wants(one)

    assert 120 < wanted["route"] < 280
    assert (wanted["refuse"], wanted["pass"]) == (2_000, 0)


def test_a_smaller_sample_is_a_part_of_a_larger_one(trace) -> None:
    small, large = opened("-", sample=0.2), opened("-", sample=0.4)
    traces = [trace() for _ in range(300)]

    assert {t.id for t in traces if small.wants(t)} < {t.id for t in traces if large.wants(t)}


def test_the_file_is_not_for_everybody(tmp_path: Path) -> None:
    opened(to=str(tmp_path / "log"))

    assert os.stat(tmp_path / "log").st_mode & 0o007 == 0
