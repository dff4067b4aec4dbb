"""Discounts and margins: what LiteLLM will bill is what is reserved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import litellm
import pytest
from litellm.cost_calculator import _apply_cost_margin
from litellm.litellm_core_utils.cost_discount import resolve_cost_discount

from governance.catalog import Catalog
from governance.catalog.adjustments import Adjustments, adjustments_in
from governance.model import Request, Window
from governance.policy.litellm_file import read_catalog

MAP: dict[str, Any] = {
    "gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-5},
    "claude-x": {"litellm_provider": "anthropic", "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-5},
}
MONEY = Window("money", "everyone:", "usd_micros", 10**9, "month")
ASKED = Request("any", request_type="chat", prompt_tokens=1_000, max_output_tokens=100)
BY_PATTERN = {
    "openai": 0.1,
    "openai/gpt-*": 0.2,
    "openai/gpt-4*": 0.3,
    "openai/gpt-4o": 0.4,
    "openai/o?": 0.5,
    "openai/[!o]*-mini": 0.6,
    "groq": 0.7,
}


def reserved(adjustments: Adjustments, target: str, *deployments: dict[str, Any]) -> int | None:
    facts = Catalog(deployments or None, MAP, adjustments=adjustments).facts(target)
    charge = ASKED.charge(MONEY, facts)
    return charge and charge.amount


@pytest.mark.parametrize("model", ["gpt-4o", "openai/gpt-4o", "gpt-4o-mini", "gpt-5", "o3", "text-mini", "davinci"])
def test_the_discount_is_that_of_the_pattern_that_litellm_goes_by(model: str) -> None:
    ours = Adjustments(BY_PATTERN).of("openai", model).discount

    assert float(ours) == resolve_cost_discount(BY_PATTERN, "openai", model)


@pytest.mark.parametrize(
    "margins",
    [
        {"openai": 0.1},
        {"global": 0.1},
        {"global": 0.1, "openai": 0.0},
        {"anthropic": 0.1},
        {"openai": {"percentage": 0.08, "fixed_amount": 0.0005}},
        {"openai": {"fixed_amount": 0.0005}},
    ],
)
def test_what_is_reserved_has_the_margin_that_litellm_adds(
    monkeypatch: pytest.MonkeyPatch, margins: dict[str, Any]
) -> None:
    monkeypatch.setattr(litellm, "cost_margin_config", margins)
    theirs = _apply_cost_margin(0.002, "openai")[0]

    ours = reserved(Adjustments(margins=margins), "openai/gpt-4o")

    assert ours is not None
    assert 0 <= ours - theirs * 1e6 < 1.001


def test_a_discount_leaves_room_for_more() -> None:
    assert reserved(Adjustments({"openai": 0.25}), "openai/gpt-4o") == 1_500
    assert reserved(Adjustments({"groq": 0.25}), "openai/gpt-4o") == 2_000


def test_of_a_group_the_one_that_is_dearest_after_all_is_reserved() -> None:
    group = [
        {"model_name": "both", "litellm_params": {"model": "openai/gpt-4o"}},
        {"model_name": "both", "litellm_params": {"model": "anthropic/claude-x"}},
    ]

    assert reserved(Adjustments(margins={"anthropic": 0.5}), "group:both", *group) == 3_000
    assert reserved(Adjustments({"openai": 0.5, "anthropic": 0.5}), "group:both", *group) == 1_000


def test_what_is_free_is_not_with_an_amount_on_every_answer() -> None:
    free = {"model_name": "local", "litellm_params": {"model": "hosted_vllm/x", "input_cost_per_token": 0}}
    free["litellm_params"]["output_cost_per_token"] = 0  # type: ignore[index]
    adjustments = Adjustments(margins={"global": {"fixed_amount": 0.001}})

    assert reserved(adjustments, "group:local", free) == 1_000
    assert not Catalog([free], MAP, adjustments=adjustments).facts("group:local").prices.is_free


def test_the_proxys_file_tells_what_it_will_add(tmp_path: Path) -> None:
    file = tmp_path / "litellm.yaml"
    file.write_text(
        "model_list:\n- {model_name: smart, litellm_params: {model: openai/gpt-4o}}\n"
        "litellm_settings: {cost_margin_config: {openai: 0.5}, cost_discount_config: {openai: 0.5}}\n"
    )

    charge = ASKED.charge(MONEY, read_catalog(file).facts("group:smart"))
    plain = ASKED.charge(MONEY, read_catalog(None).facts("openai/gpt-4o"))

    assert charge
    assert plain
    assert charge.amount == plain.amount * 3 // 4


@pytest.mark.parametrize("written", [None, 3, "5 %", ["openai"], {"openai": "much"}, {"openai": None}])
def test_what_is_no_discount_takes_nothing_off(written: Any) -> None:
    adjustments = adjustments_in({"cost_discount_config": written, "cost_margin_config": written})

    assert adjustments.of("openai", "gpt-4o").adjusted(1_000) == 1_000
