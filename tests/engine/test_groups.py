"""Targets that several deployments may serve: their limits and prices, and what the others get back."""

from __future__ import annotations

from typing import Any

from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger import open_ledger
from governance.model import Request, Usage
from governance.model.target import member_of

POLICY = """
version: 1
routing_profiles:
- name: Pool
  virtual_provider: pool
  targets: [{group: smart, limits: {requests: 50/minute}}]
rate_limits:
- {name: openai, subject: {provider: openai}, requests: 2/minute}
- {name: each target, subject: {target: "*"}, requests: 5/minute}
budgets:
- {name: all, subject: everyone, amount: 1 USD/day}
"""
DEPLOYMENTS: list[dict[str, Any]] = [
    {
        "model_name": "smart",
        "litellm_params": {"model": "hosted_vllm/llama", "input_cost_per_token": 0, "output_cost_per_token": 0},
        "model_info": {"id": "free"},
    },
    {
        "model_name": "smart",
        "litellm_params": {"model": "openai/gpt", "input_cost_per_token": 1e-4, "output_cost_per_token": 1e-4},
        "model_info": {"id": "paid"},
    },
]


class House:
    def __init__(self, policy: str = POLICY, deployments: list[dict[str, Any]] | None = None) -> None:
        self.engine = Engine(Host.parse(policy), open_ledger("memory://"))
        self.models = Catalog(DEPLOYMENTS if deployments is None else deployments, {})

    async def admit(self, model: str = "pool/any", tokens: int = 100) -> Any:
        return await self.engine.admit(
            Request(model, models=self.models, prompt_tokens=tokens, max_output_tokens=tokens)
        )

    async def serve(self, served: str, model: str = "pool/any") -> Any:
        decision = await self.admit(model)
        await self.engine.attempt(decision, "smart")
        await self.engine.reached(decision, "smart", served)
        await self.engine.settle(decision, "smart", Usage(10, 10, 2_000 if served == "openai/gpt" else 0))
        return decision

    async def used(self) -> dict[str, int]:
        decision = await self.admit()
        await self.engine.release(decision)
        return {f"{r.window.subject} {r.window.unit}": r.used for r, _ in decision.trace.windows}


def able(decision: Any) -> list[str | None]:
    return [member_of(member.name)[1] for member in decision.target.members]


async def test_a_group_is_asked_for_by_its_name_and_shown_as_one() -> None:
    decision = await House().admit()

    assert decision.trace.model == "group:smart"
    assert decision.call_name(decision.target) == "smart"
    assert able(decision) == ["hosted_vllm/llama", "openai/gpt"]


async def test_a_group_reserves_for_everybody_who_may_serve_at_the_dearest() -> None:
    windows = {r.window.subject: r.amount for r, counted in (await House().admit()).trace.windows if counted}

    assert windows.keys() == {
        "target:group:smart",
        "provider:openai",
        "target:openai/gpt",
        "target:hosted_vllm/llama",
        "everyone",
    }
    assert windows["everyone"] == 20_000, "200 tokens at 100 micro-dollars: nothing is free because one of them is"


async def test_when_one_was_chosen_the_others_get_theirs_back() -> None:
    house = House()
    await house.serve("hosted_vllm/llama")

    assert await house.used() == {
        "target:group:smart requests": 1,
        "provider:openai requests": 0,
        "target:openai/gpt requests": 0,
        "target:hosted_vllm/llama requests": 1,
        "everyone usd_micros": 0,
    }
    await house.serve("openai/gpt")
    assert await house.used() == {
        "target:group:smart requests": 2,
        "provider:openai requests": 1,
        "target:openai/gpt requests": 1,
        "target:hosted_vllm/llama requests": 1,
        "everyone usd_micros": 2_000,
    }


async def test_one_without_room_is_left_out_and_the_others_serve() -> None:
    house = House()
    for _ in range(2):
        await house.serve("openai/gpt")

    assert able(await house.admit()) == ["hosted_vllm/llama"]


async def test_a_spent_budget_is_not_passed_by_because_one_of_the_group_is_free() -> None:
    decision = await House(POLICY.replace("1 USD/day", "0.001 USD/day")).admit()

    assert able(decision) == ["hosted_vllm/llama"], "the one that costs nothing fits"


async def test_a_group_with_one_whose_price_nobody_knows_is_unpriced() -> None:
    unpriced = {"model_name": "smart", "litellm_params": {"model": "groq/x"}, "model_info": {"id": "unknown"}}
    decision = await House(deployments=[*DEPLOYMENTS, unpriced]).admit()

    assert decision.refusal
    assert [candidate.reason for candidate in decision.trace.candidates] == ["unpriced"]


async def test_a_hop_to_a_group_leaves_out_who_has_no_room_by_then() -> None:
    first = POLICY.replace("targets: [", "targets: [{provider: groq, model: x, priority: -1}, ")
    first = first.replace("amount: 1 USD/day", "amount: 1 USD/day, unpriced: allow")
    groq = {"model_name": "x", "litellm_params": {"model": "groq/x"}, "model_info": {"id": "x"}}
    house = House(first, [groq, *DEPLOYMENTS])
    decision = await house.admit()
    for _ in range(2):
        other = await house.admit("smart")
        await house.engine.attempt(other, "smart")
        await house.engine.reached(other, "smart", "openai/gpt")

    await house.engine.attempt(decision, "x")
    assert await house.engine.attempt(decision, "smart") is None
    assert [member_of(m.name)[1] for m in decision.held["smart"].members] == ["hosted_vllm/llama"]


async def test_a_name_of_the_proxys_own_has_the_same_limits_when_callers_ask_for_it() -> None:
    house = House()
    decision = await house.admit("smart")
    assert (decision.outcome, decision.trace.model) == ("pass", "smart")
    await house.engine.attempt(decision, "smart")
    await house.engine.reached(decision, "smart", "hosted_vllm/llama")
    await house.engine.settle(decision, "smart", Usage(10, 10, 0))

    assert (await house.used())["provider:openai requests"] == 0
