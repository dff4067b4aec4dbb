"""Strategies `cheapest` and `fastest`, and `max_price`, as the engine decides them; on memory."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.speeds import Measured
from governance.ledger.memory import MemoryLedger
from governance.model import Failure, Request, Usage, codes
from governance.model.adjustment import Adjustment
from governance.model.facts import ModelFacts, Prices, attos
from governance.model.speeds import UNKNOWN, Wait
from governance.model.token_prices import TokenPrices, token_prices
from governance.trace import Trace

MODELS = [
    {"model_name": "dear", "litellm_params": {"model": "openai/dear"}, "model_info": {"input": 10, "output": 30}},
    {"model_name": "cheap", "litellm_params": {"model": "openai/cheap"}, "model_info": {"input": 1, "output": 90}},
    {"model_name": "free", "litellm_params": {"model": "hosted_vllm/any"}, "model_info": {}},
]
CATALOG = Catalog(
    [
        {
            **model,
            "model_info": {
                f"{side}_cost_per_token": price / 1_000_000
                for side, price in model["model_info"].items()  # type: ignore[attr-defined]
            },
        }
        for model in MODELS
    ],
    {},
)
CHEAPEST = """
version: 1
routing_profiles:
- name: Thrifty
  virtual_provider: thrifty
  strategy: cheapest
  targets:
  - {provider: hosted_vllm, model: any}
  - {provider: openai, model: dear}
  - {provider: openai, model: cheap}
"""
FASTEST = """
version: 1
failover: {}
routing_profiles:
- name: Quick
  virtual_provider: quick
  strategy: fastest
  targets: [{provider: a}, {provider: b}, {provider: c}]
"""


class Worker:
    """An engine with its clock, and the requests that it is asked."""

    def __init__(self, policy: str) -> None:
        self.now = 1_767_225_600.0
        self.engine = Engine(Host.parse(policy), MemoryLedger(lambda: self.now), clock=lambda: self.now)

    async def decided(self, model: str, **asked: Any) -> Trace:
        """What would be decided; nothing is counted."""
        request = Request(model, models=CATALOG if model.startswith("thrifty") else None, **asked)
        return (await self.engine.admit(request, mode="simulated")).trace

    async def order(self, model: str, **asked: Any) -> list[str]:
        trace = await self.decided(model, **asked)
        return [each.target for each in trace.candidates if each.reason is None]

    async def served(
        self, took_s: float, *draws: float, streaming: bool = True, fail: bool = False, rest_s: float = 1.0
    ) -> str:
        """One request to `quick/m`, answered after so long, the rest of a stream after `rest_s`. Gives who served."""
        drawn = iter(draws)
        decision = await self.engine.admit(Request("quick/m", streaming=streaming, draw=lambda: next(drawn)))
        assert decision.target
        name = decision.call_name(decision.target)
        await self.engine.attempt(decision, name)
        await self.engine.reached(decision)
        self.now += took_s
        if fail:
            await self.engine.fail(decision, Failure("overloaded"))
            await self.engine.release(decision)
            return name
        await self.engine.answering(decision)
        self.now += rest_s
        await self.engine.settle(decision, name, Usage(10, 50, 0))
        return name


async def test_the_cheapest_is_that_of_this_request_and_who_has_no_price_is_last() -> None:
    worker = Worker(CHEAPEST)

    long_prompt = await worker.decided("thrifty/x", prompt_tokens=10_000, max_output_tokens=100)
    assert [each.target for each in long_prompt.candidates] == ["openai/cheap", "openai/dear", "hosted_vllm/any"]
    assert long_prompt.candidates[0].detail == "cheapest: about 0.019 USD for 10,000 tokens, and 100 of the answer"
    assert long_prompt.candidates[2].detail == "cheapest: no price is known, so it comes last"
    assert (await worker.order("thrifty/x", prompt_tokens=100, max_output_tokens=1_000))[0] == "openai/dear"


async def test_what_the_cache_of_a_provider_takes_off_decides_who_is_the_cheapest() -> None:
    cached = {"cache_read_input_token_cost": 0.0000001}
    catalog = Catalog(
        [
            {
                "model_name": name,
                "litellm_params": {"model": f"openai/{name}"},
                "model_info": {"input_cost_per_token": 0.000001 * price, "output_cost_per_token": 0, **more},
            }
            for name, price, more in (("warm", 2, cached), ("cold", 1, {}))
        ],
        {},
    )
    targets = "[{provider: openai, model: warm}, {provider: openai, model: cold}]"
    profile = f"{{name: T, virtual_provider: t, strategy: cheapest, targets: {targets}}}"
    worker = Worker(f"version: 1\nrouting_profiles: [{profile}]\n")
    request = Request("t/x", models=catalog, prompt_tokens=1_000, max_output_tokens=1)

    assert (await worker.engine.admit(request, mode="simulated")).trace.model == "openai/cold"
    for _ in range(20):
        worker.engine.habits.note("openai/warm", "chat", 1_000, Usage(1_000, 1, 0, cached_tokens=900))
    trace = (await worker.engine.admit(request, mode="simulated")).trace
    assert trace.model == "openai/warm"
    assert trace.candidates[0].detail == (
        "cheapest: about 0.00029 USD for 1,000 tokens, 900 of them cached, and 1 of the answer"
    )


async def test_who_is_dearer_than_the_profile_allows_does_not_serve_and_the_reason_has_both_prices() -> None:
    worker = Worker(CHEAPEST.replace("  targets:", "  max_price: {output: 40 USD/1M, request: 0.05 USD}\n  targets:"))

    trace = await worker.decided("thrifty/x", prompt_tokens=1_000, max_output_tokens=1_000)
    assert trace.model == "openai/dear"
    reasons = {each.target: (each.reason, each.detail) for each in trace.candidates if each.reason}
    assert reasons == {
        "openai/cheap": (codes.PRICE_TOO_HIGH, "output costs 90 USD/1M, at most 40 USD/1M is allowed"),
        "hosted_vllm/any": (codes.UNPRICED, "its price is unknown, so `max_price.output` cannot be kept"),
    }
    refused = await worker.decided("thrifty/x", prompt_tokens=4_000, max_output_tokens=1_000)
    assert refused.refusal
    assert refused.refusal.code == codes.NO_ELIGIBLE_TARGET
    assert "request costs 0.07 USD, at most 0.05 USD is allowed" in {each.detail for each in refused.candidates}


async def test_who_was_never_tried_is_tried_and_then_the_faster_of_two_that_are_drawn_serves() -> None:
    worker = Worker(FASTEST)

    assert [await worker.served(took_s, 0.0, 0.0) for took_s in (2.0, 0.5, 1.0)] == ["a/m", "b/m", "c/m"]
    # b is the fastest, a the slowest. Draws are over the order of waits: b, c, a.
    assert await worker.order("quick/m", streaming=True, draw=iter([0.4, 0.6]).__next__) == ["c/m", "b/m", "a/m"]
    trace = await worker.decided("quick/m", streaming=True, draw=iter([0.9, 0.0]).__next__)
    assert [each.target for each in trace.candidates] == ["b/m", "c/m", "a/m"]
    assert trace.draws == [0.9, 0.0]
    assert trace.candidates[0].detail.startswith("fastest: ")
    assert " ms to the first token x (0 under way + 1) = " in trace.candidates[0].detail


async def test_the_fastest_is_who_begins_first_however_long_its_stream_goes_on() -> None:
    worker = Worker(FASTEST.replace(", {provider: c}", ""))

    assert await worker.served(0.1, rest_s=60.0) == "a/m"
    assert await worker.served(2.0, rest_s=0.0) == "b/m"
    assert (await worker.decided("quick/m", streaming=True)).model == "a/m"
    assert (worker.engine.speeds.wait("a/m", streaming=True, prompt_tokens=0).wait_ms or 0) <= 100


def test_a_stream_has_waited_once_whatever_comes_after_its_first_token() -> None:
    now = 0.0
    speeds = Measured(lambda: now)
    speeds.begin("1", "a", Request("m", streaming=True))
    for now in (0.5, 5.0, 9.0):  # noqa: B007 - the clock
        speeds.answering("1")
    speeds.end("1", 1_000)

    assert (speeds.wait("a", streaming=True, prompt_tokens=0).wait_ms or 0) <= 500


async def test_a_failure_counts_as_slow_and_is_forgotten_by_and_by() -> None:
    worker = Worker(FASTEST.replace(", {provider: c}", "").replace("failover: {}", "failover: {cool_down: {}}"))

    assert [await worker.served(1.0), await worker.served(0.1, fail=True)] == ["a/m", "b/m"]
    assert await worker.order("quick/m", streaming=True) == ["a/m", "b/m"]
    worker.now += 1_200
    assert await worker.served(1.0) == "a/m"
    assert await worker.served(1.0) == "b/m", "after twenty minutes it is tried again"


def test_a_longer_wait_counts_at_once_and_requests_under_way_multiply_it() -> None:
    now = 0.0
    speeds = Measured(lambda: now)

    def ask(id: str, took_s: float, request: Request) -> None:
        nonlocal now
        speeds.begin(id, "a", request)
        now += took_s
        speeds.answering(id)
        speeds.end(id)

    stream = Request("m", streaming=True)
    assert speeds.wait("a", streaming=True, prompt_tokens=0) == UNKNOWN
    ask("1", 0.1, stream)
    ask("2", 3.0, stream)
    assert speeds.wait("a", streaming=True, prompt_tokens=0) == Wait(3_000, 0)
    ask("3", 1.0, stream)
    assert 2_500 < (speeds.wait("a", streaming=True, prompt_tokens=0).wait_ms or 0) < 3_000
    assert speeds.wait("a", streaming=False, prompt_tokens=0) == UNKNOWN
    assert speeds.wait("a", streaming=True, prompt_tokens=50_000) == UNKNOWN
    speeds.begin("4", "a", stream)
    speeds.begin("5", "a", stream)
    waiting = speeds.wait("a", streaming=True, prompt_tokens=0)
    assert waiting.in_flight == 2
    assert waiting.score_ms == 3 * (waiting.wait_ms or 0)
    speeds.begin("5", "b", stream)
    speeds.fail("4", its_own=False)
    assert speeds.wait("a", streaming=True, prompt_tokens=0).in_flight == 0
    assert speeds.wait("b", streaming=True, prompt_tokens=0).score_ms == float("inf")


def test_who_was_never_tried_with_requests_of_a_kind_is_tried_though_others_are_always_under_way() -> None:
    speeds = Measured(lambda: 0.0)
    speeds.begin("1", "a", Request("m", streaming=False))

    assert speeds.wait("a", streaming=True, prompt_tokens=0) == UNKNOWN
    assert speeds.wait("a", streaming=False, prompt_tokens=50_000) == UNKNOWN
    assert speeds.wait("a", streaming=False, prompt_tokens=0) == Wait(None, 1)
    speeds.begin("2", "a", Request("m", streaming=True))
    assert speeds.wait("a", streaming=True, prompt_tokens=0) == Wait(None, 1)
    speeds.end("2")
    assert speeds.wait("a", streaming=True, prompt_tokens=0) == Wait(1, 1), "it shares the target with the other kind"
    speeds.end("1")
    assert speeds.wait("a", streaming=True, prompt_tokens=0).in_flight == 0


async def test_a_policy_without_the_strategy_measures_nothing() -> None:
    worker = Worker(FASTEST.replace("fastest", "weighted"))

    await worker.served(1.0, 0.0, 0.0)
    assert worker.engine.speeds.wait("a/m", streaming=True, prompt_tokens=0) == UNKNOWN


@pytest.mark.parametrize(
    ("most", "adjustment", "tier", "reason"),
    [
        ("input: 3 USD/1M", Adjustment(), "", None),
        ("input: 3 USD/1M", Adjustment(margin=Decimal(1)), "", "input costs 4 USD/1M, at most 3 USD/1M is allowed"),
        ("output: 1 USD/1M", Adjustment(discount=Decimal("0.9")), "", None),
        ("input: 2 USD/1M", Adjustment(fixed_usd_micros=Decimal(500)), "", None),
        ("input: 3 USD/1M", Adjustment(), "priority", "input costs 5 USD/1M, at most 3 USD/1M is allowed"),
        ("input: 3 USD/1M", Adjustment(), "flex", None),
        ("output: 8 USD/1M", Adjustment(), "priority", "output costs 20 USD/1M, at most 8 USD/1M is allowed"),
    ],
)
async def test_the_most_that_a_price_may_be_is_compared_with_what_is_billed(
    most: str, adjustment: Adjustment, tier: str, reason: str | None
) -> None:
    def tokens(usd: int, usd_out: int) -> TokenPrices:
        return token_prices(attos(usd, per=1_000_000), attos(usd_out, per=1_000_000))

    prices = Prices(((-1, tokens(2, 8)),), {"priority": ((-1, tokens(5, 20)),)}, adjustment=adjustment)

    class Models(Catalog):
        def facts(self, target: str) -> ModelFacts:
            return ModelFacts(prices=prices)

    profile = f"{{name: T, virtual_provider: t, max_price: {{{most}}}, targets: [{{provider: openai, model: m}}]}}"
    engine = Worker(f"version: 1\nrouting_profiles: [{profile}]\n").engine
    request = Request("t/x", models=Models(None, {}), prompt_tokens=10, params={"service_tier": tier} if tier else {})
    candidate = (await engine.admit(request, mode="simulated")).trace.candidates[0]

    assert (candidate.reason, candidate.detail if reason else None) == (reason and codes.PRICE_TOO_HIGH, reason)
