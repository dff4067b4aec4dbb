"""What an answer used, in the shapes that the providers and LiteLLM's translation of them have."""

from __future__ import annotations

from typing import Any

import litellm
import pytest
from litellm.types.utils import Usage as LitellmUsage

from governance.catalog import Catalog
from governance.engine.decision import Decision
from governance.model import Request, Usage
from governance.proxy.usage import usage_of
from governance.trace import Trace

PRICES = {
    "a/chat": {
        "litellm_provider": "a",
        "input_cost_per_token": 2e-6,
        "output_cost_per_token": 8e-6,
        "cache_read_input_token_cost": 2e-7,
        "cache_creation_input_token_cost": 2.5e-6,
        "cache_creation_input_token_cost_above_1hr": 4e-6,
        "input_cost_per_audio_token": 1e-5,
        "output_cost_per_audio_token": 2e-5,
        "output_cost_per_reasoning_token": 1.6e-5,
        "input_cost_per_token_priority": 4e-6,
    },
    "a/night": {"input_cost_per_token": 2e-6, "output_cost_per_token": 8e-6, "off_peak_pricing": {}},
    "a/image": {"output_cost_per_image": 0.04},
    "a/drawn": {"input_cost_per_token": 5e-6, "output_cost_per_image_token": 4e-5},
    "a/heard": {"input_cost_per_second": 0.0001},
    "a/spoken": {"input_cost_per_character": 1.5e-5},
    "a/ranked": {"input_cost_per_query": 0.002, "input_cost_per_token": 0.0},
    "a/free": {},
}


def used(answer: Any, target: str = "a/chat", *, kwargs: dict[str, Any] | None = None, **asked: Any) -> Usage:
    request = Request(target, models=Catalog(None, PRICES), **asked)
    decision = Decision("route", request, Trace(request, "r", 0.0, "live"))
    return usage_of(kwargs or {}, answer, decision, target)


SHAPES = {
    "OpenAI's": (
        {
            "prompt_tokens": 1_000,
            "completion_tokens": 100,
            "prompt_tokens_details": {"cached_tokens": 600},
            "completion_tokens_details": {"reasoning_tokens": 40},
        },
        Usage(1_000, 100, 400 * 2 + 120 + 60 * 8 + 40 * 16),
    ),
    "OpenAI's audio": (
        {
            "prompt_tokens": 1_000,
            "completion_tokens": 100,
            "prompt_tokens_details": {"audio_tokens": 900, "text_tokens": 100},
            "completion_tokens_details": {"audio_tokens": 80, "text_tokens": 20},
        },
        Usage(1_000, 100, 100 * 2 + 900 * 10 + 20 * 8 + 80 * 20),
    ),
    "the responses API's": (
        {
            "input_tokens": 1_000,
            "output_tokens": 100,
            "input_tokens_details": {"cached_tokens": 600},
            "output_tokens_details": {"reasoning_tokens": 40},
        },
        Usage(1_000, 100, 400 * 2 + 120 + 60 * 8 + 40 * 16),
    ),
    "Anthropic's, whose input is what neither was cached nor written": (
        {
            "input_tokens": 100,
            "output_tokens": 100,
            "cache_read_input_tokens": 600,
            "cache_creation_input_tokens": 300,
            "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
        },
        Usage(1_000, 100, 100 * 2 + 120 + 500 + 400 + 800),
    ),
    "Anthropic's, translated by LiteLLM": (
        LitellmUsage(
            prompt_tokens=1_000, completion_tokens=100, cache_read_input_tokens=600, cache_creation_input_tokens=300
        ),
        Usage(1_000, 100, 100 * 2 + 120 + 750 + 800),
    ),
    "Google's, whose total says that thoughts are among the candidates": (
        {"promptTokenCount": 10, "candidatesTokenCount": 60, "thoughtsTokenCount": 50, "totalTokenCount": 70},
        Usage(10, 60, 900),
    ),
    "Google's, whose total cannot be": (
        {"promptTokenCount": 10, "candidatesTokenCount": 10, "thoughtsTokenCount": 50, "totalTokenCount": 20},
        Usage(10, 60, 900),
    ),
    "Google's, whose thoughts come on top": (
        {
            "promptTokenCount": 1_000,
            "candidatesTokenCount": 60,
            "thoughtsTokenCount": 40,
            "cachedContentTokenCount": 600,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 900}, {"modality": "AUDIO", "tokenCount": 100}],
        },
        Usage(1_000, 100, 300 * 2 + 100 * 10 + 120 + 60 * 8 + 40 * 16),
    ),
    "one of nonsense": (
        {"prompt_tokens": -5, "input_tokens": None, "completion_tokens": True, "output_tokens": float("nan")},
        Usage(None, None, None),
    ),
    "one whose reasoning is beside the answer": (
        {
            "prompt_tokens": 10_000,
            "completion_tokens": 1_500,
            "total_tokens": 14_500,
            "completion_tokens_details": {"reasoning_tokens": 3_000},
        },
        Usage(10_000, 4_500, 10_000 * 2 + 1_500 * 8 + 3_000 * 16),
    ),
    "one of reasoning alone": (
        {"prompt_tokens": 21, "completion_tokens": 0, "total_tokens": 81, "reasoning_tokens": 60},
        Usage(21, 60, 42 + 60 * 16),
    ),
    "one of reasoning alone, without a total": (
        {"prompt_tokens": 21, "completion_tokens": 0, "completion_tokens_details": {"reasoning_tokens": 60}},
        Usage(21, 60, 42 + 60 * 16),
    ),
    "one whose total has more than its parts": (
        {"prompt_tokens": 21, "completion_tokens": 5, "total_tokens": 81},
        Usage(21, 60, 42 + 60 * 8),
    ),
    "one whose total has less than its parts": (
        {"prompt_tokens": 21, "completion_tokens": 5, "total_tokens": 1},
        Usage(21, 5, 42 + 40),
    ),
    "one with what is cached at the top": (
        {"prompt_tokens": 1_000, "completion_tokens": 100, "cached_tokens": 600},
        Usage(1_000, 100, 400 * 2 + 120 + 800),
    ),
    "one with more in the cache than in the prompt": (
        {"prompt_tokens": 100, "completion_tokens": 100, "prompt_cache_hit_tokens": 600},
        Usage(700, 100, 100 * 2 + 120 + 800),
    ),
    "one whose total counts the cache beside the prompt": (
        {"prompt_tokens": 1_000, "completion_tokens": 100, "cached_tokens": 600, "total_tokens": 1_700},
        Usage(1_600, 100, 1_000 * 2 + 120 + 800),
    ),
    "Anthropic's, with the cache told by age alone": (
        {
            "input_tokens": 100,
            "output_tokens": 100,
            "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
        },
        Usage(400, 100, 100 * 2 + 500 + 400 + 800),
    ),
    "Bedrock's own": (
        {"inputTokens": 100, "outputTokens": 100, "totalTokens": 800, "cacheReadInputTokens": 600},
        Usage(700, 100, 100 * 2 + 120 + 800),
    ),
    "one of texts": (
        {"prompt_tokens": "1000", "completion_tokens": " 100 ", "total_tokens": None},
        Usage(1_000, 100, 2_000 + 800),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_of_usage_is_read_and_priced(shape: str) -> None:
    reported, usage = SHAPES[shape]
    key = "usageMetadata" if shape.startswith("Google") else "usage"

    assert used({key: reported}) == usage


def test_all_that_an_embedding_reports_is_its_input() -> None:
    assert used({"usage": {"total_tokens": 700}}, request_type="embedding") == Usage(700, 0, 1_400)


@pytest.mark.parametrize("place", ["choices", "x_groq"])
def test_usage_is_found_where_providers_put_it(place: str) -> None:
    usage = {"usage": {"prompt_tokens": 10, "completion_tokens": 2}}

    assert used({place: [usage] if place == "choices" else usage}) == Usage(10, 2, 36)


def test_an_answer_from_a_cache_costs_nothing() -> None:
    assert used({"usage": {"prompt_tokens": 5}}, kwargs={"cache_hit": True}) == Usage()


def test_what_is_not_reported_stays_unknown() -> None:
    assert used({}) == Usage(None, None, None)
    assert used({}, kwargs={"response_cost": 0.5}) == Usage(None, None, 500_000)
    logged = {"standard_logging_object": {"prompt_tokens": 10, "completion_tokens": 1}}
    assert used({}, kwargs=logged) == Usage(10, 1, 28)


def test_without_a_price_litellms_own_cost_counts_unless_it_is_nothing() -> None:
    answer = {"usage": {"prompt_tokens": 10, "completion_tokens": 1}}

    assert used(answer, "a/free", kwargs={"response_cost": 0.5}) == Usage(10, 1, 500_000)
    assert used(answer, "a/free", kwargs={"response_cost": 0.0}) == Usage(10, 1, None)
    assert used(answer, "a/chat", kwargs={"response_cost": 0.5}) == Usage(10, 1, 28)


@pytest.mark.parametrize(
    ("target", "more"), [("a/night", {}), ("a/chat", {"server_tool_use": {"web_search_requests": 2}})]
)
def test_what_our_prices_do_not_tell_is_litellms_to_price(target: str, more: dict[str, Any]) -> None:
    answer = {"usage": {"prompt_tokens": 10, "completion_tokens": 1, **more}}

    assert used(answer, target, kwargs={"response_cost": 0.5}).cost_usd_micros == 500_000
    assert used(answer, target).cost_usd_micros == 28


def test_the_tier_that_was_served_counts_and_not_the_one_asked_for() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 0}
    priority = {"service_tier": "priority"}

    assert used({"usage": usage, "service_tier": "priority"}).cost_usd_micros == 40
    assert used({"usage": usage, "service_tier": "default"}, params=priority).cost_usd_micros == 20
    assert used({"usage": usage}, params=priority).cost_usd_micros == 40
    google = {"promptTokenCount": 10, "trafficType": "ON_DEMAND_PRIORITY"}
    assert used({"usageMetadata": google}).cost_usd_micros == 40


def test_images_are_billed_by_the_piece_or_by_their_tokens() -> None:
    drawn = {"data": [{}, {}], "usage": {"input_tokens": 10, "output_tokens": 200}}

    assert used({"data": [{}, {}]}, "a/image", request_type="image_generation") == Usage(None, None, 80_000)
    assert used(drawn, "a/drawn", request_type="image_generation") == Usage(10, 200, 50 + 8_000)


def test_speech_that_was_heard_is_billed_by_the_second() -> None:
    told = litellm.TranscriptionResponse(text="hello")
    told._hidden_params = {"audio_transcription_duration": 12.5}
    kind = {"request_type": "transcription"}

    assert used(told, "a/heard", **kind) == Usage(None, None, 1_250)
    assert used({"duration": 3.0}, "a/heard", **kind) == Usage(None, None, 300)
    assert used({"usage": {"type": "duration", "seconds": 4}}, "a/heard", **kind) == Usage(None, None, 400)
    assert used({}, "a/heard", **kind) == Usage(None, None, None)


def test_speech_that_was_spoken_is_billed_by_the_character() -> None:
    assert used(object(), "a/spoken", request_type="speech", characters=100) == Usage(None, None, 1_500)


def test_a_rerank_is_billed_by_the_search() -> None:
    answer = {"meta": {"billed_units": {"search_units": 3}}}

    assert used(answer, "a/ranked", request_type="rerank") == Usage(None, None, 6_000)
    assert used({}, "a/ranked", request_type="rerank") == Usage(None, None, 2_000)


@pytest.mark.parametrize("cost", ["0.0015", "1.5e-03", ".0015", " 15E-4 ", 0.0015])
def test_what_a_provider_says_it_bills_counts_however_the_number_is_written(cost: Any) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 1, "cost": cost}

    assert used({"usage": usage}).cost_usd_micros == 1_500
