"""What each provider's payload says, in the fields that the provider documents."""

from __future__ import annotations

from typing import Any

import pytest

from governance.discovery import Source
from governance.discovery.kinds.listing import listing_url
from tests.discovery.fake_provider import FakeProvider
from tests.discovery.reading import KEY, Open, read


@pytest.mark.parametrize(
    ("kind", "base", "url"),
    [
        ("openai", "https://api.openai.com/v1", "https://api.openai.com/v1/models"),
        ("openai", "https://api.openai.com", "https://api.openai.com/v1/models"),
        ("openai_compatible", "http://10.0.0.5:8000/v1/", "http://10.0.0.5:8000/v1/models"),
        ("anthropic", "https://api.anthropic.com", "https://api.anthropic.com/v1/models"),
        (
            "google",
            "https://generativelanguage.googleapis.com",
            "https://generativelanguage.googleapis.com/v1beta/models",
        ),
        ("groq", "https://api.groq.com", "https://api.groq.com/openai/v1/models"),
        ("openrouter", "https://openrouter.ai", "https://openrouter.ai/api/v1/models"),
        ("vercel_ai_gateway", "https://ai-gateway.vercel.sh", "https://ai-gateway.vercel.sh/v1/models"),
        ("ollama", "http://localhost:11434", "http://localhost:11434/api/tags"),
    ],
)
def test_the_listing_stands_below_the_base_address(kind: Any, base: str, url: str) -> None:
    assert listing_url(Source("x", "x", kind, base)) == url


async def test_openai_tells_names_only(provider: FakeProvider, outbound: Open) -> None:
    provider.says(
        "/v1/models",
        {
            "object": "list",
            "data": [
                {"id": "gpt-4o", "object": "model", "created": 1715367049, "owned_by": "system"},
                {"id": "ft:gpt-4o:acme::9f", "object": "model", "created": 1715367049, "owned_by": "acme"},
            ],
        },
    )

    assert await read(outbound, provider.source("openai", "/v1", key=KEY)) == {"gpt-4o": {}, "ft:gpt-4o:acme::9f": {}}
    assert provider.asked[0].headers["authorization"] == f"Bearer {KEY}"


async def test_groq_tells_limits_and_leaves_out_what_is_switched_off(provider: FakeProvider, outbound: Open) -> None:
    model = {"object": "model", "created": 1, "owned_by": "Meta", "active": True, "public_apps": None}
    provider.says(
        "/openai/v1/models",
        {
            "object": "list",
            "data": [
                {**model, "id": "llama-3.3-70b-versatile", "context_window": 131072, "max_completion_tokens": 32768},
                {**model, "id": "old", "active": False, "context_window": 8192},
            ],
        },
    )

    assert await read(outbound, provider.source("groq", "/openai/v1", key=KEY)) == {
        "llama-3.3-70b-versatile": {"max_input_tokens": 131072, "max_output_tokens": 32768}
    }


@pytest.mark.parametrize(
    ("answer", "entry"),
    [
        ({"data": [{"id": "m", "object": "model", "root": "m", "max_model_len": 32768}]}, {"max_input_tokens": 32768}),
        ([{"id": "m", "type": "embedding", "context_length": 512}], {"mode": "embedding", "max_input_tokens": 512}),
        (
            {
                "data": [
                    {
                        "id": "m",
                        "name": "Mistral M",
                        "max_context_length": 131072,
                        "capabilities": {"completion_chat": True, "function_calling": True, "vision": False},
                    }
                ]
            },
            {
                "mode": "chat",
                "display_name": "Mistral M",
                "max_input_tokens": 131072,
                "supports_function_calling": True,
                "supports_vision": False,
            },
        ),
        ({"data": [{"id": "m", "context_window": -1, "max_completion_tokens": "lots", "name": "a\nb"}]}, {}),
    ],
)
async def test_those_that_speak_like_openai_add_what_they_know(
    provider: FakeProvider, outbound: Open, answer: Any, entry: dict[str, Any]
) -> None:
    provider.says("/v1/models", answer)

    assert await read(outbound, provider.source("openai_compatible", "/v1")) == {"m": entry}
    assert "authorization" not in provider.asked[0].headers


async def test_anthropic_has_pages_limits_and_capabilities(provider: FakeProvider, outbound: Open) -> None:
    def model(name: str, **more: Any) -> dict[str, Any]:
        return {"type": "model", "id": name, "created_at": "2025-09-29T00:00:00Z", "lifecycle": "active", **more}

    provider.says(
        "/v1/models?limit=1000",
        {
            "data": [
                model(
                    "claude-sonnet-4-5",
                    display_name="Claude Sonnet 4.5",
                    max_input_tokens=200000,
                    max_tokens=64000,
                    capabilities={
                        "image_input": {"supported": True},
                        "pdf_input": {"supported": True},
                        "structured_outputs": {"supported": False},
                        "thinking": {"supported": True, "types": {}},
                    },
                )
            ],
            "has_more": True,
            "first_id": "claude-sonnet-4-5",
            "last_id": "claude-sonnet-4-5",
        },
    )
    provider.says(
        "/v1/models?limit=1000&after_id=claude-sonnet-4-5",
        {
            "data": [
                model("claude-old", lifecycle="deprecated", retires_at="2027-01-05T00:00:00Z", capabilities=None),
                model("claude-1", lifecycle="retired"),
            ],
            "has_more": False,
            "last_id": "claude-1",
        },
    )

    assert await read(outbound, provider.source("anthropic", key=KEY)) == {
        "claude-sonnet-4-5": {
            "mode": "chat",
            "display_name": "Claude Sonnet 4.5",
            "max_input_tokens": 200000,
            "max_output_tokens": 64000,
            "supports_vision": True,
            "supports_pdf_input": True,
            "supports_response_schema": False,
            "supports_reasoning": True,
        },
        "claude-old": {"mode": "chat", "deprecation_date": "2027-01-05T00:00:00Z"},
    }
    assert [asked.headers["x-api-key"] for asked in provider.asked] == [KEY, KEY]
    assert provider.asked[0].headers["anthropic-version"] == "2023-06-01"


async def test_google_has_pages_limits_and_methods_and_gets_the_key_in_a_header(
    provider: FakeProvider, outbound: Open
) -> None:
    provider.says(
        "/v1beta/models?pageSize=1000",
        {
            "models": [
                {
                    "name": "models/gemini-2.5-flash",
                    "version": "001",
                    "displayName": "Gemini 2.5 Flash",
                    "description": "…",
                    "inputTokenLimit": 1048576,
                    "outputTokenLimit": 65536,
                    "supportedGenerationMethods": ["generateContent", "countTokens", "batchGenerateContent"],
                    "temperature": 1,
                    "thinking": True,
                }
            ],
            "nextPageToken": "Ch9",
        },
    )
    provider.says(
        "/v1beta/models?pageSize=1000&pageToken=Ch9",
        {
            "models": [
                {
                    "name": "models/gemini-embedding-001",
                    "inputTokenLimit": 2048,
                    "supportedGenerationMethods": ["embedContent", "countTextTokens"],
                }
            ]
        },
    )

    assert await read(outbound, provider.source("google", "/v1beta", key=KEY)) == {
        "gemini-2.5-flash": {
            "display_name": "Gemini 2.5 Flash",
            "max_input_tokens": 1048576,
            "max_output_tokens": 65536,
            "supports_reasoning": True,
        },
        "gemini-embedding-001": {"mode": "embedding", "max_input_tokens": 2048},
    }
    assert [asked.headers["x-goog-api-key"] for asked in provider.asked] == [KEY, KEY]
    assert KEY not in "".join(asked.path for asked in provider.asked)


async def test_openrouter_tells_prices_modalities_and_parameters(provider: FakeProvider, outbound: Open) -> None:
    def model(name: str, architecture: Any, **more: Any) -> dict[str, Any]:
        return {"id": name, "name": f"The {name}", "created": 1, "architecture": architecture, **more}

    provider.says(
        "/api/v1/models",
        {
            "data": [
                model(
                    "google/gemini-2.5-pro",
                    {"input_modalities": ["text", "image", "file", "audio"], "output_modalities": ["text"]},
                    context_length=2_000_000,
                    pricing={"prompt": "0.00000125", "completion": "0.00001", "input_cache_read": "0.00000031"},
                    top_provider={"context_length": 1_048_576, "max_completion_tokens": 65_536, "is_moderated": False},
                    supported_parameters=["tools", "tool_choice", "reasoning", "max_tokens"],
                ),
                model(
                    "openrouter/auto",
                    {"modality": "text->text"},
                    pricing={"prompt": "-1", "completion": "-1"},
                ),
                model("x/embed", {"input_modalities": ["text"], "output_modalities": ["embeddings"]}),
                model("x/paint", {"modality": "text+image->image"}),
            ]
        },
    )

    found = await read(outbound, provider.source("openrouter", "/api/v1"))

    assert found["google/gemini-2.5-pro"] == {
        "mode": "chat",
        "display_name": "The google/gemini-2.5-pro",
        "origin_provider": "google",
        "max_input_tokens": 1_048_576,
        "max_output_tokens": 65_536,
        "input_cost_per_token": 1.25e-6,
        "output_cost_per_token": 1e-5,
        "cache_read_input_token_cost": 3.1e-7,
        "supported_modalities": ["text", "image", "audio"],
        "supported_output_modalities": ["text"],
        "supports_vision": True,
        "supports_audio_input": True,
        "supports_video_input": False,
        "supports_pdf_input": True,
        "supports_function_calling": True,
        "supports_response_schema": False,
        "supports_reasoning": True,
    }
    assert "input_cost_per_token" not in found["openrouter/auto"], "its price varies"
    assert "supports_function_calling" not in found["openrouter/auto"], "it does not say"
    assert found["x/embed"]["mode"] == "embedding"
    assert found["x/paint"]["mode"] == "image_generation"


async def test_vercel_tells_type_limits_tags_and_prices(provider: FakeProvider, outbound: Open) -> None:
    provider.says(
        "/v1/models",
        {
            "object": "list",
            "data": [
                {
                    "id": "openai/gpt-4o",
                    "object": "model",
                    "created": 1755815280,
                    "owned_by": "openai",
                    "name": "GPT-4o",
                    "description": "…",
                    "context_window": 128000,
                    "max_tokens": 16384,
                    "type": "language",
                    "tags": ["tool-use", "vision"],
                    "pricing": {"input": "0.0000025", "output": "0.00001", "input_cache_read": "0.00000125"},
                },
                {"id": "cohere/embed-v4.0", "type": "embedding", "pricing": {"input": "0.00000012"}},
            ],
        },
    )

    assert await read(outbound, provider.source("vercel_ai_gateway", "/v1")) == {
        "openai/gpt-4o": {
            "mode": "chat",
            "display_name": "GPT-4o",
            "origin_provider": "openai",
            "max_input_tokens": 128000,
            "max_output_tokens": 16384,
            "input_cost_per_token": 2.5e-6,
            "output_cost_per_token": 1e-5,
            "cache_read_input_token_cost": 1.25e-6,
            "supports_vision": True,
            "supports_function_calling": True,
        },
        "cohere/embed-v4.0": {"mode": "embedding", "origin_provider": "cohere", "input_cost_per_token": 1.2e-7},
    }
