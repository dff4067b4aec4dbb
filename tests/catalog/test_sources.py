"""What the sources say of a model: the more trusted one wins, field by field, and silence is no "no"."""

from __future__ import annotations

from typing import Any

import pytest

from governance.catalog import Catalog, Sources, Tiers, card, cards, installed_prices, screen
from governance.catalog.sources import built_in
from governance.model import NO_FACTS, Request, Target

MAP: dict[str, Any] = {
    "gpt-4o": {
        "litellm_provider": "openai",
        "mode": "chat",
        "input_cost_per_token": 2.5e-6,
        "input_cost_per_token_above_128k_tokens": 5e-6,
        "output_cost_per_token": 1e-5,
        "max_input_tokens": 128_000,
        "supports_vision": True,
    },
    "llamagate/llava-7b": {"litellm_provider": "llamagate", "mode": "chat", "supports_vision": True},
    "llamagate/nomic-embed-text": {"litellm_provider": "llamagate", "mode": "embedding"},
    "a/torn": {"litellm_provider": "openai", "mode": "chat"},
    "b/torn": {"litellm_provider": "groq", "mode": "embedding"},
}
DISCOVERED: dict[str, Any] = {
    "openai/gpt-4o": {"max_input_tokens": 64_000, "display_name": "GPT-4o", "input_cost_per_token": 3e-6},
    "ollama/llava:7b": {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
    "groq/nomic-embed-text": {"max_input_tokens": 8_192},
    "groq/torn": {},
    "vllm/blind": {"supports_vision": False},
    "openai/old": {"gone_since": "2026-11-20"},
}
OVERRIDES = {"openai/gpt-4o": {"input_cost_per_token": 1e-6}}


def catalog(deployments: Any = None, **overrides: Any) -> Catalog:
    return Catalog(deployments, Sources(MAP, DISCOVERED, {**OVERRIDES, **overrides}))


def see(target: str, *capabilities: str, **request: Any) -> Target:
    asked = Request("x", capabilities=frozenset(capabilities), models=catalog(), **request)
    return screen(asked, Target(target))


def test_the_more_trusted_source_wins_field_by_field() -> None:
    said = catalog().said("openai/gpt-4o")

    assert said.by == {
        "input_cost_per_token": "policy",
        "max_input_tokens": "discovery",
        "display_name": "discovery",
        "output_cost_per_token": "model map",
        "litellm_provider": "model map",
        "mode": "model map",
        "supports_vision": "model map",
        "supports_reasoning": "model map",
    }
    facts = catalog().facts("openai/gpt-4o")
    assert (facts.input_price, facts.output_price, facts.max_input_tokens) == (1.0, 10.0, 64_000)
    assert facts.display_name == "GPT-4o"


def test_a_price_that_is_given_replaces_its_variants_of_less_trusted_sources() -> None:
    assert catalog().facts("openai/gpt-4o").cost_usd_micros(1_000_000, 0) == 1_000_000
    assert Catalog(None, MAP).facts("openai/gpt-4o").cost_usd_micros(1_000_000, 0) == 5_000_000


def test_a_deployment_stands_between_the_policy_and_discovery_and_keeps_its_secrets() -> None:
    own = {
        "model_name": "openai/gpt-4o",
        "litellm_params": {"model": "openai/gpt-4o", "api_key": "sk-very-secret", "output_cost_per_token": 2e-5},
        "model_info": {"max_input_tokens": 1_000, "id": "9f", "input_cost_per_token": 9e-6},
    }
    said = catalog([own]).said("openai/gpt-4o")

    assert (said.by["input_cost_per_token"], said.by["output_cost_per_token"]) == ("policy", "deployment")
    assert (said.entry["max_input_tokens"], said.by["max_input_tokens"]) == (1_000, "deployment")
    assert "sk-very-secret" not in str(said)
    assert "sk-very-secret" not in str(card(catalog([own]), "openai/gpt-4o"))


def test_what_a_model_is_it_is_wherever_it_is_served() -> None:
    sees = catalog().said("ollama/llava:7b")

    assert (sees.entry["supports_vision"], sees.by["supports_vision"]) == (True, "model map, other providers")
    assert catalog().facts("groq/nomic-embed-text").output_modalities == {"embedding"}
    assert "mode" not in catalog().said("groq/torn").entry, "those that serve it do not agree"


def test_ollamas_models_are_known_whichever_way_litellm_asks_it() -> None:
    known = Catalog(None, Sources({}, {"ollama/llama3:latest": {"max_input_tokens": 8_192}}))

    for name in ("ollama/llama3", "ollama/llama3:latest", "ollama_chat/llama3"):
        assert known.facts(name).max_input_tokens == 8_192, name


def test_no_price_and_no_limit_is_taken_from_another_provider() -> None:
    facts = Catalog(None, Sources(MAP, {"groq/gpt-4o": {"mode": "chat"}})).facts("groq/gpt-4o")

    assert (facts.input_price, facts.max_input_tokens) == (None, None)


def test_a_model_that_no_source_lists_for_its_provider_is_unknown() -> None:
    assert catalog().facts("cerebras/gpt-4o") == NO_FACTS


def test_the_built_in_list_is_asked_last_and_only_of_models_that_the_map_does_not_have() -> None:
    assert "anthropic/claude-3-haiku-20240307" in built_in()
    assert catalog().facts("anthropic/claude-3-haiku-20240307").input_price == 0.25
    assert catalog().facts("openai/gpt-4o-mini").input_price == 0.15
    assert "supports_pdf_input" not in catalog().said("openai/gpt-4o").entry


def test_the_built_in_list_agrees_with_the_installed_map() -> None:
    both = {name: Catalog(None, installed_prices()).facts(name) for name in built_in()}
    alone = {name: Catalog(None, {}).facts(name) for name in built_in()}

    for name, facts in both.items():
        assert (facts.input_price, facts.output_price) == (alone[name].input_price, alone[name].output_price), name


def test_what_no_source_says_passes_with_a_note_and_what_one_denies_does_not() -> None:
    assert catalog().facts("vllm/blind").unsaid >= {"tools", "structured_output"}
    assert see("vllm/blind", "tools").note == "unknown whether it has tools"
    assert see("vllm/blind", "vision").rejected is not None
    assert see("groq/torn", "vision").note == "capabilities unknown"


def test_what_the_model_map_leaves_out_it_denies() -> None:
    rejected = see("openai/gpt-4o", "audio_input").rejected

    assert rejected is not None
    assert rejected.code == "capability_mismatch"


@pytest.mark.parametrize(
    ("target", "modalities", "request_type", "why"),
    [
        ("openai/gpt-4o", {"text", "image"}, "chat", None),
        ("openai/gpt-4o", {"text", "audio"}, "chat", "brings audio, takes image, text"),
        ("openai/gpt-4o", {"text", "audio_generation"}, "chat", "wants audio_generation, makes text"),
        ("openai/gpt-4o", {"text", "embedding"}, "embedding", "wants embedding, makes text"),
        ("groq/nomic-embed-text", {"text"}, "chat", "wants text, makes embedding"),
        ("groq/nomic-embed-text", {"text", "embedding"}, "embedding", None),
        ("groq/torn", {"text", "video"}, "chat", None),
    ],
)
def test_a_model_that_takes_or_makes_something_else_is_not_eligible(
    target: str, modalities: set[str], request_type: str, why: str | None
) -> None:
    rejected = see(target, modalities=frozenset(modalities), request_type=request_type).rejected

    assert (rejected and rejected.detail) == why


def test_a_model_that_its_provider_does_not_list_any_more_is_noted_and_still_tried() -> None:
    target = see("openai/old")

    assert target.rejected is None
    assert target.note == "not listed by its provider since 2026-11-20"


def test_a_tier_says_where_the_price_stands_among_all() -> None:
    chat = {
        f"m{i}": {"mode": "chat", "input_cost_per_token": i * 1e-6, "output_cost_per_token": i * 1e-6}
        for i in range(1, 201)
    }
    tiers = Tiers({**chat, "e": {"mode": "embedding", "input_cost_per_token": 1.0, "output_cost_per_token": 1.0}})

    found = [tiers.tier(chat[f"m{i}"]) for i in (1, 80, 100, 150, 160, 190, 195, 200)]
    assert found == ["low", "low", "medium", "medium", "high", "high", "very high", "very high"]
    assert tiers.tier({"input_cost_per_token": 0, "output_cost_per_token": 0}) == "low"


@pytest.mark.parametrize(
    "entry", [{}, {"input_cost_per_token": 1e-6}, {"input_cost_per_token": "?", "output_cost_per_token": 0}]
)
def test_without_both_prices_there_is_no_tier(entry: dict[str, Any]) -> None:
    assert Tiers(installed_prices()).tier(entry) is None
    assert Tiers(MAP).tier(MAP["gpt-4o"]) is None, "too few prices to compare with"


def test_a_card_tells_every_field_with_its_source_and_none_for_unknown() -> None:
    shown = card(catalog([{"model_name": "smart", "litellm_params": {"model": "openai/gpt-4o"}}]), "openai/gpt-4o")

    assert shown["served_as"] == "smart"
    assert (shown["provider"], shown["name"], shown["mode"]) == ("openai", "gpt-4o", "chat")
    assert (shown["input_usd_per_1m_tokens"], shown["sources"]["input_usd_per_1m_tokens"]) == (1.0, "policy")
    assert shown["capabilities"] == {
        "vision": True,
        "audio_input": False,
        "video_input": False,
        "pdf_input": False,
        "tools": False,
        "structured_output": None,
        "reasoning": False,
    }
    assert (shown["input_modalities"], shown["output_modalities"]) == (["image", "text"], ["text"])


def test_cards_are_of_what_is_served_named_and_listed_and_of_all_on_request() -> None:
    known = catalog([{"model_name": "smart", "litellm_params": {"model": "groq/x"}}, {"model_name": "azure/*"}])

    names = [shown["model"] for shown in cards(known)]
    assert names == sorted({"groq/x", *DISCOVERED})
    assert "llamagate/llava-7b" in [shown["model"] for shown in cards(known, everything=True)]
    assert [shown["model"] for shown in cards(known, "llamagate")] == [
        "llamagate/llava-7b",
        "llamagate/nomic-embed-text",
    ]
    assert [shown["model"] for shown in cards(known, modality="embedding")] == ["groq/nomic-embed-text"]
    assert {shown["model"]: shown["served_as"] for shown in cards(known, "groq")}["groq/x"] == "smart"
