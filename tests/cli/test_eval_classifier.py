"""The verb eval-classifier: what it reads, how sure its figures are, and what errors cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import Command

SEPARATOR = "\u2028"


def written(file: Path, *rows: dict[str, Any]) -> str:
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", "utf-8")
    return str(file)


def told(governance: Command, *arguments: str) -> dict[str, Any]:
    done = governance("eval-classifier", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_prompt_may_hold_what_some_take_for_the_end_of_a_line(governance: Command, folder: Path) -> None:
    file = written(folder / "a.jsonl", {"prompt": f"Fix this bug{SEPARATOR}in my Python code\x85", "label": "code"})

    assert told(governance, file)["prompts"] == 1


def test_messages_are_read_as_the_proxy_reads_them(governance: Command, folder: Path) -> None:
    messages = [
        {"role": "system", "content": "You write poems"},
        {"role": "user", "content": [{"type": "text", "text": "Refactor this Python function"}]},
    ]
    file = written(folder / "a.jsonl", {"messages": messages, "label": "code"})

    assert told(governance, file)["accuracy"] == 1


def test_a_second_label_that_is_right_too_counts_as_a_hit(governance: Command, folder: Path) -> None:
    row = {"prompt": "Refactor this Python function", "label": "analysis"}

    assert told(governance, written(folder / "a.jsonl", row))["accuracy"] == 0
    for also in ("code", ["reasoning", "Code"]):
        assert told(governance, written(folder / "a.jsonl", row | {"also_ok": also}))["accuracy"] == 1


def test_what_is_no_label_is_told_with_its_line(governance: Command, folder: Path) -> None:
    file = written(
        folder / "a.jsonl", {"prompt": "a", "label": "code", "also_ok": 3}, {"messages": "a", "label": "code"}
    )
    done = governance("eval-classifier", file)

    assert done.exit_code == 1
    assert f'{file}:1: "also_ok" must be a label or a list of labels' in done.stderr
    assert f'{file}:2: needs a text "prompt" or a list "messages", and a text "label", as JSON' in done.stderr


def test_shares_have_intervals_and_confidence_is_held_against_them(governance: Command, folder: Path) -> None:
    rows = [{"prompt": f"Fix bug {n} in the Python code", "label": "code" if n % 4 else "general"} for n in range(40)]
    measured = told(governance, written(folder / "a.jsonl", *rows))
    (tenth,) = [each for each in measured["calibration"]["table"] if each["from"] == 0.9]

    assert measured["accuracy"] == 0.75
    assert measured["accuracy_interval"][0] < 0.6
    assert measured["accuracy_interval"][1] > 0.85
    assert measured["macro_f1_interval"][0] < measured["macro_f1"] < measured["macro_f1_interval"][1]
    assert (tenth["prompts"], tenth["right"]) == (40, 0.75)
    assert measured["calibration"]["expected_error"] > 0.15
    assert measured["thresholds"][-1] == {"at_least": 0.9, "share": 1.0, "right": 0.75}


def test_errors_are_priced_by_the_chains_that_would_have_served(governance: Command, folder: Path) -> None:
    file = written(folder / "a.jsonl", {"prompt": "Refactor this Python function", "label": "fast"})
    (folder / "own.yaml").write_text(
        "version: 1\ntask_routing:\n  active_profile: eco\n  profiles:\n"
        "    eco: {code: openai/gpt-4o, fast: openai/gpt-4o-mini, fallback: openai/gpt-4o-mini}\n"
    )
    cost = told(governance, file, "--policy", str(folder / "own.yaml"), "--answer-tokens", "1000")["cost_for_1000"]

    assert cost["as_found_usd_micros"] - cost["as_labelled_usd_micros"] == cost["dearer_usd_micros"]
    assert cost["dearer_usd_micros"] > 1000 * 1000 * 9, "an answer of 1,000 tokens costs 9.40 dollars a million more"
    assert (cost["cheaper_usd_micros"], cost["unpriced"]) == (0, 0)
    printed = governance("eval-classifier", file).stdout
    assert "1,000 such requests cost " in printed
    assert "min_confidence 0.3: 100% of prompts, 0% right" in printed


def test_a_profile_that_is_none_is_refused_with_those_that_are(governance: Command, folder: Path) -> None:
    file = written(folder / "a.jsonl", {"prompt": "a", "label": "code"})

    assert "`x` is no profile; there are eco, " in governance("eval-classifier", file, "--profile", "x").stderr
