"""Prices of the model map, held against LiteLLM's own arithmetic."""

from __future__ import annotations

from typing import Any

import pytest
from litellm.litellm_core_utils.llm_cost_calc.utils import generic_cost_per_token
from litellm.types.utils import Usage

from governance.catalog.prices import facts_of, installed_prices, price_entry, prices_of
from governance.model.quantities import Quantities

# Of these prices' keys there is one model at least, whatever models the map has.
KEYS = (
    "cache_read_input_token_cost",
    "cache_read_input_audio_token_cost",
    "cache_creation_input_token_cost",
    "cache_creation_input_token_cost_above_1hr",
    "cache_read_input_token_cost_above_200k_tokens",
    "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
    "input_cost_per_token_above_128k_tokens",
    "input_cost_per_token_above_200k_tokens",
    "input_cost_per_token_above_272k_tokens",
    "input_cost_per_token_above_272k_tokens_priority",
    "input_cost_per_token_priority",
    "output_cost_per_token_flex",
    "input_cost_per_audio_token",
    "output_cost_per_audio_token",
    "input_cost_per_image_token",
    "output_cost_per_image_token",
    "output_cost_per_reasoning_token",
    "tiered_pricing",
)
OF_EACH = 3

CACHED = {"cached_tokens": 3_000, "cache_creation_tokens": 2_000}
QUANTITIES: dict[str, dict[str, Any]] = {
    "plain": {"prompt_tokens": 1_000, "completion_tokens": 100},
    "long": {"prompt_tokens": 250_000, "completion_tokens": 999},
    "longer, cached": {
        "prompt_tokens": 300_001,
        "completion_tokens": 999,
        "prompt_tokens_details": {"cached_tokens": 200_000},
    },
    "cache written": {"prompt_tokens": 10_000, "completion_tokens": 500, "prompt_tokens_details": CACHED},
    "cache written for an hour": {
        "prompt_tokens": 10_000,
        "completion_tokens": 500,
        "prompt_tokens_details": {
            **CACHED,
            "cache_creation_token_details": {"ephemeral_5m_input_tokens": 500, "ephemeral_1h_input_tokens": 1_500},
        },
    },
    "audio": {
        "prompt_tokens": 5_000,
        "completion_tokens": 1_500,
        "prompt_tokens_details": {"audio_tokens": 3_000, "text_tokens": 2_000},
        "completion_tokens_details": {"audio_tokens": 1_000, "text_tokens": 500},
    },
    "audio, cached": {
        "prompt_tokens": 5_000,
        "completion_tokens": 1_500,
        "prompt_tokens_details": {
            "audio_tokens": 3_000,
            "cached_tokens": 2_500,
            "cached_tokens_details": {"audio_tokens": 1_500},
        },
    },
    "images": {
        "prompt_tokens": 5_000,
        "completion_tokens": 1_500,
        "prompt_tokens_details": {"image_tokens": 3_000, "text_tokens": 2_000},
        "completion_tokens_details": {"image_tokens": 1_290, "text_tokens": 210},
    },
    "thoughts": {
        "prompt_tokens": 5_000,
        "completion_tokens": 1_500,
        "completion_tokens_details": {"reasoning_tokens": 1_000},
    },
}
USED = {
    "plain": Quantities(1_000, 100),
    "long": Quantities(250_000, 999),
    "longer, cached": Quantities(300_001, 999, 200_000),
    "cache written": Quantities(10_000, 500, 3_000, cache_write_tokens=2_000),
    "cache written for an hour": Quantities(10_000, 500, 3_000, cache_write_tokens=2_000, cache_write_1h_tokens=1_500),
    "audio": Quantities(5_000, 1_500, audio_input_tokens=3_000, audio_output_tokens=1_000),
    "audio, cached": Quantities(5_000, 1_500, 2_500, 1_500, audio_input_tokens=3_000),
    "images": Quantities(5_000, 1_500, image_input_tokens=3_000, image_output_tokens=1_290),
    "thoughts": Quantities(5_000, 1_500, reasoning_tokens=1_000),
}


def spread() -> list[str]:
    """About forty models, a few for each kind of price."""
    chosen: dict[str, None] = {}
    for key in KEYS:
        able = [
            name
            for name, entry in installed_prices().items()
            if key in entry
            and entry.get("mode") in ("chat", "responses", "completion", "embedding")
            and "input_cost_per_token" in entry
            and "output_cost_per_token" in entry
            and "off_peak_pricing" not in entry
        ]
        # From all over the map, whose neighbours are alike.
        chosen.update(dict.fromkeys(able[:: max(1, len(able) // OF_EACH)][:OF_EACH]))
    return list(chosen)


@pytest.mark.parametrize("name", spread())
@pytest.mark.parametrize("tier", ["", "priority", "flex"])
def test_a_cost_is_litellms_to_the_micro_dollar(name: str, tier: str) -> None:
    entry = installed_prices()[name]
    for quantity, reported in QUANTITIES.items():
        theirs = generic_cost_per_token(
            name, Usage(**reported), entry["litellm_provider"], service_tier=tier or None, model_info=dict(entry)
        )
        ours = facts_of(entry).cost_of(USED[quantity], tier)

        assert ours is not None
        assert -0.001 < ours - sum(theirs) * 1e6 < 1.001, quantity


def test_every_entry_of_the_map_is_read() -> None:
    costs = [facts_of(entry).cost_of(Quantities(1_000, 100)) for entry in installed_prices().values()]

    assert sum(cost is not None for cost in costs) > len(costs) * 0.7


def test_fireworks_bills_half_for_what_is_cached_where_the_map_does_not_say() -> None:
    prices = {"litellm_provider": "fireworks_ai", "input_cost_per_token": 9e-7, "output_cost_per_token": 9e-7}

    assert facts_of(prices).cost_of(Quantities(1_000, cached_input_tokens=1_000)) == 450


def test_xai_bills_the_dearer_step_from_its_threshold_on() -> None:
    prices = {"input_cost_per_token": 1e-6, "input_cost_per_token_above_200k_tokens": 2e-6}

    assert facts_of(prices).cost_of(Quantities(200_000)) == 200_000
    assert facts_of({**prices, "litellm_provider": "xai"}).cost_of(Quantities(200_000)) == 400_000


def test_prices_for_batches_are_not_read() -> None:
    prices = {"input_cost_per_token": 1e-6, "input_cost_per_token_above_200k_tokens_batches": 5e-6}

    assert len(prices_of(prices).tokens) == 1
    assert facts_of(prices).cost_of(Quantities(300_000)) == 300_000


def test_the_entry_of_a_target_is_that_of_its_provider() -> None:
    prices = {"m": {"litellm_provider": "openai"}, "azure/m": {"litellm_provider": "azure"}}

    assert price_entry(prices, "openai/m") is prices["m"]
    assert price_entry(prices, "azure/m") is prices["azure/m"]
    assert price_entry(prices, "groq/m") is None


def test_a_name_in_another_case_has_its_price_too() -> None:
    prices = {"azure/gpt-4o": {"litellm_provider": "azure", "input_cost_per_token": 1e-6}}

    assert price_entry(prices, "azure/GPT-4o") == prices["azure/gpt-4o"]
    assert price_entry(prices, "azure/GPT-5") is None
