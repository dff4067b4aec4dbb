"""`governance policy import` and `governance policy export`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from governance.engine.host import Host
from governance.usecases.compare import compare

Command = Callable[..., Any]
PROXY = """
model_list:
- {model_name: gpt, litellm_params: {model: openai/gpt-4o, rpm: 60}}
litellm_settings: {max_budget: 100, budget_duration: 30d, max_end_user_budget: 5}
"""


def test_a_litellm_yaml_becomes_a_policy_with_its_remarks_in_comments(governance: Command, folder: Path) -> None:
    (folder / "litellm.yaml").write_text(PROXY)
    done = governance("policy", "import", "litellm.yaml")

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("# litellm_settings.max_end_user_budget: has no period")
    host = Host.parse(done.stdout)
    assert host.policy.order == ("rate_limits", "budgets")


def test_a_file_with_nothing_in_it_for_a_policy_is_said_to_have_nothing(governance: Command, folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"governance": {"virtual_keys": [{"id": "vk-1"}]}}))
    done = governance("policy", "import", "config.json")

    assert (done.exit_code, done.stdout) == (
        0,
        "# nothing was read: this is no plugin's configuration, and has no model_list, litellm_settings,"
        " router_settings, general_settings\n{version: 1}\n",
    )


@pytest.mark.parametrize("word", ["plain", "1e3", "yes", "0x1f", "a: b", "\N{SNOWMAN}", "two\nlines", "'quoted'"])
def test_a_plugins_configuration_becomes_a_policy_that_says_the_same(
    word: str, governance: Command, folder: Path
) -> None:
    targets = [{"provider": "cerebras"}]
    profile = {"name": "Fast", "virtual_provider": "fast", "description": word, "targets": targets}
    config = {"is_vk_mandatory": True, "routing_profiles": [profile]}
    given = json.dumps({"name": "governance", "enabled": True, "config": config})
    (folder / "plugin.json").write_text(given)

    made = governance("policy", "import", "plugin.json").stdout

    assert differ(given, made) <= {("version",)}
    (folder / "made.yaml").write_text(made)
    back = governance("policy", "export", "made.yaml", "--as", "plugin").stdout
    assert json.loads(back)["config"]["is_vk_mandatory"] is True
    assert differ(given, back) <= {("version",)}, "and back again"


def differ(one: str, other: str) -> set[tuple[str | int, ...]]:
    return {change.path for change in compare(Host.parse(one), Host.parse(other))}


def test_mistakes_are_told_where_they_are(governance: Command, folder: Path) -> None:
    (folder / "plugin.json").write_text('{"name": "governance",\n "config": {"routing_profiles": [{"name": "x"}]}}')
    done = governance("policy", "import", "plugin.json")

    assert (done.exit_code, done.stdout) == (1, "")
    assert "plugin.json:2: config.routing_profiles[0].virtual_provider: is required" in done.stderr


@pytest.mark.parametrize("text", ["", "[1, 2]", "just words"])
def test_what_is_no_configuration_at_all_is_told(text: str, governance: Command, folder: Path) -> None:
    (folder / "other.yaml").write_text(text)
    done = governance("policy", "import", "other.yaml")

    assert done.exit_code == 1
    assert "is neither a gateway plugin's configuration nor a litellm.yaml" in done.stderr


def test_what_is_exported_is_the_text_with_its_references(
    governance: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER", "memory://")
    text = "version: 1  # ours\nledger: {url: '${LEDGER}'}\n"
    (folder / "governance.yaml").write_text(text)

    assert governance("policy", "export").stdout == text
    assert json.loads(governance("policy", "export", "--as", "json").stdout)["ledger"] == {"url": "${LEDGER}"}
