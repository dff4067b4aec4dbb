"""Models that are listed without a provider's API: those of Ollama, and those that only a page names."""

from __future__ import annotations

import json

import pytest

from governance.discovery import DiscoveryFailed
from tests.discovery.fake_provider import Answer, FakeProvider
from tests.discovery.reading import Open, read


async def test_ollama_lists_by_tags_and_shows_each(provider: FakeProvider, outbound: Open) -> None:
    details = {"format": "gguf", "family": "llama", "families": ["llama"], "parameter_size": "8.0B"}
    provider.says(
        "/api/tags",
        {
            "models": [
                {"name": "llama3.1:8b", "model": "llama3.1:8b", "size": 4_920_753_328, "details": details},
            ]
        },
    )
    provider.says(
        "/api/show",
        {
            "details": details,
            "model_info": {"general.architecture": "llama", "llama.context_length": 131072},
            "capabilities": ["completion", "tools"],
        },
    )

    for base in ("", "/v1", "/api"):
        assert await read(outbound, provider.source("ollama", base)) == {
            "llama3.1:8b": {
                "mode": "chat",
                "max_input_tokens": 131072,
                "input_cost_per_token": 0.0,
                "output_cost_per_token": 0.0,
                "supports_vision": False,
                "supports_audio_input": False,
                "supports_function_calling": True,
                "supports_reasoning": False,
            }
        }
    assert json.loads(provider.asked[1].body) == {"model": "llama3.1:8b"}


async def test_an_ollama_model_that_cannot_be_shown_is_still_there(provider: FakeProvider, outbound: Open) -> None:
    provider.says("/api/tags", {"models": [{"name": "llava:7b", "details": {"families": ["llama", "clip"]}}]})
    provider.on("/api/show", Answer({"error": "no"}, 404))

    found = await read(outbound, provider.source("ollama"))

    assert found["llava:7b"] == {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0, "supports_vision": True}


PAGE = b"""<html><body>
<table><tr><th>Model</th><th>Context</th></tr>
<tr><td><code>sonar-pro</code></td><td>200k</td></tr>
<tr><td>sonar-deep-research</td><td>128k</td></tr>
<tr><td>Great for everything</td><td>1</td></tr></table>
<table><tr><th>Parameter</th></tr><tr><td>max-tokens</td></tr></table>
<p>Use <code class=id>sonar-2</code> or <code>api_key</code> <script>alert("sonar-9")</script></p></body></html>"""


async def test_names_are_read_from_a_pages_tables_of_models(provider: FakeProvider, outbound: Open) -> None:
    provider.on("/models", Answer(PAGE))
    source = provider.source("documentation", docs_url=f"{provider.url}/models")

    assert list(await read(outbound, source)) == ["sonar-pro", "sonar-deep-research"]


async def test_names_are_read_by_a_selector(provider: FakeProvider, outbound: Open) -> None:
    provider.on("/models", Answer(PAGE))
    source = provider.source("documentation", docs_url=f"{provider.url}/models", selector="code.id, td code")

    assert sorted(await read(outbound, source)) == ["sonar-2", "sonar-pro"]


async def test_a_selector_that_is_none_is_told(provider: FakeProvider, outbound: Open) -> None:
    provider.on("/models", Answer(PAGE))
    with pytest.raises(DiscoveryFailed, match="is no CSS selector"):
        await read(outbound, provider.source("documentation", docs_url=f"{provider.url}/models", selector="td[["))
