"""`governance backtest`: another policy on recorded traffic, told to people, to programs and in a pull request."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from governance.traffic import encoded
from tests.backtest.test_decision_log import logged
from tests.backtest.workload import arrivals, policy, recorded

Command = Callable[..., Any]
LIMIT = "rate_limits:\n- {name: each team, subject: {team: '*'}, requests: %s}\n"


@pytest.fixture
def traffic(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two minutes of traffic under the policy in use, and a tighter policy that also goes elsewhere."""
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(folder / "state"))
    active, other = policy(LIMIT % "30/minute"), policy(LIMIT % "10/minute", first="gpt-4o", second="gpt-4o-mini")
    (folder / "governance.yaml").write_text(active.text)
    (folder / "new.yaml").write_text(other.text)
    lines = b"".join(encoded(line) + b"\n" for line in recorded(active, arrivals(120, seconds=90.0)))
    file = folder / "traffic.jsonl"
    file.write_bytes(lines)
    with gzip.open(folder / "traffic.jsonl.gz", "wb") as packed:
        packed.write(lines)
    return file


def test_people_read_the_figures_first_in_80_columns(governance: Command, traffic: Path) -> None:
    done = governance("backtest", "--policy", "new.yaml", "--traces", "traffic.jsonl")

    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("2 entries changed: routing_profiles[Fast]")
    assert any(line.startswith("coverage 100% of 120 requests, 2 Dec 12:00-12:01 · fidelity") for line in lines)
    assert max(map(len, lines)) <= 80
    for name, label in (("refused", "exact"), ("other target", "exact"), ("cost", "estimated")):
        (row,) = (line for line in lines if line.startswith(name))
        assert row.endswith(label), row
    assert any(line.startswith("assumed: windows are empty") for line in lines)


def test_programs_get_the_same_bytes_for_the_same_input(governance: Command, traffic: Path) -> None:
    one, other = (
        governance("backtest", "--policy", "new.yaml", "--traces", file, "--json").stdout
        for file in ("traffic.jsonl", "traffic.jsonl.gz")
    )

    assert one == other
    told = json.loads(one)
    assert (told["format"], told["coverage"]["replayed"]) == ("backtest.v1", 120)
    assert told["totals"]["newly_refused"]["mid"] == told["totals"]["newly_refused"]["high"] > 0


def test_the_same_policy_changes_nothing(governance: Command, traffic: Path) -> None:
    told = governance("backtest", "--policy", "governance.yaml", "--traces", "traffic.jsonl", "--json").stdout

    totals = json.loads(told)["totals"]
    assert [totals[name]["high"] for name in ("newly_refused", "newly_admitted", "other_target")] == [0, 0, 0]
    assert totals["cost"]["delta"]["high"] == 0


@pytest.mark.parametrize(
    ("asked", "exit_code", "said"),
    [
        (["--max-new-refusals", "0.1%"], 5, "of the requests, at most 0.1% (max_new_refusals)"),
        (["--max-new-refusals", "100%"], 0, "the change guard holds: looked at 120 requests"),
        (["--max-cost", "+5%"], 5, "than now, at most 5% (max_cost)"),
        (["--last", "1d"], 3, "no traffic is recorded of that time"),
        (["--to", "2020-01-01", "--max-cost", "5%"], 3, "the change guard could not judge it"),
        (["--from", "2026-12-02T12:00:00Z"], 0, "coverage 100% of 120 requests"),
        (["--assume", "newly_refused=retries"], 0, "comes back when told to, up to three times"),
    ],
)
def test_the_exit_code_tells_programs_what_came_of_it(
    asked: list[str], exit_code: int, said: str, governance: Command, traffic: Path
) -> None:
    done = governance("backtest", "--policy", "new.yaml", "--traces", "traffic.jsonl", *asked)

    assert (done.exit_code, done.stderr) == (exit_code, "")
    assert said in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("asked", "exit_code", "said"),
    [
        ([], 2, "name one by --policy"),
        (["--policy", "new.yaml", "--max-cost", "much"], 2, "must be a percentage"),
        (["--policy", "new.yaml", "--last", "ever"], 2, "is no period"),
        (["--policy", "new.yaml", "--last", "1d", "--from", "2026-01-01"], 2, "--last stands beside --from"),
        (["--policy", "new.yaml", "--from", "yesterday"], 2, "must be a time such as 2026-11-21"),
        (["--policy", "new.yaml", "--assume", "luck=much"], 2, "is no KEY=VALUE of"),
        (["--policy", "new.yaml", "--assume", "prices=low"], 2, "prices"),
        (["--policy", "new.yaml", "--save-test", "x.yaml"], 2, "needs --request"),
        (["--policy", "new.yaml", "--traces", "traffic.jsonl", "--log", "traffic.jsonl"], 2, "give one of them"),
        (["--policy", "new.yaml", "--traces", "nowhere"], 1, "nowhere: there is no such file or folder"),
        (["--policy", "new.yaml", "--traces", "traffic.jsonl", "--request", "none"], 1, "not among those"),
        (["--policy", "new.yaml", "--traces", "traffic.jsonl", "--subject", "team:none"], 1, "nothing is known of"),
    ],
)
def test_what_cannot_be_asked_is_told(
    asked: list[str], exit_code: int, said: str, governance: Command, traffic: Path
) -> None:
    done = governance("backtest", *asked)

    assert done.exit_code == exit_code
    assert said in " ".join(done.stderr.replace("│", " ").split())


def test_without_recorded_traffic_that_is_said(governance: Command, traffic: Path) -> None:
    done = governance("backtest", "--policy", "new.yaml")

    assert (done.exit_code, done.stderr) == (3, "")
    assert "no traffic is recorded of that time" in done.stdout


def test_a_pull_request_gets_tables_and_no_formulas(governance: Command, traffic: Path) -> None:
    asked = ("--markdown", "--max-new-refusals", "0.1%")
    done = governance("backtest", "--policy", "new.yaml", "--traces", "traffic.jsonl", *asked)

    lines = done.stdout.splitlines()
    assert "> [!CAUTION]" in lines
    assert "| team | requests | newly refused | newly admitted | other target | cost |" in lines
    assert "$" not in done.stdout.replace("\\$", "")


def test_one_subject_shows_how_full_its_windows_were_under_both(governance: Command, traffic: Path) -> None:
    done = governance("backtest", "--policy", "new.yaml", "--traces", "traffic.jsonl", "--subject", "team:t1")

    assert done.exit_code == 0
    assert "limit each team, team:t1, requests/60s" in done.stdout
    assert "10/10  refused 0 → " in done.stdout


def test_one_request_shows_all_three_and_becomes_a_policy_test(governance: Command, traffic: Path) -> None:
    asked = ("backtest", "--policy", "new.yaml", "--traces", "traffic.jsonl")
    changed = json.loads(governance(*asked, "--json").stdout)["changed"]
    for kind, expected in (("newly_refused", "limit: each team"), ("other_target", "model: openai/gpt-4o")):
        id = next(each["id"] for each in changed if each["kind"] == kind)
        done = governance(*asked, "--request", id, "--save-test", f"{kind}.tests.yaml")

        assert done.exit_code == 0, done.output
        for lane in ("recorded", "active", "candidate"):
            assert f"  {lane}" in done.stdout
        text = Path(f"{kind}.tests.yaml").read_text()
        assert expected in text
        assert governance("test", f"{kind}.tests.yaml", "--policy", "new.yaml").exit_code == 0
        assert governance("test", f"{kind}.tests.yaml", "--policy", "governance.yaml").exit_code == 1
    again = governance(*asked, "--request", id, "--save-test", "other_target.tests.yaml")
    assert (again.exit_code, again.stderr) == (1, "other_target.tests.yaml: cannot be written: File exists\n")


@pytest.mark.parametrize(
    ("refusals", "said"),
    [("0", "at most 0 refusals of each"), ("3", "at most 3 refusals"), ("10%", "at most 10% refusals")],
)
def test_the_smallest_limit_is_suggested_for_a_count_or_a_share(
    refusals: str, said: str, governance: Command, traffic: Path
) -> None:
    asked = ("--limit", "each team", "--policy", "new.yaml", "--traces", "traffic.jsonl", "--refusals", refusals)
    done = governance("backtest", "suggest", *asked)

    assert done.exit_code == 0, done.output
    assert said in done.stdout


@pytest.mark.parametrize("refusals", ["some", "-1", "200%", "1.5"])
def test_refusals_are_a_count_or_a_share(refusals: str, governance: Command, traffic: Path) -> None:
    done = governance("backtest", "suggest", "--limit", "a", "--policy", "new.yaml", "--refusals", refusals)

    assert done.exit_code == 2, done.output


def test_a_decision_log_is_imported_as_traffic(governance: Command, folder: Path) -> None:
    records = asyncio.run(logged(12))
    (folder / "decisions.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records) + "nonsense\n")
    (folder / "old.yaml").write_text(policy(LIMIT % "5/minute").text)
    (folder / "new.yaml").write_text(policy().text)
    done = governance("trace", "import", "decisions.jsonl", "--at", "trace", "--json")
    again = governance("trace", "import", "decisions.jsonl", "--at", "trace", "--json")
    of_log, of_folder = (
        governance("backtest", "--policy", "new.yaml", "--against", "old.yaml", *asked, "--json").stdout
        for asked in (("--log", "decisions.jsonl"), ("--traces", "trace"))
    )

    told = json.loads(done.stdout)
    assert (told["lines"], told["faults"]) == (12, {"no_json": 1})
    assert done.stdout == again.stdout
    assert len(list((folder / "trace").iterdir())) == 1
    one, other = json.loads(of_log), json.loads(of_folder)
    assert other["coverage"]["replayed"] == 12
    assert one["totals"] == other["totals"]
    assert one["inputs"]["traffic"] == other["inputs"]["traffic"]
