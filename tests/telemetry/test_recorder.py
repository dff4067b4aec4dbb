"""Traffic as a worker records it: everything, in order, and what is lost is counted and leaves a gap."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger
from governance.policy.document import Core
from governance.telemetry.metrics import Metrics
from governance.telemetry.telemetry import Telemetry
from governance.traffic import Broken, TraceLine
from governance.traffic.files import given
from governance.traffic.reading import entries


def opened(environment: dict[str, str] | None = None, **trace: Any) -> Telemetry:
    core = Core.model_validate({"telemetry": {"trace": trace}})
    made = Telemetry(core, environment or {}, Metrics(CollectorRegistry()))
    engine = Engine(Host.parse("version: 1"), MemoryLedger())
    made.watch(lambda: engine, list)
    return made


def lines(folder: Path) -> list[TraceLine]:
    return [entry.line for entry in entries(given(folder)) if not isinstance(entry, Broken)]


def faults(folder: Path) -> list[Broken]:
    return [entry for entry in entries(given(folder)) if isinstance(entry, Broken)]


async def test_every_request_is_recorded_by_default_in_the_folder_of_the_state(tmp_path: Path, trace) -> None:
    telemetry = opened({"GOVERNANCE_STATE_DIR": str(tmp_path)})
    told = [trace() for _ in range(30)]
    for one in told:
        telemetry.tell(one)
    await telemetry.close()

    found = lines(tmp_path / "trace")
    assert [line.id for line in found] == [one.id for one in told]
    assert [line.number for line in found] == list(range(1, 31))
    assert {line.worker for line in found} == {telemetry.recorder.worker}
    assert not faults(tmp_path / "trace")
    assert telemetry.health["trace"] == {"to": str(tmp_path / "trace"), "dropped": 0, "error": None}


async def test_nothing_is_recorded_where_it_is_switched_off(tmp_path: Path, trace) -> None:
    telemetry = opened({"GOVERNANCE_STATE_DIR": str(tmp_path)}, to="off")
    telemetry.tell(trace())
    await telemetry.close()

    assert not os.listdir(tmp_path)
    assert telemetry.health["trace"] == {"to": "off", "dropped": 0, "error": None}


async def test_a_disk_that_cannot_be_written_is_told_and_fails_no_request(tmp_path: Path, trace, caplog) -> None:
    (tmp_path / "file").touch()
    telemetry = opened(to=str(tmp_path / "file" / "trace"))
    for _ in range(3):
        telemetry.tell(trace())
    await telemetry.close()

    assert telemetry.health["trace"]["dropped"] == 3
    assert telemetry.health["trace"]["error"].endswith("trace cannot be written: Not a directory")
    assert caplog.text.count("traffic is not recorded") == 1


async def test_what_was_lost_leaves_a_gap(tmp_path: Path, trace) -> None:
    telemetry = opened(to=str(tmp_path))
    telemetry.tell(trace())
    await telemetry.look()
    one = trace()
    for _ in range(5_000):
        telemetry.tell(one)
    await telemetry.close()

    assert telemetry.health["trace"]["dropped"] == 905
    assert ("lost_lines", 905) in [(fault.fault, fault.lines) for fault in faults(tmp_path)]


async def test_an_answer_that_came_after_the_end_was_told_is_recorded_too(tmp_path: Path, trace) -> None:
    telemetry, one = opened(to=str(tmp_path)), trace()
    usage, one.usage = one.usage, None
    telemetry.tell(one)
    one.usage = usage
    telemetry.answered_late(one)
    await telemetry.close()

    assert [(line.late, line.used is not None) for line in lines(tmp_path)] == [(False, True), (True, True)]


async def test_a_sample_holds_all_or_nothing_of_a_team(tmp_path: Path, trace) -> None:
    telemetry = opened(to=str(tmp_path), sample=0.5)
    heard: list[str] = []
    telemetry.recorder.hear = lambda line: heard.append(line["who"]["team"])
    for number in range(200):
        telemetry.tell(trace(team_id=f"t{number % 40}"))
    await telemetry.close()

    found = lines(tmp_path)
    by_team = {team: sum(line.who.team == team for line in found) for team in {line.who.team for line in found}}
    assert set(by_team.values()) == {5}
    assert 5 < len(by_team) < 35
    assert {line.weight for line in found} == {2.0}
    assert len(heard) == 200
    assert not faults(tmp_path)


async def test_files_are_for_their_owner_and_its_group(tmp_path: Path, trace) -> None:
    telemetry = opened(to=str(tmp_path / "new"))
    telemetry.tell(trace())
    await telemetry.close()

    (file,) = (tmp_path / "new").glob("2*")
    assert os.stat(file).st_mode & 0o777 == 0o640
