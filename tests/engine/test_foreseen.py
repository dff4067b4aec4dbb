"""Models that a money limit makes unusable are told by `governance check`, and only those."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from governance.catalog import Catalog
from governance.engine.foreseen import unpriced_warnings
from governance.engine.host import Host

PRICES = {
    "openai/gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6},
    "openai/drawn": {"litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": 0.04},
}
BUDGET = {"name": "team money", "subject": {"team": "*"}, "amount": "5 USD/day"}
RATE = {"name": "few", "subject": "everyone", "requests": "1/day"}
GPT = {"provider": "openai", "model": "gpt-4o"}
PRICED = {"input_usd_per_1m_tokens": 1, "output_usd_per_1m_tokens": 1}


def warnings(*served: str, prices: Any = PRICES, **sections: Any) -> list[str]:
    host = Host.parse(yaml.safe_dump({"version": 1, **sections}))
    deployments = [{"model_name": name, "litellm_params": {"model": name}} for name in served]
    return list(unpriced_warnings(host, Catalog(deployments, host.policy.core.catalog.known(prices))))


def test_a_budget_that_refuses_a_model_without_a_price_is_told_with_the_remedies() -> None:
    assert warnings("openai/gpt-4o", "openai/drawn", "vllm/llama", budgets=[BUDGET]) == [
        "limit team money: the price of `vllm/llama` is unknown, so nothing that this counts is ever served by it; "
        "state what it costs in `catalog.overrides`, or give the limit `unpriced: allow` or "
        "`unpriced: {assume: {input: …, output: …}}`"
    ]


def test_many_models_are_one_line() -> None:
    (line,) = warnings(*(f"vllm/llama-{i}" for i in range(5)), budgets=[BUDGET])

    assert "the prices of `vllm/llama-0`, `vllm/llama-1`, `vllm/llama-2` and 2 more are unknown" in line


@pytest.mark.parametrize(
    "change",
    [
        {"unpriced": "allow"},
        {"unpriced": {"assume": {"input": "1 USD/1M", "output": "1 USD/1M"}}},
        {"enabled": False},
        {"mode": "shadow"},
        {"subject": {"provider": "openai"}},
        {"subject": {"team": "research", "model": "gpt-4o"}},
    ],
    ids=str,
)
def test_a_budget_that_does_not_refuse_it_is_no_worry(change: dict[str, Any]) -> None:
    assert warnings("openai/gpt-4o", "vllm/llama", budgets=[{**BUDGET, **change}]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"match": 'request_type == "embedding" && headers["x-tier"] == "none"'},
        {"subject": {"tag": "batch"}},
        {"subject": {"team": "research", "provider": "vllm"}},
        {"subject": "everyone", "rolling": True},
    ],
    ids=str,
)
def test_whom_a_budget_counts_and_when_makes_no_difference(change: dict[str, Any]) -> None:
    assert len(warnings("vllm/llama", budgets=[{**BUDGET, **change}])) == 1


def test_a_price_of_the_policy_is_a_price() -> None:
    assert warnings("vllm/llama", budgets=[BUDGET], catalog={"overrides": {"vllm/llama": PRICED}}) == []


@pytest.mark.parametrize(
    "sections",
    [
        {"routing_rules": [{"name": "r", "targets": [{"provider": "vllm", "model": "llama"}]}]},
        {"routing_rules": [{"name": "r", "targets": [GPT], "fallbacks": ["vllm/llama"]}]},
        {"rate_limits": [{**RATE, "on_exceeded": {"route_to": "vllm/llama"}}]},
    ],
    ids=lambda sections: next(iter(sections)),
)
def test_models_that_only_the_policy_names_count_too(sections: dict[str, Any]) -> None:
    (line,) = warnings("vllm/*", "openai/*", budgets=[BUDGET], **sections)

    assert "`vllm/llama`" in line


def test_a_cost_limit_of_a_target_is_told_by_its_profile() -> None:
    target = {"provider": "vllm", "model": "llama", "virtual_model": "house", "limits": {"cost": "5 USD/day"}}
    (line,) = warnings("vllm/*", routing_profiles=[{"name": "Fast", "virtual_provider": "fast", "targets": [target]}])

    assert line.startswith("profile Fast: the price of `vllm/llama` is unknown")
    assert line.endswith("state what it costs in `catalog.overrides`, or take its limit on `cost` out")


def test_without_any_prices_nothing_is_said() -> None:
    assert warnings("vllm/llama", prices={}, budgets=[BUDGET]) == []
