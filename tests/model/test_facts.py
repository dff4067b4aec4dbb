"""What quantities cost, and what a request reserves for them."""

from __future__ import annotations

from typing import Any

import pytest

from governance.catalog.prices import facts_of
from governance.model import Request, Window
from governance.model.facts import ModelFacts, attos
from governance.model.quantities import Quantities

MONEY = Window("l", "team:a", "usd_micros", 10**12, 60)


def priced(**entry: Any) -> ModelFacts:
    """Facts of an entry of the model map."""
    return facts_of(entry)


CHAT = priced(input_cost_per_token=2e-6, output_cost_per_token=8e-6)
CACHING = priced(
    input_cost_per_token=3e-6,
    output_cost_per_token=15e-6,
    cache_read_input_token_cost=3e-7,
    cache_creation_input_token_cost=3.75e-6,
    cache_creation_input_token_cost_above_1hr=6e-6,
)


def reserved(facts: ModelFacts, **asked: Any) -> int | None:
    charge = Request("m", **asked).charge(MONEY, facts)
    return charge and charge.amount


def test_a_cost_is_rounded_up_once() -> None:
    facts = ModelFacts(input_price=0.1, output_price=0.1)

    assert facts.cost_usd_micros(3, 3) == 1
    assert facts.cost_usd_micros(30, 70) == 10, "a sum of floats would be more than 10"
    assert facts.cost_usd_micros(10**15, 0) == 10**14


def test_facts_of_two_prices_are_those_of_the_same_prices_in_the_map() -> None:
    assert ModelFacts(input_price=2.0, output_price=8.0).prices == CHAT.prices


def test_the_cache_has_prices_of_its_own() -> None:
    cost = CACHING.cost_of(
        Quantities(10_000, cached_input_tokens=6_000, cache_write_tokens=3_000, cache_write_1h_tokens=1_000)
    )

    assert cost == 1_000 * 3 + 6_000 * 0.3 + 2_000 * 3.75 + 1_000 * 6


def test_without_a_price_of_its_own_each_kind_of_token_costs_what_its_side_costs() -> None:
    used = Quantities(
        100, 50, 10, 5, 10, 5, 10, 10, 10, reasoning_tokens=10, audio_output_tokens=10, image_output_tokens=10
    )

    assert CHAT.cost_of(used) == 100 * 2 + 50 * 8


def test_details_that_are_more_than_the_whole_are_not_billed_twice() -> None:
    assert CHAT.cost_of(Quantities(100, 50, 90, 90, 90, 90, 90, reasoning_tokens=80, audio_output_tokens=80)) == 600


def test_a_long_prompt_makes_every_token_dearer() -> None:
    facts = priced(
        input_cost_per_token=1e-6,
        output_cost_per_token=1e-5,
        input_cost_per_token_above_200k_tokens=2e-6,
        output_cost_per_token_above_200k_tokens=3e-5,
    )

    assert facts.cost_usd_micros(200_000, 100) == 200_000 + 1_000
    assert facts.cost_usd_micros(200_001, 100) == 400_002 + 3_000
    assert reserved(facts, prompt_tokens=200_001, max_output_tokens=100) == 403_002


def test_a_table_of_ranges_is_read() -> None:
    facts = priced(
        tiered_pricing=[
            {"range": [32_000, 128_000], "input_cost_per_token": 3e-6, "output_cost_per_token": 9e-6},
            {"range": [0, 32_000], "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6},
        ]
    )

    assert facts.cost_usd_micros(32_000, 10) == 32_020
    assert facts.cost_usd_micros(32_001, 10) == 96_003 + 90
    assert facts.cost_usd_micros(900_000, 0) == 2_700_000


def test_a_service_tier_has_its_own_prices_where_the_map_says_so() -> None:
    facts = priced(
        input_cost_per_token=2e-6,
        output_cost_per_token=8e-6,
        input_cost_per_token_priority=4e-6,
        input_cost_per_token_flex=1e-6,
    )

    assert facts.cost_of(Quantities(100, 10), "priority") == 480
    assert facts.cost_of(Quantities(100, 10), "flex") == 180
    assert facts.cost_of(Quantities(100, 10), "unheard-of") == 280
    asked: dict[str, Any] = {"prompt_tokens": 100, "max_output_tokens": 10}
    assert reserved(facts, params={"service_tier": "priority"}, **asked) == 480
    assert reserved(facts, params={"service_tier": "flex"}, **asked) == 280, "it may be served as usual"


@pytest.mark.parametrize(
    ("facts", "used", "cost"),
    [
        (priced(output_cost_per_image=0.04), Quantities(50, images_out=3), 120_000),
        (priced(input_cost_per_image=0.04, mode="image_generation"), Quantities(50, images_out=3), 120_000),
        (
            priced(output_cost_per_image=0.04, input_cost_per_token=1e-6, output_cost_per_image_token=3e-5),
            Quantities(50, 1_000, image_output_tokens=1_000, images_out=1),
            50 + 30_000,
        ),
        (priced(input_cost_per_token=1e-6, output_cost_per_image_token=3e-5), Quantities(50, 1_000), 30_050),
        (priced(input_cost_per_second=0.0001, output_cost_per_second=0.0), Quantities(duration_ms=12_345), 1_235),
        (priced(output_cost_per_second=0.0001), Quantities(duration_ms=10), 1),
        (priced(input_cost_per_character=1.5e-5), Quantities(7, characters=100), 1_500),
        (priced(input_cost_per_query=0.002, input_cost_per_token=0.0), Quantities(700, queries=2), 4_000),
        (priced(input_cost_per_token=1e-6), Quantities(700, queries=2), 700),
        (priced(input_cost_per_image=0.001, input_cost_per_token=1e-6), Quantities(700, images_in=2), 2_700),
    ],
)
def test_pieces_are_billed_where_a_model_is_billed_by_them(facts: ModelFacts, used: Quantities, cost: int) -> None:
    assert facts.cost_of(used) == cost


@pytest.mark.parametrize(
    "used",
    [Quantities(10, images_out=1), Quantities(duration_ms=5), Quantities(characters=5), Quantities(queries=1)],
)
def test_pieces_that_have_no_price_are_not_free(used: Quantities) -> None:
    assert CHAT.cost_of(used) is None


@pytest.mark.parametrize("price", ["x", float("nan"), float("inf"), -1e-6, True, [], "1e999", None])
def test_what_is_no_price_is_unknown(price: Any) -> None:
    assert attos(price) is None
    assert priced(input_cost_per_token=price).cost_usd_micros(1, 0) is None


def test_a_price_may_be_text() -> None:
    assert priced(input_cost_per_token="3e-7").cost_usd_micros(10, 0) == 3


@pytest.mark.parametrize(
    ("facts", "asked", "cost"),
    [
        (CHAT, {"prompt_tokens": 100, "max_output_tokens": 50}, 600),
        (CACHING, {"prompt_tokens": 1_000, "max_output_tokens": 10}, 3_150),
        (
            priced(input_cost_per_token=1e-6, output_cost_per_token=2e-6, input_cost_per_audio_token=1e-5),
            {"prompt_tokens": 1_000, "audio_tokens": 900, "max_output_tokens": 10},
            100 + 9_000 + 20,
        ),
        (
            priced(input_cost_per_token=1e-6, output_cost_per_token=2e-6, output_cost_per_reasoning_token=4e-6),
            {"prompt_tokens": 1_000, "capabilities": frozenset({"reasoning"}), "max_output_tokens": 10},
            1_040,
        ),
        (
            priced(input_cost_per_token=1e-6, output_cost_per_token=2e-6, output_cost_per_audio_token=4e-6),
            {"modalities": frozenset({"text", "audio_generation"}), "max_output_tokens": 10},
            40,
        ),
        (priced(output_cost_per_image=0.04), {"request_type": "image_generation", "choices": 3}, 120_000),
        (
            priced(input_cost_per_token=1e-6, output_cost_per_image_token=1e-5),
            {"request_type": "image_generation", "choices": 2, "prompt_tokens": 10},
            10 + 2 * 41_600,
        ),
        (priced(input_cost_per_second=0.0001), {"request_type": "transcription"}, 60_000),
        (priced(input_cost_per_character=1.5e-5), {"request_type": "speech", "characters": 100}, 1_500),
        (
            priced(input_cost_per_token=1e-6, output_cost_per_audio_token=1e-5),
            {"request_type": "speech", "characters": 100, "prompt_tokens": 20},
            20 + 2_000,
        ),
        (priced(input_cost_per_query=0.002), {"request_type": "rerank", "prompt_tokens": 500}, 2_000),
        (priced(input_cost_per_image=0.001), {"request_type": "embedding", "images": 3}, 3_000),
        (CHAT, {"request_type": "transcription"}, 6_000 * 2 + 2_000 * 8),
        (ModelFacts(), {"prompt_tokens": 100}, None),
    ],
)
def test_money_is_reserved_by_whatever_the_model_is_billed_by(
    facts: ModelFacts, asked: dict[str, Any], cost: int | None
) -> None:
    assert reserved(facts, **asked) == cost


def test_what_nobody_tells_is_a_guess_and_makes_no_request_larger_than_a_window() -> None:
    window = Window("l", "team:a", "usd_micros", 500, 60)
    heard = Request("m", "transcription").charge(window, priced(input_cost_per_second=0.0001))
    drawn = Request("m", "image_generation", choices=3).charge(window, priced(output_cost_per_image=0.04))

    assert heard is not None
    assert heard.amount == 500
    assert drawn is not None
    assert drawn.amount == 120_000, "how many images are asked for is no guess"
