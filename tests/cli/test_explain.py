from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
ASKED: dict[str, Any] = {"body": {"model": "fast/glm-4.7"}, "at": "2026-11-20T12:00:00Z"}


def record(governance: Command, **given: Any) -> dict[str, Any]:
    done = governance("explain", "-", "--json", stdin=json.dumps({**ASKED, **given}))
    assert done.exit_code == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_decision_is_shown_with_its_reasons(governance: Command, folder: Path) -> None:
    (folder / "request.json").write_text(json.dumps(ASKED))
    done = governance("explain", "request.json")

    assert done.exit_code == 0
    for words in ("fast/glm-4.7", "profile Fast", "cerebras/glm-4.7  serves", "openai/glm-4.7  fallback", "served by"):
        assert words in done.stdout


def test_for_programs_it_is_the_record(governance: Command) -> None:
    told = record(governance)

    assert (told["outcome"], told["model"], told["fallbacks"]) == ("route", "cerebras/glm-4.7", ["openai/glm-4.7"])
    assert (told["mode"], told["at"]) == ("simulated", "2026-11-20T12:00:00.000Z")


def test_stated_use_fills_windows_and_the_clock_stands_still(governance: Command) -> None:
    used = [{"target": "cerebras/glm-4.7", "unit": "requests", "used": 60}]
    told = record(governance, usage=used)
    refused = record(governance, usage=used, catalog={"configured": ["cerebras/*"]})

    assert told["model"] == "openai/glm-4.7"
    assert told["windows"][0]["used_before"] == 60
    assert (refused["refusal"]["status"], refused["refusal"]["retry_after_s"]) == (429, 60)


def test_what_is_given_directly_is_put_over_the_body(governance: Command) -> None:
    told = record(governance, request_type="embeddings", capabilities=["image"], prompt_tokens=7, tags=["a"])

    assert told["request"]["request_type"] == "embedding"
    assert told["request"]["capabilities"] == ["vision"]
    assert told["request"]["prompt_tokens"] == 7
    assert told["request"]["tags"] == ["a"]


def test_a_key_that_may_not_call_a_target_is_told(governance: Command, folder: Path) -> None:
    policy = (folder / "governance.yaml").read_text()
    (folder / "strict.yaml").write_text(policy + "access: {grant: targets}\n")
    asked = json.dumps({**ASKED, "identity": {"models": ["openai/*"]}})
    told = json.loads(governance("explain", "-", "--json", "--policy", "strict.yaml", stdin=asked).stdout)

    assert told["model"] == "openai/glm-4.7"
    assert told["candidates"][0]["reason"] == "model_not_allowed"


def test_given_draws_repeat_a_weighted_decision(governance: Command, folder: Path) -> None:
    targets = "[{provider: a}, {provider: b}]"
    (folder / "governance.yaml").write_text(
        f"routing_profiles: [{{name: S, virtual_provider: s, strategy: weighted, targets: {targets}}}]"
    )
    models = [record(governance, body={"model": "s/m"}, draw=[draw])["model"] for draw in (0.1, 0.9, 0.1)]

    assert models == ["a/m", "b/m", "a/m"]


def test_a_refusal_is_shown_and_is_no_failure_of_the_command(governance: Command) -> None:
    done = governance("explain", "-", stdin='{"body": {"model": "fast/"}}')

    assert done.exit_code == 0
    assert "refused 400 no_eligible_target" in done.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "standard input:1: is not JSON: "),
        ("", "standard input:1: is not JSON: "),
        ('{"body":\n nope}', "standard input:2: is not JSON: "),
        ("[" * 100_000, "standard input:1: is nested too deeply"),
        ("[]", 'standard input: body.model: is required, such as {"body": {"model": "fast/glm-4.7"}}'),
        ('{"body": {}}', "standard input: body.model: is required"),
        ('{"body": {"model": 7}}', "standard input: body.model: is required"),
        ('{"body": {"model": "m"}, "boddy": 1}', "standard input: boddy: "),
        ('{"body": {"model": "m"}, "draw": [1.5]}', "standard input: draw.0: "),
        ('{"body": {"model": "m"}, "at": "noon"}', "standard input: at: "),
        ('{"body": {"model": "m"}, "call_type": "dance"}', "standard input: call_type: "),
        ('{"body": {"model": "m"}, "usage": [{"used": -1}]}', "standard input: usage.0.used: "),
    ],
)
def test_input_that_cannot_be_used_is_told_with_its_place(governance: Command, text: str, message: str) -> None:
    done = governance("explain", "-", stdin=text)

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(message)
    assert json.loads(governance("explain", "-", "--json", stdin=text).stdout)["valid"] is False


def test_a_file_that_is_not_there_or_no_text_is_told(governance: Command, folder: Path) -> None:
    (folder / "binary.json").write_bytes(b"\xff\xfe")

    assert governance("explain", "no.json").stderr.startswith("no.json: cannot be read: No such file or directory")
    assert governance("explain", "binary.json").stderr.startswith("binary.json: cannot be read: is not UTF-8 text")


def test_names_that_no_text_can_hold_are_explained_all_the_same(process: Command, folder: Path) -> None:
    (folder / "request.json").write_text('{"body": {"model": "fast/\\ud800"}}')
    explain = "import sys; from governance.cli import main; sys.argv[1:] = ['explain', 'request.json'{}]; main()"
    for_people, for_programs = process(explain.format("")), process(explain.format(", '--json'"))

    assert for_people.returncode == 0, for_people.stderr
    assert "`fast/\\ud800` names no model" in for_people.stdout
    assert json.loads(for_programs.stdout)["request"]["model"] == "fast/\ud800"


def test_explaining_imports_no_litellm(process: Command, folder: Path) -> None:
    (folder / "request.json").write_text(json.dumps(ASKED))
    done = process(
        "import sys\n"
        "from governance.cli import app\n"
        "app(['explain', 'request.json', '--json'], standalone_mode=False)\n"
        "sys.exit([name for name in sys.modules if name.partition('.')[0] in ('litellm', 'fastapi')] or 0)\n"
    )

    assert done.returncode == 0, done.stderr
