"""The verbs about task routing: profile, task, test-route, eval-classifier."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
POLICY = """\
version: 1
# Who serves what.
task_routing:
  active_profile: lab   # for now
  profiles:
    lab: {code: [a/coder, b/coder], fallback: b/last}
"""


@pytest.fixture(autouse=True)
def policy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(folder / "state"))
    file = folder / "governance.yaml"
    file.write_text(POLICY)
    return file


def told(governance: Command, *arguments: str, code: int = 0) -> Any:
    done = governance(*arguments, "--json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def test_profiles_are_shown_with_the_active_one(governance: Command) -> None:
    done = governance("profile")

    assert done.exit_code == 0
    assert re.search(r"^lab +active +code +a/coder, b/coder$", done.stdout, re.MULTILINE)
    assert "a/coder, b/coder" in done.stdout
    assert told(governance, "profile")["active_profile"] == "lab"
    assert set(told(governance, "profile")["profiles"]) == {"eco", "balanced", "premium", "lab"}


def test_setting_the_active_profile_changes_one_word_of_the_file(governance: Command, policy: Path) -> None:
    done = governance("profile", "set", "Premium", "--file")

    assert (done.exit_code, done.stdout) == (0, "governance.yaml: active_profile is premium\n")
    assert policy.read_text() == POLICY.replace("lab   #", "premium   #")


def test_an_unknown_profile_is_refused_and_the_file_stays(governance: Command, policy: Path) -> None:
    done = governance("profile", "set", "gold", "--file")

    assert done.exit_code == 1
    assert done.stderr == "`gold` is no profile; there are eco, balanced, premium, lab\n"
    assert policy.read_text() == POLICY


def test_a_policy_without_the_section_is_told_what_to_add(governance: Command, policy: Path) -> None:
    policy.write_text("version: 1\n")

    assert governance("profile").stderr == (
        "governance.yaml has no section `task_routing`; add `task_routing: {}` for the presets\n"
    )


def test_a_task_is_shown_set_and_cleared_again(governance: Command, policy: Path) -> None:
    assert told(governance, "task", "code")["chains"]["lab"] == ["a/coder", "b/coder", "b/last"]
    assert told(governance, "task", "Code", "--set", "c/own")["chains"]["lab"][0] == "c/own"
    assert "overrides: {code: c/own}" in policy.read_text()
    assert "code: override c/own" in governance("task", "code").stdout
    assert told(governance, "task", "code", "--clear")["override"] == []
    assert told(governance, "task", "code", "--clear")["override"] == [], "clearing is idempotent"
    assert "# for now" in policy.read_text()


def test_clearing_what_was_never_set_changes_nothing(governance: Command, policy: Path) -> None:
    assert told(governance, "task", "fast", "--clear")["task"] == "fast"
    assert policy.read_text() == POLICY


def test_a_mistaken_model_is_refused_and_the_file_stays(governance: Command, policy: Path) -> None:
    done = governance("task", "code", "--set", "eco/code")

    assert done.exit_code == 1
    assert "task_routing.overrides.code[0]: `eco/code` is a task profile itself" in done.stderr
    assert policy.read_text() == POLICY


def test_an_unknown_task_is_refused_and_an_override_makes_one(governance: Command) -> None:
    assert governance("task", "poetry").stderr.startswith("`poetry` is no task; there are code, general, fast, ")
    assert told(governance, "task", "poetry", "--set", "c/poet")["chains"]["eco"][0] == "c/poet"


def test_set_and_clear_exclude_each_other(governance: Command) -> None:
    assert governance("task", "code", "--set", "a/b", "--clear").exit_code == 2


def test_the_gateways_format_is_changed_inside_its_config(governance: Command, policy: Path) -> None:
    policy.write_text('{"name": "governance", "enabled": true, "config": {"task_routing": {}}}')

    assert governance("profile", "set", "eco", "--file").exit_code == 0
    assert json.loads(policy.read_text())["config"] == {"task_routing": {"active_profile": "eco"}}


def test_a_text_is_classified_and_routed_as_the_proxy_would(governance: Command) -> None:
    done = governance("test-route", "Fix the bug in this Python function")

    assert done.exit_code == 0
    assert re.match(r"classified as code, (0\.\d\d|1\.00) sure", done.stdout)
    assert "profile lab, task code\n  ✔ a/coder  serves\n  → b/coder  next\n" in done.stdout


def test_for_programs_it_is_the_classification_and_the_record(governance: Command) -> None:
    shown = told(governance, "test-route", "Write a poem about the sea", "--profile", "eco")

    assert shown["classification"]["task"] == "creative"
    assert shown["decision"]["request"]["task"] == "creative"
    assert shown["decision"]["profile"] == "eco"


def test_where_nothing_can_serve_the_exit_code_is_1_and_every_reason_is_shown(governance: Command) -> None:
    done = governance("test-route", "Fix this bug", "--modality", "video")

    assert done.exit_code == 1
    assert "✘ a/coder  capability_mismatch (brings video, and nobody says that it takes that)" in done.stdout
    assert "refused 400 no_eligible_target" in done.stdout


def test_an_unknown_modality_is_refused_with_those_that_are_known(governance: Command) -> None:
    done = governance("test-route", "Hello", "--modality", "hologram")

    assert done.exit_code == 2
    assert "hologram" in done.stderr
    assert "image" in done.stderr


def test_an_unknown_profile_is_refused(governance: Command) -> None:
    assert governance("test-route", "Hello", "--profile", "gold").stderr.startswith("`gold` is no profile; ")


def lines(file: Path, *rows: dict[str, Any]) -> str:
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return str(file)


def test_a_classifier_is_measured(governance: Command, folder: Path) -> None:
    file = lines(
        folder / "labelled.jsonl",
        {"prompt": "Fix this bug", "label": "code"},
        {"prompt": "Refactor the function", "label": "Code"},
        {"prompt": "Write a poem", "label": "creative"},
        {"prompt": "Write a story", "label": "analysis", "source": "x"},
    )
    measured = told(governance, "eval-classifier", file)

    assert (measured["prompts"], measured["accuracy"]) == (4, 0.75)
    assert measured["macro_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    creative = measured["classes"]["creative"]
    assert (creative["precision"], creative["recall"], creative["f1"], creative["support"]) == (0.5, 1.0, 2 / 3, 1)
    assert measured["confusion"]["analysis"] == {"analysis": 0, "code": 0, "creative": 1}
    assert set(measured["latency_us"]) == {"p50", "p99", "max"}
    assert "4 prompts: accuracy 0.750 [0.301, 0.954], macro-F1 0.556 [" in governance("eval-classifier", file).stdout


def test_lines_that_are_no_labelled_prompt_are_told_one_by_one(governance: Command, folder: Path) -> None:
    (folder / "bad.jsonl").write_text('{"prompt": "a"}\n\nnonsense\n["x"]\n{"prompt": "a", "label": "code"}\n')
    done = governance("eval-classifier", "bad.jsonl")

    assert done.exit_code == 1
    assert [line.split(":")[1] for line in done.stderr.splitlines()[:-1]] == ["1", "3", "4"]
    assert governance("eval-classifier", "missing.jsonl").exit_code == 1


def test_an_unknown_classifier_is_refused(governance: Command, folder: Path) -> None:
    file = lines(folder / "labelled.jsonl", {"prompt": "Fix this bug", "label": "code"})

    assert governance("eval-classifier", file, "--classifier", "x").stderr.startswith("`x` is no classifier; ")
