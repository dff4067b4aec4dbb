"""Whom LiteLLM takes a name without a provider to be of, by the address that is called."""

from __future__ import annotations

import litellm
import pytest
from litellm.litellm_core_utils.get_llm_provider_logic import get_llm_provider

from governance.catalog import Catalog
from governance.catalog.addresses import KNOWN_ADDRESSES, provider_at


def inferred(address: str, model: str) -> str:
    try:
        return get_llm_provider(model, api_base=address)[1] or ""
    except litellm.BadRequestError:
        return ""


def test_every_address_that_litellm_knows_means_the_provider_that_it_infers() -> None:
    listed = [known.removeprefix("https://").rstrip("/") for known in litellm.openai_compatible_endpoints]

    assert {known: inferred(f"https://{known}", "unheard-of") for known in listed} == {
        known: provider_at(f"https://{known}") for known in listed
    }
    assert set(listed) >= KNOWN_ADDRESSES.keys()


@pytest.mark.parametrize(
    "address",
    [
        "http://API.groq.com/openai/v1/",
        "api.groq.com:443/openai/v1/chat",
        "https://api.groq.com/openai/v10",
        "https://evil.example.com/api.groq.com/openai/v1",
        "https://api.perplexity.ai.example.com",
        "http://10.0.0.5:8000/v1",
        "http://[::1",
        "",
    ],
)
def test_an_address_is_read_as_litellm_reads_it(address: str) -> None:
    try:
        expected = inferred(address, "unheard-of")
    except ValueError:
        expected = ""

    assert provider_at(address) == expected


@pytest.mark.parametrize(
    ("model", "identity"),
    [
        ("llama3", ("groq", "llama3")),
        ("gpt-4o", ("groq", "gpt-4o")),
        ("openai/gpt-oss-120b", ("openai", "gpt-oss-120b")),
        ("meta-llama/Llama-3-8b", ("groq", "meta-llama/Llama-3-8b")),
    ],
)
def test_a_name_without_a_provider_is_of_the_provider_at_the_address(model: str, identity: tuple[str, str]) -> None:
    address = "https://api.groq.com/openai/v1"
    catalog = Catalog([{"model_name": "fast", "litellm_params": {"model": model, "api_base": address}}], {})

    assert catalog.served_by("group:fast") == (identity,)
    assert catalog.call_name("/".join(identity)) == "fast"
