"""What a line of recorded traffic says of a request, and what it may not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from governance.catalog import Catalog, Sources
from governance.engine.decision import Decision
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.intake.read import read_request
from governance.ledger.memory import MemoryLedger
from governance.model import Failure, Identity, Request, Usage
from governance.model.quantities import Quantities
from governance.policy.telemetry import TelemetrySettings
from governance.telemetry.traced import Tracing
from governance.traffic import Broken, TraceLine, decoded, encoded
from governance.traffic.line import encoded_told

POLICY = """
version: 1
routing_profiles:
- name: Fast
  virtual_provider: fast
  strategy: weighted
  targets: [{provider: a, weight: 1}, {provider: b, weight: 1}]
rate_limits:
- {name: cost centres, subject: {metadata: cost_center}, requests: 600/minute, match: 'metadata.plan == "gold"'}
- {name: each user, subject: {user: "*"}, requests: 2/minute}
budgets:
- {name: of the team, subject: {team: research}, amount: 5 USD/month}
failover: {}
"""
ANNA = Identity(
    virtual_key_id="5e" * 32,
    virtual_key_name="ci",
    user_id="anna@example.com",
    team_id="research",
    end_user_id="e-7",
    metadata={"cost_center": "4711", "plan": "gold", "private": "x"},
    tags=("batch",),
)
KNOWN = {
    f"{name}/m": {"litellm_provider": name, "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
    for name in "ab"
}


def asked(**changes: Any) -> Request:
    body = {"model": "fast/m", "messages": [{"role": "user", "content": "a secret"}], "max_tokens": 64}
    headers = {"x-tier": "gold", "authorization": "Bearer sk-1"}
    return read_request(
        "acompletion",
        body | {"service_tier": "flex", "user": "anna@example.com"},
        identity=ANNA,
        headers=headers,
        tags=["mine"],
        models=Catalog(None, Sources(KNOWN)),
    ).but(**changes)


def tracing(trace: Mapping[str, Any] | None = None, **log: Any) -> Tracing:
    settings = TelemetrySettings.model_validate({"trace": trace or {}, "decision_log": log})
    return Tracing(settings.trace, settings.decision_log)


async def answered(engine: Engine, usage: Usage) -> Decision:
    decision = await engine.admit(asked())
    assert decision.target is not None
    await engine.attempt(decision, "m")
    await engine.settle(decision, decision.call_name(decision.target), usage)
    return decision


def read(by: Tracing, decision: Decision, end_s: float = 0.0, number: int = 1) -> TraceLine:
    """What its reader finds."""
    found = decoded(encoded_told(by.line(decision.trace, end_s, "w", number, 1.0, late=False)))
    assert not isinstance(found, Broken)
    return found


async def line(usage: Usage, **settings: Any) -> TraceLine:
    engine = Engine(Host.parse(POLICY), MemoryLedger(), clock=lambda: 1000.5)
    decision = await answered(engine, usage)
    return read(tracing(**settings), decision, 1002.0, 7)


async def test_a_line_has_what_was_asked_decided_and_used() -> None:
    quantities = Quantities(10, 5, 4, reasoning_tokens=3)
    made = await line(Usage(10, 5, 20, cached_tokens=4, saved_usd_micros=2, quantities=quantities))

    assert (made.at_us, made.end_us, made.worker, made.number) == (1_000_500_000, 1_500_000, "w", 7)
    assert (made.who.key, made.who.team, made.who.user) == ("5e" * 32, "research", "anna@example.com")
    assert (made.asked.tags, made.who.verified_tags) == (("batch", "mine"), ("batch",))
    assert made.size.max_output_tokens == 64
    assert made.told.outcome == "route"
    assert made.told.profile == "Fast"
    assert made.draws
    assert made.inputs
    assert made.served == made.told.target
    assert made.used is not None
    assert (made.used.input_tokens, made.used.usd_micros, made.used.cached_tokens) == (10, 20, 4)
    assert made.used.more == {"reasoning_tokens": 3}
    assert made.counted == 0


async def test_values_that_limits_and_conditions_look_at_are_there_and_no_others() -> None:
    made = await line(Usage())

    assert made.who.metadata == {"cost_center": "4711", "plan": "gold"}
    assert made.recorded == ("metadata.cost_center", "metadata.plan")
    assert made.asked.headers == {}
    assert made.asked.params == {"service_tier": "flex", "max_tokens": "64"}
    assert b"secret" not in encoded(made)
    assert b"sk-1" not in encoded(made)


async def test_the_windows_that_were_read_say_how_full_they_were() -> None:
    made = await line(Usage())

    users = next(spot for spot in made.told.windows if spot.limit == "each user")
    assert (users.subject, users.unit, users.period) == ("user:anna@example.com", "requests", "60s")
    assert (users.limit_amount, users.used_before, users.reserved, users.fits) == (2, 0, 1, True)


async def test_money_that_nobody_knows_stays_counted_as_it_was_reserved() -> None:
    engine = Engine(Host.parse(POLICY), MemoryLedger())
    decision = await answered(engine, Usage(None, None, None))
    budget = next(r for r, counted in decision.trace.windows if r.window.limit == "of the team" and counted)

    made = read(tracing(), decision)

    assert made.used is not None
    assert made.used.usd_micros is None
    assert made.counted == budget.amount > 0


async def test_what_a_target_delivered_before_it_failed_is_its_own() -> None:
    engine = Engine(Host.parse(POLICY), MemoryLedger())
    decision = await engine.admit(asked())
    assert decision.target is not None
    first, second = decision.target.name, decision.fallbacks[0].name
    calls = {target.name: name for name, target in decision.by_call_name.items()}
    await engine.attempt(decision, calls[first])
    await engine.fail(decision, Failure("server_error"))
    await engine.attempt(decision, calls[second])
    await engine.settle(decision, calls[second], Usage(10, 5, 20))
    await engine.settle_part(decision, first, Usage(10, 1, 12))

    made = read(tracing(), decision)

    assert [(hop.target, hop.part and hop.part.usd_micros) for hop in made.hops] == [(first, 12), (second, None)]
    assert made.used is not None
    assert made.used.usd_micros == 20
    assert decision.trace.usage is not None
    assert decision.trace.usage.cost_usd_micros == 32


async def test_hashed_fields_are_the_same_digest_wherever_they_stand() -> None:
    hashing = {"fields": ["user", "end_user", "metadata"], "key": "of sixteen letters"}
    made = await line(Usage(), trace={"hash": hashing})
    other = await line(Usage(), trace={"hash": hashing | {"key": "another sixteen letters"}})

    assert made.who.user.startswith("h:")
    assert made.who.user != other.who.user
    assert made.who.team == "research"
    subjects = {spot.subject for spot in made.told.windows}
    assert f"user:{made.who.user}" in subjects
    assert f"metadata:cost_center={made.who.metadata['cost_center']}" in subjects
    assert made.hashed == ("end_user", "metadata", "user")
    assert "anna" not in repr(made)
    assert "4711" not in repr(made)


async def test_what_is_withheld_from_records_is_withheld_here_unless_it_is_a_digest() -> None:
    log = {"redact": ["identity.user_id", "identity.virtual_key_id", "request.tags"]}
    made = await line(Usage(), trace={"hash": {"fields": ["key"], "key": "of sixteen letters"}}, **log)

    assert made.who.user == ""
    assert made.who.key.startswith("h:")
    assert made.asked.tags == ("", "")
    assert "user:[redacted]" in {spot.subject for spot in made.told.windows}


async def test_what_a_condition_could_read_and_is_not_there_is_named() -> None:
    policy = """
version: 1
routing_rules:
- name: gold
  cel_expression: headers["x-tier"] == "gold" && user_id == "anna" && params["top_p"] == "1"
  targets: [{provider: a, model: m}]
"""
    decision = await Engine(Host.parse(policy), MemoryLedger()).admit(asked())

    made = read(tracing(), decision)
    assert made.unrecorded == ("headers.x-tier",)
    assert made.recorded == ("params.top_p",)
    made = read(tracing({"redact": ["user"]}, headers=["x-tier"]), decision)
    assert made.unrecorded == ("user_id",)
    assert made.asked.headers == {"x-tier": "gold"}


async def test_a_refusal_says_which_limit_and_which_code() -> None:
    engine = Engine(Host.parse(POLICY), MemoryLedger())
    for _ in range(2):
        await engine.admit(asked())

    made = read(tracing(), await engine.admit(asked()))

    assert (made.told.outcome, made.told.code, made.told.limit) == ("refuse", "requests_exhausted", "each user")
    assert made.hops == ()
    assert not made.open


@pytest.mark.parametrize("given", [{"key": "short", "fields": ["user"]}, {"key": "of sixteen letters", "fields": []}])
def test_a_key_that_could_be_guessed_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least"):
        tracing({"hash": given})
