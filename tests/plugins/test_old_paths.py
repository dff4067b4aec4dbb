"""A plugin written before the core had rooms still loads: what six public paths promised then, they promise now."""

import json
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import pytest

from tests.plugins.third_party.install import HERE, install, run

SOURCE = HERE / "governance-large-prompts"

PROMISED = {
    "governance": """Charge Failure GovernanceError Identity PolicyError Recovery Refusal Rejection Request Ruling
        Selection Target Usage Window hookimpl""",
    "governance.model": """GENERATES_TEXT Charge Failure Habits Identity Levels MICROS_PER_USD Mode ModelFacts Models
        NOBODY NOTHING NO_FACTS Percent REQUEST_TYPES Recovery Refusal Rejection Request Ruling Selection
        TYPICAL_OUTPUT_TOKENS Target Unit Usage Window""",
    "governance.hookspecs": """PROJECT charge_targets hookimpl hookspec on_failure on_success pre_request
        select_targets""",
    "governance.catalog": """CAPABILITY_KEYS Catalog INPUT_MODALITIES OUTPUT_MODALITIES PROVIDERS Said Sources TIERS
        Tier Tiers card cards chats installed_prices known_facts provider_and_model provider_of screen""",
    "governance.expressions": "PERCENTS VARIABLES Condition Expression Facts compile_condition",
    "governance.limits": "EVERYONE Limit LimitBook Subject SubjectNames limit_problems limit_warnings names_of",
    "governance.ledger": "Health Ledger Option OptionReading Reading Reserved open_ledger split_counts",
}

Decide = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("path", PROMISED)
def test_a_public_path_has_the_names_that_it_had(path: str) -> None:
    there = set(dir(import_module(path)))

    assert set(PROMISED[path].split()) - there == set()


@pytest.fixture(scope="module")
def decide(tmp_path_factory: pytest.TempPathFactory) -> Decide:
    """The record of a request under the policy that names the plugin."""
    path = install(SOURCE, tmp_path_factory.mktemp("installed"))
    explain = partial(run, "explain", "-", "--policy", "governance.yaml", "--json", folder=SOURCE, python_path=path)

    def record(text: str, used: int = 0) -> dict[str, Any]:
        body = {"model": "fast/gpt-oss-120b", "messages": [{"role": "user", "content": text}]}
        usage = [{"limit": "a few large ones", "used": used}]
        given = {"body": body, "identity": {"team_id": "research"}, "usage": usage}
        explained = explain(stdin=json.dumps(given))
        assert explained.returncode == 0, explained.stderr
        found: dict[str, Any] = json.loads(explained.stdout)
        return found

    return record


def test_it_has_nothing_to_say_about_a_small_prompt(decide: Decide) -> None:
    record = decide("hello")

    assert record["model"] == "cerebras/gpt-oss-120b"
    assert record["windows"] == []


def test_its_condition_rejects_a_target_and_its_limit_counts_the_request(decide: Decide) -> None:
    record = decide("many words " * 200, used=1)

    assert record["model"] == "openai/gpt-oss-120b"
    (first, *_) = record["candidates"]
    assert (first["target"], first["reason"]) == ("cerebras/gpt-oss-120b", "model_not_allowed")
    (window,) = record["windows"]
    assert (window["subject"], window["used_before"], window["reserved"]) == ("team:research", 1, 1)


def test_its_limit_refuses_when_it_is_full(decide: Decide) -> None:
    refusal = decide("many words " * 200, used=2)["refusal"]

    assert (refusal["status"], refusal["code"], refusal["limit"]) == (429, "requests_exhausted", "a few large ones")
