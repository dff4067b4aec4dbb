from __future__ import annotations

import json
from pathlib import Path

import litellm

from governance.catalog import PROVIDERS, Catalog, installed_prices


def test_the_list_of_providers_is_that_of_the_installed_litellm() -> None:
    served = {getattr(provider, "value", provider) for provider in litellm.provider_list}
    like_openai = json.loads(
        (Path(litellm.__file__).parent / "llms" / "openai_like" / "providers.json").read_text("utf-8")
    )

    assert {str(name).lower() for name in served | set(like_openai)} == PROVIDERS


def test_the_models_own_map_is_found_without_importing_litellm() -> None:
    facts = Catalog(None, installed_prices()).facts("openai/gpt-4o")

    assert facts.capabilities is not None
    assert facts.capabilities >= {"vision", "tools"}
    assert facts.max_input_tokens == 128_000
