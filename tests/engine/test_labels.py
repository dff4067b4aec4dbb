"""Labels: who may serve whom, by what is required; whatever is not known does not do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from governance.catalog import Catalog
from governance.catalog.labels import fits
from governance.engine.decision import Decision
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.simulation import given_from, simulate
from governance.ledger.memory import MemoryLedger
from governance.model import Identity, Request, Target, codes
from governance.model.labels import Requirement

DEPLOYMENTS = [
    {
        "model_name": "smart",
        "litellm_params": {"model": "azure/gpt-4o"},
        "model_info": {"labels": {"region": "EU", "zdr": True}},
    },
    {"model_name": "smart", "litellm_params": {"model": "azure/gpt-4o"}, "model_info": {"labels": {"region": "us"}}},
    {"model_name": "us", "litellm_params": {"model": "openai/gpt-4o", "region_name": "us"}},
    {"model_name": "eu", "litellm_params": {"model": "mistral/large", "region_name": "eu"}},
    {"model_name": "odd", "litellm_params": {"model": "groq/odd"}, "model_info": {"labels": ["eu"]}},
]
POLICY = """
version: 1
teams: [{name: research, require: {region: [eu, ch]}}]
routing_rules:
- {name: health, cel_expression: '"health" in tags', require: {zdr: true}}
- {name: away, cel_expression: model == "rule-me", targets: [{group: us}], fallbacks: [{group: eu}]}
routing_profiles:
- name: Fast
  virtual_provider: fast
  targets: [{group: us}, {group: smart}, {group: eu}]
- name: Europe
  virtual_provider: europe
  require: {region: eu}
  targets: [{provider: openai, model: gpt-4o, labels: {region: eu}}, {provider: groq, model: odd, labels: {region: eu}}]
rate_limits:
- {name: night, subject: {user: owl}, requests: 9/minute, require: {region: us}}
"""
CATALOG = Catalog(DEPLOYMENTS, {}, {"clever": "smart"})


def decided(model: str, team: str = "", headers: dict[str, str] | None = None, **more: Any) -> Decision:
    engine = Engine(Host.parse(POLICY), MemoryLedger())
    identity = Identity(team_id=team, user_id=more.pop("user", ""))
    request = Request(model, identity=identity, headers=headers or {}, models=CATALOG, **more)
    return asyncio.run(engine.admit(request))


def served(decision: Decision) -> list[str]:
    return [target.name for target in (decision.target, *decision.fallbacks) if target]


@pytest.mark.parametrize(
    ("model", "asked", "serve"),
    [
        ("fast/x", {}, ["group:us", "group:smart", "group:eu"]),
        ("fast/x", {"team": "research"}, ["group:smart", "group:eu"]),
        ("fast/x", {"team": "research", "tags": ("health",)}, ["group:smart"]),
        ("fast/x", {"headers": {"x-governance-require": "region=eu; zdr=true"}}, ["group:smart"]),
        ("fast/x", {"user": "owl"}, ["group:us", "group:smart"]),
        ("smart", {"team": "research"}, ["smart"]),
        ("clever", {"team": "research"}, ["clever"]),
        ("us", {"team": "research", "fallbacks": ("odd", "eu", "nowhere")}, ["eu"]),
        ("rule-me", {"team": "research"}, []),
        # What the deployment says of itself goes before; what cannot be read is not known, and the policy's word holds.
        ("europe/x", {"fallbacks": ("us",)}, ["groq/odd"]),
    ],
)
def test_only_whoever_has_what_is_required_serves(model: str, asked: dict[str, Any], serve: list[str]) -> None:
    assert served(decided(model, **asked)) == serve


@pytest.mark.parametrize("model", ["us", "odd", "nowhere", "openai/gpt-4o"])
def test_nobody_serves_whose_labels_are_others_or_unknown(model: str) -> None:
    refusal = decided(model, "research").refusal

    assert refusal
    assert (refusal.status, refusal.code) == (403, codes.LABEL_MISMATCH)
    assert "team research requires region=ch|eu" in refusal.message


def test_a_header_only_adds() -> None:
    assert served(decided("fast/x", "research", {"x-governance-require": "region=us"})) == []


@pytest.mark.parametrize("header", ["region", "region=", "re gion=eu", "region=eu;region=us", "x" * 2000])
def test_a_header_that_cannot_be_read_is_refused(header: str) -> None:
    refusal = decided("fast/x", headers={"x-governance-require": header}).refusal

    assert refusal
    assert (refusal.status, refusal.code) == (400, codes.FIELD_NOT_ALLOWED)


def test_a_hop_that_litellm_makes_by_itself_is_judged_too() -> None:
    async def hops() -> list[Any]:
        engine = Engine(Host.parse(POLICY), MemoryLedger())
        request = Request("eu", identity=Identity(team_id="research"), models=CATALOG)
        decision = await engine.admit(request)

        async def anything(name: str) -> bool:
            return True

        return [await engine.attempt(decision, name, anything) for name in ("eu", "us", "clever", "nowhere")]

    found = asyncio.run(hops())

    assert [refusal and refusal.code for refusal in found] == [None, "label_mismatch", None, "label_mismatch"]


def test_a_passed_request_goes_where_nobody_knows() -> None:
    refusal = decided("eu", "research", request_type="pass_through").refusal

    assert refusal
    assert refusal.code == codes.LABEL_MISMATCH


def test_the_record_says_what_was_required_and_by_whom() -> None:
    record = decided("fast/x", "research").trace.record()

    assert record["request"]["require"] == [{"label": "region", "values": ["ch", "eu"], "by": "team research"}]
    assert [c["reason"] for c in record["candidates"]] == [None, None, "label_mismatch"]


def test_check_tells_who_cannot_be_served() -> None:
    text = POLICY + "- {name: moon, subject: {user: m}, requests: 9/minute, require: {region: moon}}\n"
    told = "\n".join(Host.parse(text).warnings(CATALOG))

    assert "limit moon: no target and no model of the proxy has the labels region=moon" in told
    assert "`openai/gpt-4o` is labelled region=eu here, and a deployment of it says region=us" in told
    assert "team research" not in told


def test_a_policy_test_can_say_what_deployments_are_labelled() -> None:
    given = {
        "body": {"model": "mistral/x"},
        "headers": {"x-governance-require": "region=eu"},
        "catalog": {"configured": ["mistral/*", "openai/*"], "labels": {"mistral/*": {"region": "eu"}}},
    }
    host = Host.parse("version: 1\n")

    assert asyncio.run(simulate(host, given_from(given), CATALOG)).refusal is None
    elsewhere = asyncio.run(simulate(host, given_from({**given, "body": {"model": "openai/x"}}), CATALOG)).refusal
    assert elsewhere
    assert elsewhere.code == codes.LABEL_MISMATCH


@pytest.mark.parametrize(
    ("entry", "own", "may"),
    [
        ({"model_info": {"labels": {"region": "eu"}}}, {}, True),
        ({"model_info": {"labels": {"region": "us"}}}, {}, False),
        ({"litellm_params": {"region_name": "eu"}}, {}, True),
        ({}, {}, False),
        ({}, {"region": "eu"}, True),
        ({"model_info": {"labels": {"region": "us"}}}, {"region": "eu"}, False),
        ({"model_info": None, "litellm_params": []}, {}, False),
    ],
)
def test_each_deployment_that_litellm_may_choose_is_judged_by_its_own_labels(
    entry: dict[str, Any], own: dict[str, str], may: bool
) -> None:
    require = (Requirement("region", ("eu",), "team research"),)
    of_request, of_target = Request("smart", require=require), Target("smart", labels=own, require=require)

    assert fits(of_request, Target("smart", labels=own), entry) is may
    assert fits(Request("smart"), of_target, entry) is may
    assert fits(Request("smart"), Target("smart", labels=own), entry), "nothing is required"
