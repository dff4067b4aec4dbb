"""What a record says so that its request can be decided once more."""

from __future__ import annotations

import re
from typing import Any

import pytest

from governance.catalog import Catalog, Sources
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger
from governance.model import Failure, Request
from governance.model.draws import draw_all
from governance.policy.telemetry import DecisionLogSettings
from governance.telemetry.decisions import DecisionLog
from governance.telemetry.redaction import Redaction
from governance.telemetry.replay import inputs_hash

RULES = """
version: 1
routing_rules:
- name: gold
  cel_expression: headers["x-tier"] == "gold" && params["top_p"] == "1" && team_id == "research" && budget_used < 90.0
  targets: [{provider: a, model: m}]
- name: never
  enabled: false
  cel_expression: metadata.plan == "old"
  targets: [{provider: a, model: m}]
"""
WEIGHTED = """
version: 1
routing_profiles:
- name: Fast
  virtual_provider: fast
  strategy: weighted
  targets: [{provider: a, weight: 1}, {provider: b, weight: 1}, {provider: c, weight: 1}]
failover: {}
"""


def settings(**given: Any) -> DecisionLogSettings:
    return DecisionLogSettings.model_validate(given)


def catalog(price: float = 1e-6) -> Catalog:
    known = {f"{name}/m": {"litellm_provider": name, "input_cost_per_token": price} for name in "abc"}
    return Catalog(None, Sources(known))


async def record(policy: str, request: Request, **given: Any) -> dict[str, Any]:
    decision = await Engine(Host.parse(policy), MemoryLedger()).admit(request)
    return Redaction(settings(**given)).record(decision.trace)


async def test_the_draws_that_decided_are_in_the_record_and_lead_to_the_same_order() -> None:
    made = await record(WEIGHTED, Request("fast/m", models=catalog()))

    drawn = iter(made["draws"])
    assert len(made["draws"]) == 2, "the last of three needs none"
    again = draw_all(["a/m", "b/m", "c/m"], [1.0, 1.0, 1.0], lambda: next(drawn))
    assert [made["model"], *made["fallbacks"]] == again
    assert (await record("version: 1", Request("a/m")))["draws"] == []


async def test_what_was_known_of_the_targets_is_told_by_a_hash() -> None:
    one = await record(WEIGHTED, Request("fast/m", models=catalog()))
    other = await record(WEIGHTED, Request("fast/m", models=catalog(2e-6)))
    nothing = await record(WEIGHTED, Request("fast/m"))

    assert re.fullmatch("sha256:[0-9a-f]{64}", one["inputs"])
    assert one["inputs"] == inputs_hash(catalog(), ("a/m", "b/m", "c/m"))
    assert one["inputs"] != other["inputs"]
    assert nothing["inputs"] is None


async def test_what_conditions_may_look_at_and_no_record_holds_is_listed() -> None:
    asked = Request("x", headers={"x-tier": "gold"})

    assert (await record(RULES, asked))["unrecorded"] == ["budget_used", "headers.x-tier", "params.top_p"]
    assert (await record(RULES, asked, headers=["x-tier"]))["unrecorded"] == ["budget_used", "params.top_p"]
    withheld = await record(RULES, asked, headers=["x-tier"], redact=["request.headers", "identity.team_id"])
    assert withheld["unrecorded"] == ["budget_used", "headers.x-tier", "params.top_p", "team_id"]
    walks = RULES.replace('headers["x-tier"] == "gold"', 'headers.exists(name, name.startsWith("x-"))')
    assert "headers" in (await record(walks, asked))["unrecorded"]
    assert (await record("version: 1\ntask_routing: {}", asked))["unrecorded"] == ["last_user_text"]


async def test_each_try_has_its_end() -> None:
    now_s = 1_795_176_000.0
    engine = Engine(Host.parse(WEIGHTED), MemoryLedger(clock=lambda: now_s), clock=lambda: now_s)
    decision = await engine.admit(Request("fast/m"))
    first, second = (target.name for target in (decision.target, *decision.fallbacks[:1]) if target)
    await engine.attempt(decision, first)
    now_s += 0.25
    await engine.fail(decision, Failure("timeout", "no answer"))
    await engine.attempt(decision, second)

    tries = decision.trace.record()["attempts"]
    assert [(each["outcome"], each.get("ended_at")) for each in tries] == [
        ("failed", "2026-11-20T12:00:00.250Z"),
        ("started", None),
    ]


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_sample_by_subject_holds_whole_histories(trace, share: float) -> None:
    log = DecisionLog.open(settings(sample=share, sample_by="subject"), {"GOVERNANCE_DECISION_LOG": "-"})
    kept = [team for team in map(str, range(1000)) if log.wants(trace(team_id=team))]

    assert abs(len(kept) / 1000 - share) < 0.06
    for team in map(str, range(100)):
        wanted = {log.wants(trace(team_id=team, virtual_key_id=str(key))) for key in range(10)}
        assert wanted == {team in kept}
    larger = DecisionLog.open(settings(sample=0.6, sample_by="subject"), {"GOVERNANCE_DECISION_LOG": "-"})
    assert all(larger.wants(trace(team_id=team)) for team in kept)
    nobodys = [log.wants(trace(team_id="")) for _ in range(1000)]
    assert abs(sum(nobodys) / 1000 - share) < 0.06, "who has no subject is drawn decision by decision"


def test_a_line_says_for_how_many_it_stands(trace) -> None:
    refused = trace()
    refused.outcome = "refuse"
    sampled = Redaction(settings(sample={"route": 0.1, "refuse": 1, "pass": 0}))

    assert sampled.record(trace())["weight"] == 10
    assert sampled.record(refused)["weight"] == 1
    refused.outcome = "pass"
    assert sampled.record(refused)["weight"] == 0


def test_a_sample_by_subject_has_one_share() -> None:
    with pytest.raises(ValueError, match="`sample_by: subject` keeps all decisions of a subject, so `sample` must be"):
        settings(sample={"route": 0.1, "refuse": 1, "pass": 1}, sample_by="subject")
