"""Which sources a policy, the environment and the proxy's deployments make, and for whom a key is."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from governance.discovery import KNOWN, Source
from governance.policy.catalog import CatalogSettings, ModelOverride

ENVIRONMENT = {"OPENAI_API_KEY": "env-key", "GEMINI_API_KEY": "g"}


def sources(
    providers: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    deployments: list[dict[str, Any]] | None = None,
    **discovery: Any,
) -> dict[str, Source]:
    settings = CatalogSettings.model_validate({"discovery": {"providers": providers or {}, **discovery}})
    found = settings.sources(environment or {}, deployments or [])
    return {source.name: source for source in found}


def deployment(model: str, **params: Any) -> dict[str, Any]:
    return {"model_name": model, "litellm_params": {"model": model, **params}}


def test_without_a_policy_the_known_providers_are_there_and_those_with_a_key_are_in_use() -> None:
    found = sources(environment=ENVIRONMENT)

    assert set(found) == set(KNOWN)
    assert {name for name, source in found.items() if source.in_use} == {"openai", "gemini"}
    assert found["openai"].key == "env-key"
    assert found["openai"].api_base == "https://api.openai.com/v1"


def test_the_environments_key_never_goes_to_an_address_that_the_policy_names() -> None:
    base = "https://gateway.example.com/v1"

    assert sources({"openai": {"api_base": base}}, ENVIRONMENT)["openai"].key == ""
    assert sources({"openai": {"api_base": base, "api_key": "mine"}}, ENVIRONMENT)["openai"].key == "mine"


def test_the_environments_key_goes_to_the_address_that_the_environment_names() -> None:
    source = sources(environment={**ENVIRONMENT, "OPENAI_BASE_URL": "http://gateway.internal:8080/v1"})["openai"]

    assert (source.api_base, source.key) == ("http://gateway.internal:8080/v1", "env-key")
    assert source.allowed_hosts == {"gateway.internal:8080"}, "who runs the machine has named it"


def test_a_deployments_key_is_for_its_own_address() -> None:
    elsewhere = deployment("openai/x", api_key="other", api_base="https://elsewhere.example.com/v1")
    here = deployment("openai/gpt-4o", api_key="os.environ/MY_KEY")

    assert sources(deployments=[elsewhere])["openai"].key == ""
    assert sources(deployments=[elsewhere, here], environment={"MY_KEY": "mine"})["openai"].key == "mine"
    assert sources(deployments=[deployment("openai/x", api_key="plain")])["openai"].key == "plain"


def test_a_provider_that_a_deployment_uses_is_in_use() -> None:
    found = sources(deployments=[deployment("ollama_chat/llama3"), deployment("x", custom_llm_provider="groq")])

    assert {name for name, source in found.items() if source.in_use} == {"ollama", "groq"}


def test_a_model_server_of_ones_own_is_a_source_of_the_name_that_litellm_gives_it() -> None:
    given = {"kind": "openai_compatible", "provider": "hosted_vllm", "api_base": "http://10.0.0.5:8000/v1"}
    source = sources({"my-vllm": given}, ENVIRONMENT, allowed_hosts=["10.0.0.5:8000"])["my-vllm"]

    assert (source.name, source.provider, source.kind) == ("my-vllm", "hosted_vllm", "openai_compatible")
    assert not source.needs_key
    assert source.in_use


def test_a_page_is_read_without_a_key() -> None:
    page = {"kind": "documentation", "docs_url": "https://docs.example.com/models"}

    assert not sources({"openai": page})["openai"].needs_key


def test_loopback_is_for_ollama_alone() -> None:
    found = sources()

    assert found["ollama"].allowed_hosts == {"localhost:11434"}
    assert all(not source.allowed_hosts for name, source in found.items() if name != "ollama")


@pytest.mark.parametrize("every", ["off", "never", None, False])
def test_nothing_is_read_again_unless_the_policy_says_so(every: Any) -> None:
    assert CatalogSettings.model_validate({"discovery": {"every": every}}).discovery.every is None
    assert CatalogSettings.model_validate({"discovery": {"every": "6h"}}).discovery.every == 21_600


@pytest.mark.parametrize("every", ["1m", 6, "soon", True])
def test_a_period_that_will_not_do_is_refused(every: Any) -> None:
    with pytest.raises(ValidationError):
        CatalogSettings.model_validate({"discovery": {"every": every}})


def test_a_key_is_never_shown() -> None:
    settings = CatalogSettings.model_validate({"discovery": {"providers": {"openai": {"api_key": "sk-very-secret"}}}})

    assert "sk-very-secret" not in repr(settings)
    assert "sk-very-secret" not in settings.model_dump_json()
    assert "sk-very-secret" not in repr(settings.sources({}))


def test_an_override_speaks_in_dollars_per_million_and_becomes_the_model_maps_keys() -> None:
    override = ModelOverride(
        display_name="Ours",
        request_type="transcription",
        input_usd_per_1m_tokens=2.5,
        output_usd_per_1m_tokens=0,
        max_input_tokens=1000,
        input_modalities=("audio",),
        output_modalities=("text", "image_generation"),
        capabilities={"tools": False, "json_mode": True},
    )

    assert override.entry == {
        "display_name": "Ours",
        "mode": "audio_transcription",
        "input_cost_per_token": 2.5e-6,
        "output_cost_per_token": 0.0,
        "max_input_tokens": 1000,
        "supported_modalities": ["audio"],
        "supported_output_modalities": ["text", "image"],
        "supports_vision": False,
        "supports_audio_input": True,
        "supports_video_input": False,
        "supports_function_calling": False,
        "supports_response_schema": True,
    }
    assert ModelOverride().entry == {}
