from __future__ import annotations

import json
import re
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


def shown(governance: Command, **given: Any) -> list[str]:
    done = governance("explain", "-", stdin=json.dumps({**ASKED, **given}))
    assert done.exit_code == 0, done.stderr
    return [line.lstrip("│├└─ \xa0") for line in done.stdout.splitlines()]


def test_the_decision_is_shown_with_its_reasons(governance: Command, folder: Path) -> None:
    (folder / "request.json").write_text(json.dumps(ASKED))
    done = governance("explain", "request.json")

    assert done.exit_code == 0
    for words in ("fast/glm-4.7", "profile Fast", "cerebras/glm-4.7  serves", "openai/glm-4.7  fallback", "served by"):
        assert words in done.stdout


def test_who_asks_and_what_for_is_shown(governance: Command) -> None:
    who = {"virtual_key_id": "0123456789abcdef", "team_id": "t-1", "team_name": "Research"}
    lines = shown(governance, identity=who, capabilities=["tools"], tags=["a"], prompt_tokens=1200, task="code")

    assert lines[0] == "fast/glm-4.7  chat, about 1,200 prompt tokens, task code, needs tools, tags a"
    assert lines[1] == "asked by key 0123456789ab, team Research"


def test_windows_are_shown_before_and_after_with_their_bars(governance: Command) -> None:
    name = "target:cerebras/glm-4.7 [Fast: *]"
    used = [{"target": "cerebras/glm-4.7", "used": 29}]
    full = [{"target": "cerebras/glm-4.7", "used": 60}]

    assert f"{name} ▒░░░░░░░░░░░ 0 → 1 of 60 requests per minute" in shown(governance)
    assert any(
        line.startswith(f"{name} ██████░░░░░░ 29 → 30 of 60 requests per minute, resets in 1 min")
        for line in shown(governance, usage=used)
    )
    assert any(
        line.startswith(f"{name} ████████████ 60 of 60 requests per minute") and line.endswith("no room")
        for line in shown(governance, usage=full)
    )


def test_money_is_shown_as_money(governance: Command, folder: Path) -> None:
    prices = "model_info: {input_cost_per_token: 0.000001, output_cost_per_token: 0.000002}"
    (folder / "litellm.yaml").write_text(
        f"model_list: [{{model_name: openai/m, litellm_params: {{model: openai/m}}, {prices}}}]"
    )
    (folder / "governance.yaml").write_text("budgets: [{name: all, subject: everyone, amount: 5 USD/month}]")
    asked = {"body": {"model": "openai/m"}, "at": ASKED["at"], "prompt_tokens": 1000, "max_output_tokens": 500}
    done = governance("explain", "-", "--config", "litellm.yaml", stdin=json.dumps(asked))

    assert "everyone [all] ▒░░░░░░░░░░░ 0 USD → 0.002 USD of 5 USD per month" in done.stdout


def test_rules_that_matched_and_were_passed_over_are_shown_with_their_reason(governance: Command, folder: Path) -> None:
    (folder / "governance.yaml").write_text(
        """
routing_rules:
  - {name: absent, targets: [{provider: gone, model: m}]}
  - {name: first, cel_expression: 'model == "a"', model: b, chain_rule: true}
  - {name: second, cel_expression: 'model == "b"', targets: [{provider: openai, model: m}]}
  - {name: watching, mode: shadow, targets: [{provider: openai, model: small}]}
"""
    )
    lines = shown(governance, body={"model": "a"}, catalog={"configured": ["openai/*"]})

    assert lines[1:4] == [
        "rule second",
        "rule absent passed over: gone/m not_configured",
        "rule first -> second",
    ]
    assert lines[-1] == "served by openai/m"


def test_shadow_effects_are_shown(governance: Command, folder: Path) -> None:
    (folder / "governance.yaml").write_text(
        "routing_rules: [{name: w, mode: shadow, targets: [{provider: openai, model: m}]}]"
    )

    assert 'routing_rules w: {"model": "openai/m", "fallbacks": []}' in shown(governance, body={"model": "a"})


def test_what_a_limit_made_of_a_request_is_shown(governance: Command, folder: Path) -> None:
    limit = "{name: all, subject: everyone, requests: 1/minute, on_exceeded: {route_to: openai/small}}"
    (folder / "governance.yaml").write_text(f"rate_limits: [{limit}]")
    lines = shown(governance, body={"model": "openai/large"}, usage=[{"limit": "all", "used": 1}])

    assert "asks for less because all is used up" in lines
    assert lines[-1] == "served by openai/small"


def test_the_time_that_each_plugin_took_is_shown(governance: Command) -> None:
    lines = shown(governance)

    assert any(line.startswith("routing_profiles.select_targets: proposed 2 targets (") for line in lines)
    assert any(re.fullmatch(r"time per plugin: routing_profiles \d+ us, ledger \d+ us", line) for line in lines)


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
        ('{"body":\n nope}', "standard input:2: is not JSON: "),
        ("[" * 100_000, "standard input:1: is nested too deeply"),
        ('{"body": {}}', "standard input: body.model: is required"),
        ('{"body": {"model": 7}}', "standard input: body.model: is required"),
        ('{"body": {"model": "m"}, "boddy": 1}', "standard input: boddy: "),
        ('{"body": {"model": "m"}, "draw": [1.5]}', "standard input: draw[0]: "),
        ('{"body": {"model": "m"}, "at": "noon"}', "standard input: at: "),
        ('{"body": {"model": "m"}, "call_type": "dance"}', "standard input: call_type: "),
        ('{"body": {"model": "m"}, "usage": [{"used": -1}]}', "standard input: usage[0].used: "),
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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            '{"body": {"model": "a/b"}, "identty": {}}',
            "identty: unknown key, did you mean `identity`?; known: at, ",
        ),
        (
            '{"body": {"model": "a/b"}, "identity": {"team": "x"}}',
            "identity.team: unknown key, did you mean `team_id`?",
        ),
        ('{"body": {"model": "a/b"}, "usage": [{"limt": "x", "used": 1}]}', "usage[0].limt: unknown key, did you mean"),
        ('{"model": "a/b", "messages": []}', "this is what a caller sends; put it under `body`, such as {"),
        ('{"body": {}}', 'body.model: is required, such as {"body": {"model": "fast/glm-4.7"}}'),
        ("[]", "a request is a JSON object such as {"),
        (" \n", "is empty; a request is JSON such as {"),
    ],
)
def test_a_request_that_will_not_do_says_what_would(governance: Command, given: str, said: str) -> None:
    done = governance("explain", "-", stdin=given)

    assert (done.exit_code, done.stdout) == (1, "")
    assert re.match(rf"standard input(:1)?: {re.escape(said)}", done.stderr), done.stderr
    assert done.stderr.count("\n") == 2
