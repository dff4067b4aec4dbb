"""LiteLLM's model map, read as facts."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from governance.model import MICROS_PER_USD, ModelFacts

_CAPABILITY_KEYS: Final = {
    "vision": ("supports_vision", "supports_image_input"),
    "audio_input": ("supports_audio_input",),
    "video_input": ("supports_video_input",),
    "pdf_input": ("supports_pdf_input",),
    "tools": ("supports_function_calling",),
}
# Where the map says nothing of these, models often have them all the same: only a plain "false" counts.
_ASSUMED: Final = {"structured_output": "supports_response_schema", "reasoning": "supports_reasoning"}


@cache
def installed_prices() -> Mapping[str, Any]:
    """The model map that ships with the installed LiteLLM, without importing LiteLLM; empty when there is none."""
    spec = importlib.util.find_spec("litellm")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        try:
            text = (Path(folder) / "model_prices_and_context_window_backup.json").read_bytes()
            found: Mapping[str, Any] = json.loads(text)
            return found
        except (OSError, ValueError):
            continue
    return {}


def price_entry(prices: Mapping[str, Any], target: str) -> Mapping[str, Any] | None:
    """The map's entry for `provider/model`: under its full name, or under the model's if the provider is the same."""
    entry = prices.get(target)
    if isinstance(entry, Mapping):
        return entry
    provider, _, model = target.partition("/")
    entry = prices.get(model)
    if (
        isinstance(entry, Mapping)
        and str(entry.get("litellm_provider", "")).split("-", 1)[0] == provider.split("-", 1)[0]
    ):
        return entry
    return None


def facts_of(entry: Mapping[str, Any]) -> ModelFacts:
    """Facts from one entry of the model map (or of a deployment, which uses the same keys)."""
    known = {name for name, keys in _CAPABILITY_KEYS.items() if any(entry.get(key) for key in keys)}
    known |= {name for name, key in _ASSUMED.items() if entry.get(key) is not False}
    says_anything = "litellm_provider" in entry or any(key.startswith("supports_") for key in entry)
    return ModelFacts(
        capabilities=frozenset(known) if says_anything else None,
        max_input_tokens=_count(entry.get("max_input_tokens")),
        max_output_tokens=_count(entry.get("max_output_tokens")),
        input_price=_price(entry.get("input_cost_per_token")),
        output_price=_price(entry.get("output_cost_per_token")),
    )


def _count(value: Any) -> int | None:
    try:
        return int(value) if value is not None and int(value) > 0 else None
    except (TypeError, ValueError):
        return None


def _price(value: Any) -> float | None:
    try:
        return None if value is None else float(value) * MICROS_PER_USD
    except (TypeError, ValueError):
        return None
