"""`governance policy diff` and `governance policy plan`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
LIMITS = "version: 1\nrate_limits:\n- {name: %s, subject: everyone, requests: %s}\n"
TESTS = "tests:\n- {name: it goes through, request: {model: a/b}, expect: {outcome: %s}}\n"


@pytest.fixture
def files(folder: Path) -> Path:
    """The policy in use, and others."""
    (folder / "governance.yaml").write_text(LIMITS % ("all", "60/minute"))
    (folder / "same.yaml").write_text("# better\n" + LIMITS % ("all", "60/minute"))
    (folder / "less.yaml").write_text(LIMITS % ("all", "40/minute"))
    (folder / "renamed.yaml").write_text(LIMITS % ("everyone", "60/minute"))
    (folder / "bad.yaml").write_text("version: 2\n")
    (folder / "red.tests.yaml").write_text(TESTS % "route")
    (folder / "green.tests.yaml").write_text(TESTS % "pass")
    return folder


def test_a_change_is_told_with_its_effect_and_its_lines(governance: Command, files: Path) -> None:
    done = governance("policy", "diff", "less.yaml")

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "~ rate_limits[all].requests                                             tightens",
        "    60/minute -> 40/minute",
        "    line 3 -> line 3",
        "Plan: 0 to add, 1 to change, 0 to remove (1 tightens).",
    ]


def test_of_two_files_the_first_one_is_before(governance: Command, files: Path) -> None:
    assert "40/minute -> 60/minute" in governance("policy", "diff", "less.yaml", "governance.yaml").stdout


def test_two_changes_merge_with_the_comments_of_theirs(governance: Command, files: Path) -> None:
    (files / "theirs.yaml").write_text("# theirs\naccess: {require_key: true}  # now\n" + LIMITS % ("all", "60/minute"))
    done = governance("policy", "merge", "governance.yaml", "less.yaml", "theirs.yaml")

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "# theirs\naccess: {require_key: true}  # now\n" + LIMITS % ("all", "40/minute")


def test_what_both_changed_otherwise_is_told_with_all_three_values(governance: Command, files: Path) -> None:
    (files / "theirs.yaml").write_text(LIMITS % ("all", "90/minute"))
    done = governance("policy", "merge", "governance.yaml", "less.yaml", "theirs.yaml")

    assert (done.exit_code, done.stdout) == (5, "")
    told, what = done.stderr.splitlines()
    assert told == "rate_limits[all].requests: was 60/minute, yours 40/minute, theirs 90/minute"
    assert what == "both changed the same; put your change into theirs.yaml by hand"


def test_a_patch_is_of_the_texts(governance: Command, files: Path) -> None:
    told = governance("policy", "diff", "same.yaml", "--patch").stdout

    assert told.startswith("--- a/governance.yaml\n+++ b/governance.yaml\n@@ ")
    assert "+# better\n" in told


def test_policies_that_say_the_same_have_no_changes(governance: Command, files: Path) -> None:
    done = governance("policy", "diff", "same.yaml", "--exit-code")

    assert (done.exit_code, done.stdout) == (0, "No changes: both policies say the same.\n")


def test_a_count_that_begins_at_zero_is_told(governance: Command, files: Path) -> None:
    told = governance("policy", "diff", "renamed.yaml").stdout

    assert "    renamed: all -> everyone" in told.splitlines()
    assert "    ! what was counted so far does not go over: it begins at zero" in told.splitlines()


@pytest.mark.parametrize(
    ("asked", "exit_code"),
    [
        (["diff", "less.yaml", "--exit-code"], 4),
        (["plan", "less.yaml"], 0),
        (["plan", "less.yaml", "--exit-code"], 4),
        (["plan", "less.yaml", "--exit-code", "--forbid", "loosens"], 4),
        (["plan", "less.yaml", "--exit-code", "--forbid", "tightens"], 5),
        (["plan", "less.yaml", "--forbid", "everything"], 2),
        (["plan", "less.yaml", "--tests", "green.tests.yaml"], 0),
        (["plan", "less.yaml", "--tests", "red.tests.yaml"], 5),
        (["plan", "less.yaml", "--from", "sha256:0"], 5),
        (["plan", "bad.yaml"], 1),
        (["diff", "missing.yaml"], 1),
        (["diff"], 2),
    ],
)
def test_the_exit_code_tells_programs_what_came_of_it(
    asked: list[str], exit_code: int, governance: Command, files: Path
) -> None:
    assert governance("policy", *asked).exit_code == exit_code


def test_a_plan_for_programs_has_an_id_of_both_policies(governance: Command, files: Path) -> None:
    plan, again, other = (
        json.loads(governance("policy", "plan", file, "--json").stdout)
        for file in ("less.yaml", "less.yaml", "same.yaml")
    )

    assert plan == again
    assert plan["plan_id"] != other["plan_id"]
    assert (plan["counts"], plan["effects"]) == ({"add": 0, "change": 1, "remove": 0}, {"tightens": 1})
    assert plan["changes"] == [
        {
            "kind": "changed",
            "path": "rate_limits[all].requests",
            "effects": ["tightens"],
            "before": "60/minute",
            "line_before": 3,
            "after": "40/minute",
            "line_after": 3,
        }
    ]


def test_a_plan_of_the_base_that_it_was_made_from_is_fresh(governance: Command, files: Path) -> None:
    base = json.loads(governance("policy", "plan", "less.yaml", "--json").stdout)["base"]

    assert governance("policy", "plan", "less.yaml", "--from", base).exit_code == 0


def test_a_pull_request_gets_a_table_whatever_is_in_the_values(governance: Command, files: Path) -> None:
    rule = "routing_rules:\n- {name: 'a|b `c`', refuse: {message: 'no | never'}}\n"
    (files / "rule.yaml").write_text(LIMITS % ("everyone", "60/minute") + rule)
    done = governance("policy", "plan", "rule.yaml", "--format", "markdown", "--tests", "red.tests.yaml")

    lines = done.stdout.splitlines()
    assert lines[0].startswith("**Plan: 1 to add, 1 to change, 0 to remove (1 tightens, 1 restarts_count).**")
    row = next(line for line in lines if line.startswith("| + |"))
    assert row.replace("\\|", "").count("|") == 6
    assert "> [!CAUTION]" in lines
    assert "Tests: 0 passed, 1 failed." in lines


@pytest.mark.parametrize("value", ["x" * 300, "word " * 60, "\x1b[31m red", "one\u2028two"])
def test_no_line_is_longer_than_80_columns_and_none_steers_the_terminal(
    value: str, governance: Command, files: Path
) -> None:
    rule = {"version": 1, "routing_rules": [{"name": "one", "description": value, "refuse": {"message": "go"}}]}
    (files / "rule.yaml").write_text(json.dumps(rule))

    told = governance("policy", "diff", "rule.yaml").stdout

    assert max(map(len, told.splitlines())) <= 80
    assert all(line.isprintable() for line in told.splitlines())
