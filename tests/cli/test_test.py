from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

Command = Callable[..., Any]
TESTS = """
policy: governance.yaml
tests:
  - {name: asks Cerebras, request: {model: fast/glm-4.7}, expect: {model: cerebras/glm-4.7}}
  - name: images go to OpenAI
    request: {model: fast/glm-4.7, capabilities: [vision]}
    expect: {model: openai/glm-4.7, fallbacks: []}
"""


@pytest.fixture
def tests(folder: Path) -> Path:
    file = folder / "fast.tests.yaml"
    file.write_text(TESTS)
    return file


def test_tests_that_pass_are_listed_and_the_exit_code_is_0(governance: Command, tests: Path) -> None:
    tests.write_text(TESTS.replace("fallbacks: []", "profile: Fast").replace("model: openai/glm-4.7, ", ""))
    done = governance("test", "fast.tests.yaml")

    assert done.exit_code == 0, done.stdout
    assert "✓ asks Cerebras" in done.stdout
    assert "2 passed in" in done.stdout
    assert "governance.yaml: 3 of 3 rules, targets and limits touched (100 %)" in done.stdout


def test_a_test_that_fails_is_told_with_its_line_and_what_differs(governance: Command, tests: Path) -> None:
    done = governance("test", "fast.tests.yaml")

    assert done.exit_code == 1
    assert "✗ images go to OpenAI" in done.stdout
    assert "fast.tests.yaml:5" in done.stdout
    shown = [line.strip() for line in done.stdout.splitlines()]
    at = shown.index("fallbacks")
    assert shown[at + 1 : at + 3] == ["expected []", 'got      ["openai/glm-4.7"]']
    assert "1 passed, 1 failed" in done.stdout


def test_the_decision_of_a_test_that_fails_is_explained_on_demand(governance: Command, tests: Path) -> None:
    plain, explained = governance("test", "fast.tests.yaml"), governance("test", "fast.tests.yaml", "-v")

    assert "who said what" not in plain.stdout
    assert explained.stdout.count("who said what") == 1


def test_tests_are_chosen_by_their_names(governance: Command, tests: Path) -> None:
    chosen, none = (governance("test", "fast.tests.yaml", "-k", word) for word in ("CEREBRAS", "nonsense"))

    assert chosen.exit_code == 0
    assert "OpenAI" not in chosen.stdout
    assert (none.exit_code, none.stderr) == (2, "no test's name contains `nonsense`\n")


def test_too_little_coverage_fails(governance: Command, tests: Path) -> None:
    tests.write_text("tests: [{name: one, request: {model: openai/m}, expect: {outcome: pass}}]")
    enough, short = (governance("test", "fast.tests.yaml", "--fail-under", percent) for percent in ("0", "50"))

    assert (enough.exit_code, short.exit_code) == (0, 1)
    assert "0 of 3 rules, targets and limits touched (0 %, 50 % wanted)" in short.stdout
    assert "routing_profiles: Fast → cerebras/*: no test touches it" in short.stdout


def test_several_files_touch_a_policy_together(governance: Command, tests: Path, folder: Path) -> None:
    one = "tests: [{name: one, request: {model: openai/m}, expect: {outcome: pass}}]"
    (folder / "one.tests.yaml").write_text(one)
    done = governance("test", "fast.tests.yaml", "one.tests.yaml", "--json")
    told = json.loads(done.stdout)

    assert [len(file["tests"]) for file in told["files"]] == [2, 1]
    assert [coverage["percent"] for coverage in told["coverage"]] == [100.0]


def test_for_programs_it_is_json(governance: Command, tests: Path) -> None:
    done = governance("test", "fast.tests.yaml", "--json", "-v")
    told = json.loads(done.stdout)
    bad = told["files"][0]["tests"][1]

    assert (done.exit_code, told["passed"]) == (1, False)
    assert (bad["name"], bad["line"], bad["passed"]) == ("images go to OpenAI", 5, False)
    assert {"path": "fallbacks", "expected": [], "got": ["openai/glm-4.7"]} in bad["differences"]
    assert bad["records"][0]["request"]["capabilities"] == ["vision"]


def test_junit_is_written_for_ci(governance: Command, tests: Path, folder: Path) -> None:
    assert governance("test", "fast.tests.yaml", "--junit", "junit.xml").exit_code == 1
    (suite,) = ElementTree.parse(folder / "junit.xml").getroot()

    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("fast.tests.yaml", "2", "1")
    unwritable = governance("test", "fast.tests.yaml", "--junit", "no/such/folder.xml")
    assert unwritable.exit_code == 2
    assert unwritable.stderr.startswith("no/such/folder.xml cannot be written: ")


def test_another_policy_may_be_named(governance: Command, tests: Path, folder: Path) -> None:
    (folder / "other.yaml").write_text((folder / "governance.yaml").read_text().replace("cerebras", "groq"))
    done = governance("test", "fast.tests.yaml", "--policy", "other.yaml", "-k", "Cerebras")

    assert done.exit_code == 1
    assert 'got      "groq/glm-4.7"' in done.stdout


def test_paths_in_a_tests_file_count_from_the_file(
    governance: Command, tests: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "litellm.yaml").write_text("model_list: [{model_name: openai/*, litellm_params: {model: openai/*}}]")
    tests.write_text(
        "policy: governance.yaml\nconfig: litellm.yaml\n"
        "tests: [{name: one, request: {model: fast/m}, expect: {candidates: {cerebras/m: not_configured}}}]"
    )
    monkeypatch.chdir(folder / "elsewhere")

    assert governance("test", "../fast.tests.yaml").exit_code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tests: [{name: one, request: {model: m}, expcet: {}}]", "fast.tests.yaml:1: tests[0].expcet: unknown key, "),
        ("policy: missing.yaml\ntests: [{name: one, request: {model: m}, expect: {model: m}}]", "missing.yaml: cannot"),
    ],
)
def test_files_that_cannot_be_used_end_with_2(governance: Command, tests: Path, text: str, message: str) -> None:
    tests.write_text(text)
    done = governance("test", "fast.tests.yaml")

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
    assert json.loads(governance("test", "fast.tests.yaml", "--json").stdout)["valid"] is False


def test_names_that_a_terminal_would_obey_are_spelled_out(governance: Command, tests: Path) -> None:
    tests.write_text(
        r'tests: [{name: "\e[2J", request: {model: "fast/\e]0;x\a"}, expect: {outcome: pass, model: "\e[1m"}}]'
    )
    done = governance("test", "fast.tests.yaml", "-v")

    assert done.exit_code == 1
    assert "\x1b" not in done.stdout
    assert "\\x1b[2J" in done.stdout
