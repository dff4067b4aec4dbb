"""Behaviour cases of the areas `access` and `error`, by the keys of a policy.

A case's key has one list of models for each provider; ours has one list of whole names, so `gpt-4` of `openai` is
`openai/gpt-4`. Our codes are the cases' error types; the error's own `type` is OpenAI's, as everywhere in our answers.
A model and a provider that are not on the list are refused alike. A list that is wrong keeps the policy from loading,
where the case says 400 (BF-ACC-007). Some of them run on a real proxy: tests/e2e/test_keyring.py.
"""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from governance.catalog import Catalog
from governance.engine.host import Host
from governance.engine.keyring import Keyring, model_refusal
from governance.model import Refusal
from governance.model.errors import PolicyError
from governance.policy.keys import Key

CASES = yaml.safe_load((Path(__file__).parent / "gateway-cases.yaml").read_text("utf-8"))["cases"]
SECRET = "sk-gov-the-key-of-the-case"
NOW_S = 1_800_000_000.0
EVERYTHING = Catalog(None, {})

NOT_BUILT = {"BF-ACC-008": "all providers, but of one of them only these: optional; a list names each provider"}
STATES = {"unknown": None, "inactive": {"enabled": False}, "expired": {"expires": "2020-01-31"}}


def of(area: str) -> list[Any]:
    cases = [case for case in CASES if case["area"] == area and case["id"] not in NOT_BUILT]
    assert cases
    return [pytest.param(case, id=case["id"]) for case in cases]


def key(**fields: Any) -> Key:
    return Key.model_validate({"name": "case", "sha256": hashlib.sha256(SECRET.encode()).hexdigest(), **fields})


def names(provider: str, models: list[str]) -> list[str]:
    """A list of one provider's models as whole names."""
    whole = []
    for model in models:
        kind, _, pattern = model.rpartition(":")
        whole.append(f"regex:{provider}/{pattern.removeprefix('^')}" if kind == "regex" else f"{provider}/{model}")
    return whole


def key_of(given: dict[str, Any]) -> Key:
    (allowed,) = given["provider_configs"]
    provider = allowed["provider"]
    return key(
        models=names(provider, allowed["allowed_models"]),
        denied_models=names(provider, allowed.get("blacklisted_models", [])),
    )


@pytest.mark.parametrize("case", [c for c in of("access") if "request" in c.values[0]["given"]])
def test_access_case(case: dict[str, Any]) -> None:
    given, expect = case["given"], case["expect"]

    refusal = model_refusal(key_of(given["key"]), [given["request"]], EVERYTHING)

    if expect["decision"] == "allow":
        assert refusal is None
        return
    assert refusal is not None
    assert (refusal.status, refusal.code) == (expect["status"], "model_not_allowed")


@pytest.mark.parametrize("case", [c for c in of("access") if "write" in c.values[0]["given"]])
def test_access_write_case(case: dict[str, Any]) -> None:
    entry = {"name": "case", "sha256": "0" * 64, "models": case["given"]["write"]["allowed_models"]}

    with pytest.raises(PolicyError, match="must stand alone"):
        Host.parse(yaml.safe_dump({"version": 1, "keys": [entry]}))


@pytest.mark.parametrize("case", of("error"))
def test_error_case(case: dict[str, Any]) -> None:
    fields = STATES[case["given"]["key"]]
    keyring = Keyring([] if fields is None else [key(**fields)])

    refusal = keyring.admit(SECRET, NOW_S)

    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (case["expect"]["status"], case["expect"]["type"])
    assert case["expect"].get("message_contains", "") in refusal.message
