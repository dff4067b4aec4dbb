"""Behaviour cases of the areas `access`, `error` and `usage`, on a real proxy.

Keys are LiteLLM's: who may call which model is checked by LiteLLM before governance sees a request, and a policy gives
a key more only where it says so. Cases about things that LiteLLM's keys do not have are in `NOT_LITELLMS`; those that
keys of the policy have are run in tests/conformance/test_access.py.
FB-014 and FB-015 are in test_failover.py, the other cases of `fallback` in tests/conformance.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path(__file__).parents[1] / "conformance" / "gateway-cases.yaml"
CASES = {case["id"]: case for case in yaml.safe_load(FILE.read_text("utf-8"))["cases"]}
NOT_LITELLMS = {
    "BF-ACC-005": "LiteLLM's keys have no list of models that are denied",
    "BF-ACC-007": "LiteLLM accepts `*` beside other names; `*` is what counts",
    "BF-ERR-003": "a key is switched off in LiteLLM's database",
    "BF-ERR-004": "a key expires in LiteLLM's database",
    "BF-USE-005": "windows in Redis are shared: tests/ledger/test_races.py, and two workers in test_soak.py",
}


def of(area: str) -> list[Any]:
    cases = [case for case in CASES.values() if case["area"] == area and case["compat"] != "optional"]
    assert cases
    return [pytest.param(case, id=case["id"]) for case in cases if case["id"] not in NOT_LITELLMS]


def key(**fields: Any) -> str:
    return "sk-" + json.dumps(fields)


@pytest.mark.parametrize("case", of("access"))
def test_access_case(proxy, case: dict[str, Any]) -> None:
    (allowed,) = case["given"]["key"]["provider_configs"]
    # In LiteLLM an empty list allows everything, and this name nothing.
    models = [f"{allowed['provider']}/{model}" for model in allowed["allowed_models"]] or ["no-default-models"]

    answer = proxy.chat(case["given"]["request"], key=key(models=models))

    assert answer.status_code == case["expect"]["status"]


@pytest.mark.parametrize("case", of("error"))
def test_error_case(proxy, case: dict[str, Any]) -> None:
    assert case["given"] == {"key": "unknown"}

    answer = proxy.chat("fast/x", key="sk-nobody-knows-this")

    assert answer.status_code == case["expect"]["status"]


@pytest.mark.parametrize("case", of("usage"))
def test_usage_case(proxy, providers, case: dict[str, Any]) -> None:
    """Usage comes once in a stream, wherever, and a final chunk without any does not undo it."""
    expected = case["expect"]["charged"]
    providers.fail("cerebras", usage={"input_tokens": expected["tokens"] - 10, "output_tokens": 10})

    answer = proxy.chat("life/usage-case", stream=True)
    proxy.decision(answer.headers["x-governance-decision-id"])

    used = proxy.used("life/usage-case", "cerebras/usage-case")
    assert (used["tokens"], used["requests"]) == (expected["tokens"], expected["requests"])
