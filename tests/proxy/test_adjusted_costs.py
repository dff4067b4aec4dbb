"""LiteLLM's discounts and margins in what is settled."""

from __future__ import annotations

from typing import Any

import litellm
import pytest
from litellm.cost_calculator import _apply_cost_discount, _apply_cost_margin

from governance.proxy.usage.charges import adjusted, has_extras, stated_cost

CONFIGURED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"openai": 0.05}, {}),
    ({}, {"openai": 0.1}),
    ({}, {"global": 0.1}),
    ({"openai": 0.05}, {"openai": {"percentage": 0.08, "fixed_amount": 0.0005}}),
    ({"groq": 0.5}, {"groq": 0.5}),
]


@pytest.mark.parametrize(("discounts", "margins"), CONFIGURED)
def test_what_is_settled_has_litellms_discount_and_margin(
    monkeypatch: pytest.MonkeyPatch, discounts: dict[str, Any], margins: dict[str, Any]
) -> None:
    monkeypatch.setattr(litellm, "cost_discount_config", discounts)
    monkeypatch.setattr(litellm, "cost_margin_config", margins)
    theirs = _apply_cost_margin(_apply_cost_discount(0.012345, "openai")[0], "openai")[0]

    ours = adjusted(12_345, {"custom_llm_provider": "openai"})

    assert 0 <= ours - theirs * 1e6 < 1.001


@pytest.mark.parametrize(
    ("reported", "usd_micros"),
    [
        ({"cost": 0.0123}, 12_300),
        ({"cost": "0.0123"}, 12_300),
        ({"cost": {"total_cost": 0.0123, "input_tokens_cost": 0.01}}, 12_300),
        ({"cost": 0.001, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.02}}, 21_000),
        ({"cost_in_usd_ticks": 123_000_000}, 12_300),
        ({"cost": 0}, None),
        ({"cost": -1}, None),
        ({"cost": "free"}, None),
        ({}, None),
    ],
)
def test_what_a_provider_says_it_bills_is_read(reported: dict[str, Any], usd_micros: int | None) -> None:
    assert stated_cost({}, object(), reported) == usd_micros


def test_a_deployment_with_prices_of_its_own_is_billed_by_these() -> None:
    for params in ({"input_cost_per_token": 0.0}, {"metadata": {"model_info": {"output_cost_per_token": 1e-6}}}):
        assert stated_cost({"litellm_params": params}, object(), {"cost": 0.0123}) is None


@pytest.mark.parametrize(
    ("answer", "reported", "charged"),
    [
        ({"output": [{"type": "web_search_call"}]}, {}, True),
        ({"output": [{"type": "code_interpreter_call"}]}, {}, True),
        ({"output": [{"type": "function_call"}]}, {}, False),
        ({"output": [{"type": "message", "content": [{"annotations": [{"type": "url_citation"}]}]}]}, {}, True),
        ({"output": [{"type": "message", "content": [{"annotations": []}]}]}, {}, False),
        ({"choices": [{"message": {"annotations": [{"type": "url_citation"}]}}]}, {}, True),
        ({"choices": [{"message": {"content": "Hello"}}]}, {}, False),
        ({"content": [{"type": "server_tool_use"}]}, {}, True),
        ({}, {"server_tool_use": {"web_search_requests": 1}}, True),
        ({}, {"server_tool_use": {"web_search_requests": 0}}, False),
        ({}, {"prompt_tokens_details": {"web_search_requests": 2}}, True),
        ({}, {"num_search_queries": 1}, True),
    ],
)
def test_tools_of_the_provider_are_noticed(answer: dict[str, Any], reported: dict[str, Any], charged: bool) -> None:
    assert has_extras(answer, reported) is charged
