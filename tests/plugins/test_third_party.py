"""A plugin that others wrote, installed as they would install it: the distribution that plugins/README.md shows."""

import json
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.third_party.install import install, run

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path(__file__).parent / "third_party" / "governance-trial-keys"
LANGUAGES = {".toml": "toml", ".py": "python", ".yaml": "yaml", ".json": "json"}

Governance = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def governance(tmp_path_factory: pytest.TempPathFactory) -> Governance:
    """Runs the command where the distribution is installed, in the folder that has its policy."""
    folder = tmp_path_factory.mktemp("source")
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True)
    path = install(folder, tmp_path_factory.mktemp("installed"))
    return partial(run, folder=folder, python_path=path)


@pytest.fixture
def decide(governance: Governance) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The record of a request under the policy that names the plugin."""

    def record(given: dict[str, Any]) -> dict[str, Any]:
        explained = governance("explain", "-", "--policy", "governance.yaml", "--json", stdin=json.dumps(given))
        assert explained.returncode == 0, explained.stderr
        found: dict[str, Any] = json.loads(explained.stdout)
        return found

    return record


def trial(model: str, used: int = 0) -> dict[str, Any]:
    identity = {"virtual_key_id": "k-1", "metadata": {"trial": True}}
    return {"body": {"model": model}, "identity": identity, "usage": [{"limit": "trial keys", "used": used}]}


@pytest.mark.parametrize("file", [path.name for path in sorted(SOURCE.iterdir()) if path.suffix in LANGUAGES])
def test_the_readme_shows_this_distribution_byte_for_byte(file: str) -> None:
    shown = (ROOT / "plugins" / "README.md").read_text("utf-8")

    assert f"```{LANGUAGES[Path(file).suffix]}\n{(SOURCE / file).read_text('utf-8')}```\n" in shown


def test_it_is_listed_with_the_distribution_that_brought_it(governance: Governance) -> None:
    listed = {plugin["name"]: plugin for plugin in json.loads(governance("plugins", "--json").stdout)["plugins"]}

    assert listed["trial_keys"] == {
        "name": "trial_keys",
        "class": "governance_trial_keys:TrialKeys",
        "distribution": "governance-trial-keys",
        "version": "0.1.0",
        "hooks": ["pre_request"],
        "summary": "Keys with `trial: true` in their metadata may ask for few models, and not often.",
    }
    assert listed["routing_profiles"]["distribution"] == "litellm-governance"


def test_a_policy_that_names_it_is_valid(governance: Governance) -> None:
    checked = json.loads(governance("check", "governance.yaml", "--json").stdout)

    assert checked["valid"]
    assert list(checked["plugins"]) == ["routing_profiles", "trial_keys"], "built-in plugins come first"


def test_its_section_is_validated_by_its_own_config(governance: Governance, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("version: 1\ntrial_keys:\n  modles: [fast/gpt-oss-120b]\n  requests_per_day: 0\n", "utf-8")

    checked = governance("check", str(broken))

    assert checked.returncode == 1
    assert checked.stderr.splitlines()[:-1] == [
        "broken.yaml:2: trial_keys.models: is required",
        "broken.yaml:3: trial_keys.modles: unknown key, did you mean `models`?; known: models, requests_per_day",
        "broken.yaml:4: trial_keys.requests_per_day: must be greater than 0",
    ]


def test_the_schema_of_a_policy_has_its_section(governance: Governance) -> None:
    section = json.loads(governance("schema").stdout)["properties"]["trial_keys"]

    assert section["required"] == ["models"]


def test_its_refusal_ends_the_request(decide: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    record = decide(trial("fast/gpt-oss-20b"))

    assert record["outcome"] == "refuse"
    assert record["refusal"]["status"] == 403
    assert record["refusal"]["message"] == "trial keys may not ask for fast/gpt-oss-20b"
    assert [(step["plugin"], step["did"]) for step in record["steps"]] == [
        ("trial_keys", "refused: model_not_allowed")
    ], "nobody was asked after it"


def test_its_charge_is_counted_beside_those_of_the_target(decide: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    record = decide(trial("fast/gpt-oss-120b", used=49))

    assert (record["outcome"], record["model"]) == ("route", "cerebras/gpt-oss-120b")
    (window,) = record["windows"]
    assert (window["subject"], window["used_before"], window["reserved"]) == ("virtual_key:k-1", 49, 1)


def test_its_window_refuses_when_it_is_full(decide: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    refusal = decide(trial("fast/gpt-oss-120b", used=50))["refusal"]

    assert (refusal["status"], refusal["code"], refusal["limit"]) == (429, "requests_exhausted", "trial keys")
    assert refusal["retry_after_s"] > 0


def test_a_request_it_has_nothing_to_say_about_goes_on(decide: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    record = decide({"body": {"model": "fast/gpt-oss-20b"}})

    assert (record["outcome"], record["model"]) == ("route", "cerebras/gpt-oss-20b")
    assert [step["plugin"] for step in record["steps"]] == ["routing_profiles", "ledger"]
