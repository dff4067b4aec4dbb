"""Every price in LiteLLM's map is read, or is settled by LiteLLM's own sum, or is said to be of no request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from governance.catalog.prices import installed_prices, prices_of

_IS_PRICE: Final = re.compile(r".*(cost|price|pricing|uplift_multiplier|provider_specific_entry).*")

# What only LiteLLM knows to apply: the larger of its sum and ours is settled, and ours is reserved.
BY_LITELLM: Final = {
    r"(regional_\w+|fedramp)_uplift_multiplier\w*": "by the address or the part of the world that served",
    r"provider_specific_entry": "by the part of the world and the speed that an answer tells",
    r"cache_creation_input_token_cost_above_12hr\w*": "no usage that reaches us tells twelve hours apart",
    r"explicit_cache_read_input_token_cost": "which tokens of the cache were marked to be kept",
    r"cache_read_input_image_token_cost": "which tokens of the cache are images",
    r"input_cost_per_(audio|video)_per_second\w*": "how long what was sent plays",
    r"citation_cost_per_token": "beside the tokens of the answer",
}
# Charges of the provider's own tools, in LiteLLM's sum whenever an answer tells of them.
TOOLS: Final = {
    r"search_context_cost_per_query": "searches of the web",
    r"google_maps_grounding_cost_per_query": "searches of maps",
    r"code_interpreter_cost_per_session": "code that is run",
    r"file_search_cost_per_\w+|vector_store_cost_per_\w+|computer_use_\w+": "files and computers",
}
OF_NO_REQUEST: Final = {
    r"\w+_batches": "batches are not requests of which anything is reserved",
    r"\w+_decisions": "of an endpoint that is not governed",
    r"guardrail_cost_per_unit": "of an endpoint that is not governed; those of requests are in LiteLLM's sum",
    r"input_cost_per_text_message": "of realtime sessions, which are not governed",
    r"cache_creation_input_audio_token_cost": "of realtime sessions, which are not governed",
    r"(input|output)_dbu_cost_per_token": "the same price in another unit",
    r"input_cost_per_token_cache_hit": "an old name beside `cache_read_input_token_cost`; LiteLLM does not read it",
    r"input_cost_per_request": "LiteLLM does not read it",
    r"(input|output)_cost_per_character_above_128k_tokens": "nothing, wherever it stands",
    r"input_cost_per_image_above_128k_tokens": "nothing, wherever it stands",
}


def fits(key: str, table: Mapping[str, str]) -> bool:
    return any(re.fullmatch(pattern, key) for pattern in table)


def price_keys() -> Iterator[str]:
    entries = (entry for name, entry in installed_prices().items() if name != "fallback_generalizations")
    yield from sorted({key for entry in entries for key in entry if _IS_PRICE.fullmatch(key)})


def with_other(value: Any) -> Any:
    if isinstance(value, list):
        return [{key: with_other(price) for key, price in row.items()} for row in value if isinstance(row, dict)]
    return value * 3 if isinstance(value, float) else value


def entries_with(key: str) -> Iterator[Mapping[str, Any]]:
    return (entry for entry in installed_prices().values() if entry.get(key))


def is_read(key: str) -> bool:
    """Whether another price makes a difference to some model that has one."""
    if key == "off_peak_pricing":
        return all(prices_of(entry).varies for entry in entries_with(key))
    entries = [entry for entry in entries_with(key) if entry[key] != 0]
    # Whatever the map has only noughts of could cost something elsewhere.
    entries = entries or [{**entry, key: 1e-6} for entry in installed_prices().values() if key in entry]
    # Some have the same price under two names.
    alone = [{name: entry.get(name) for name in (key, "litellm_provider", "mode")} for entry in entries]
    return any(prices_of({**each, key: with_other(each[key])}) != prices_of(each) for each in (*entries, *alone))


@pytest.mark.parametrize("key", price_keys())
def test_a_price_of_the_map_is_read_or_it_is_said_why_not(key: str) -> None:
    if fits(key, OF_NO_REQUEST) or fits(key, TOOLS):
        return
    if fits(key, BY_LITELLM):
        told = [prices_of(entry).more for entry in entries_with(key) if key != "provider_specific_entry"]
        assert all(told)
        return

    assert is_read(key)


@pytest.mark.parametrize("table", [BY_LITELLM, TOOLS, OF_NO_REQUEST])
def test_nothing_is_explained_that_the_map_does_not_have(table: dict[str, str]) -> None:
    keys = list(price_keys())

    assert [pattern for pattern in table if not any(re.fullmatch(pattern, key) for key in keys)] == []


def test_what_is_said_to_cost_nothing_costs_nothing() -> None:
    nothing = [pattern for pattern, why in OF_NO_REQUEST.items() if why.startswith("nothing")]

    costs = [
        (name, key)
        for name, entry in installed_prices().items()
        for key, price in entry.items()
        if price and fits(key, dict.fromkeys(nothing, ""))
    ]
    assert costs == []


def test_a_surcharge_for_a_speed_or_a_place_is_left_to_litellm() -> None:
    entry = {"litellm_provider": "anthropic", "input_cost_per_token": 1e-6}

    assert prices_of({**entry, "provider_specific_entry": {"us": 1.1, "fast": 2}}).more
    assert not prices_of({**entry, "provider_specific_entry": {"realtime_ga_only": 1}}).more
