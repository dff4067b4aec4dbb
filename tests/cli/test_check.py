from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
PROXY = """
model_list:
  - {model_name: cerebras/glm-4.7, litellm_params: {model: cerebras/glm-4.7}}
"""


def test_a_valid_policy_is_told_in_a_line(governance: Command) -> None:
    done = governance("check")

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "governance.yaml: valid; routing_profiles (1)\n"


def test_for_programs_it_is_json(governance: Command) -> None:
    told = json.loads(governance("check", "--json").stdout)

    assert told["revision"].startswith("sha256:")
    del told["revision"]
    assert told == {"valid": True, "policy": "governance.yaml", "plugins": {"routing_profiles": 1}, "warnings": []}


def test_every_mistake_is_told_on_stderr_and_the_exit_code_is_1(governance: Command, folder: Path) -> None:
    (folder / "bad.yaml").write_text("version: 2\nroutting_profiles: []\n")
    done = governance("check", "bad.yaml")

    assert (done.exit_code, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert lines[0] == "bad.yaml:1: version: must be 1"
    assert lines[1].startswith("bad.yaml:2: routting_profiles: no such plugin, did you mean `routing_profiles`?")
    assert lines[2:] == ["2 mistakes; nothing was changed"]


def test_mistakes_are_json_for_programs(governance: Command, folder: Path) -> None:
    (folder / "bad.yaml").write_text("version: 2\n")
    done = governance("check", "bad.yaml", "--json")

    assert (done.exit_code, done.stderr) == (1, "")
    assert json.loads(done.stdout) == {
        "valid": False,
        "errors": [
            {
                "source": "bad.yaml",
                "line": 1,
                "column": 1,
                "path": "version",
                "message": "must be 1",
                "pointer": "/version",
            }
        ],
    }


def test_a_missing_policy_is_a_mistake_too(governance: Command, folder: Path) -> None:
    (folder / "governance.yaml").unlink()
    done = governance("check")

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "governance.yaml: cannot be read: No such file or directory\n1 mistake; nothing was changed\n"
    )


def test_without_a_name_the_environment_names_the_policy(
    governance: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "other.yaml").write_text("version: 1\n")
    monkeypatch.setenv("GOVERNANCE_POLICY", "other.yaml")

    assert governance("check").stdout == "other.yaml: valid; no plugins, so nothing is governed\n"
    assert governance("check", "governance.yaml").stdout.startswith("governance.yaml: valid")


def test_a_target_that_the_proxy_does_not_serve_is_a_warning(governance: Command, folder: Path) -> None:
    (folder / "litellm.yaml").write_text(PROXY)
    done = governance("check", "--config", "litellm.yaml")

    assert done.exit_code == 0
    assert "warning: profile Fast: the proxy serves no model of openai; this target will never be chosen" in done.stdout
    assert "cerebras" not in done.stdout
    assert len(json.loads(governance("check", "--config", "litellm.yaml", "--json").stdout)["warnings"]) == 1


@pytest.mark.parametrize("who", ["general_settings.store_model_in_db", "$STORE_MODEL_IN_DB"])
def test_with_models_in_the_database_too_check_says_what_it_cannot_see(
    governance: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    if who.startswith("$"):
        monkeypatch.setenv("STORE_MODEL_IN_DB", "True")
    stored = "" if who.startswith("$") else "general_settings: {store_model_in_db: true}\n"
    (folder / "litellm.yaml").write_text(PROXY + stored)
    told = json.loads(governance("check", "--config", "litellm.yaml", "--json").stdout)

    assert told["warnings"] == [
        f"litellm.yaml: {who}: LiteLLM's database, which is not looked at here, has models too; in no model_list, and "
        "taken to be there: `openai/*`"
    ]
    explained = governance("explain", "-", "--config", "litellm.yaml", stdin='{"body": {"model": "fast/gpt-5"}}')
    assert "served by cerebras/gpt-5, then openai/gpt-5" in explained.stdout


def test_what_the_file_has_is_looked_for_in_no_database(governance: Command, folder: Path) -> None:
    stored = "general_settings: {store_model_in_db: true}\n"
    (folder / "litellm.yaml").write_text(PROXY + stored)
    targets = "{provider: cerebras, model: glm-4.7, virtual_model: m}, {group: ours, virtual_model: m}"
    profile = f"{{name: A, virtual_provider: a, targets: [{targets}]}}"
    (folder / "governance.yaml").write_text(f"version: 1\nrouting_profiles: [{profile}]\n")
    (warning,) = json.loads(governance("check", "--config", "litellm.yaml", "--json").stdout)["warnings"]

    assert warning.endswith("taken to be there: model group `ours`")


def test_a_budget_that_makes_a_model_unusable_is_a_warning(governance: Command, folder: Path) -> None:
    budget = "budgets: [{name: team money, subject: {team: '*'}, amount: 5 USD/day}]\n"
    (folder / "governance.yaml").write_text(f"version: 1\n{budget}")
    (folder / "litellm.yaml").write_text(PROXY.replace("cerebras/glm-4.7", "hosted_vllm/our-own"))
    done = governance("check", "--config", "litellm.yaml")

    assert done.exit_code == 0
    assert "warning: limit team money: the price of `hosted_vllm/our-own` is unknown" in done.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"model_list: {a: 1}", "litellm.yaml: model_list: must be a list of LiteLLM deployments"),
        (b"- a", "litellm.yaml: is no LiteLLM configuration: a mapping is expected"),
        (b"a: [", "litellm.yaml:1: not valid YAML: "),
        (b"\xff", "litellm.yaml: is not UTF-8 text"),
        (None, "litellm.yaml: cannot be read: No such file or directory"),
    ],
)
def test_a_proxy_configuration_that_cannot_be_read_is_told(
    governance: Command, folder: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (folder / "litellm.yaml").write_bytes(content)
    done = governance("check", "-c", "litellm.yaml")

    assert done.exit_code == 1
    assert done.stderr.startswith(message)


@pytest.mark.parametrize("arguments", [["check", "a", "b"], ["check", "--no-such"], ["chekc"], ["explain"]])
def test_wrong_usage_exits_with_2(governance: Command, arguments: list[str]) -> None:
    assert governance(*arguments).exit_code == 2


def test_checking_imports_no_litellm(process: Command) -> None:
    done = process(
        "import sys\n"
        "from governance.cli import app\n"
        "app(['check'], standalone_mode=False)\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('litellm', 'fastapi', 'redis')])\n"
    )

    assert done.stdout.splitlines() == ["governance.yaml: valid; routing_profiles (1)", "[]"], done.stderr


def test_a_policy_of_somebody_else_steers_no_terminal(governance: Command, folder: Path) -> None:
    (folder / "governance.yaml").write_text(
        'routing_profiles: [{name: "a\\e[2J\\nvalid", virtual_provider: "b\\u202e/"}]'
    )
    done = governance("check")

    assert done.exit_code == 1
    assert all(line.isprintable() for line in done.output.splitlines())
    assert [line for line in done.output.splitlines() if line.startswith("valid")] == []


def test_check_says_which_models_litellm_starts_without(governance: Command, folder: Path) -> None:
    (folder / "litellm.yaml").write_text(
        "litellm_settings: {custom_provider_map: [{provider: mine, custom_handler: own.handler}]}\n"
        "model_list:\n"
        "- {model_name: own, litellm_params: {model: own-model}}\n"
        "- {model_name: ours, litellm_params: {model: mine/model}}\n"
        "- {model_name: f, litellm_params: {model: cerebras/x}, model_info: {supported_environments: [production]}}\n"
    )
    said = governance("check", "--config", "litellm.yaml").stdout

    assert (
        "litellm.yaml: model_list[0] (own): LiteLLM leaves it out: "
        "LiteLLM cannot tell the provider of `own-model`; write it as provider/model" in said
    )
    assert "model_list[2] (f): LiteLLM leaves it out: it needs LITELLM_ENVIRONMENT, which is not set" in said
    assert "model_list[1]" not in said
    assert "the proxy serves no model of cerebras" in said


@pytest.mark.parametrize(("litellm", "leaves_out"), [((1, 109), True), ((1, 110), False)])
def test_a_name_that_is_a_number_is_one_to_newer_litellms_alone(
    governance: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, litellm: tuple[int, int], leaves_out: bool
) -> None:
    monkeypatch.setattr("governance.policy.left_out_models.installed_litellm", lambda: litellm)
    (folder / "litellm.yaml").write_text("model_list: [{model_name: 4, litellm_params: {model: openai/x}}]\n")

    said = governance("check", "--config", "litellm.yaml").stdout

    told = "model_list[0] (4): LiteLLM leaves it out: `model_name: 4` is no text; put it in quotes"
    assert (told in said) is leaves_out
