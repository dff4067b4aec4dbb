"""LiteLLM's model map, read as facts."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from governance.model.facts import ATTOS_PER_MICRO, ModelFacts, Prices, attos
from governance.model.token_prices import TokenPrices, token_prices

_CAPABILITY_KEYS: Final = {
    "vision": ("supports_vision", "supports_image_input"),
    "audio_input": ("supports_audio_input",),
    "video_input": ("supports_video_input",),
    "pdf_input": ("supports_pdf_input",),
    "tools": ("supports_function_calling",),
}
# Where the map says nothing of these, models often have them all the same: only a plain "false" counts.
_ASSUMED: Final = {"structured_output": "supports_response_schema", "reasoning": "supports_reasoning"}

_TOKEN_KEYS: Final = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached": "cache_read_input_token_cost",
    "cached_audio": "cache_read_input_audio_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
    "audio_input": "input_cost_per_audio_token",
    "image_input": "input_cost_per_image_token",
    "video_input": "input_cost_per_video_token",
    "reasoning": "output_cost_per_reasoning_token",
    "audio_output": "output_cost_per_audio_token",
    "image_output": "output_cost_per_image_token",
    "video_output": "output_cost_per_video_token",
}
_SERVICE_TIERS: Final = ("priority", "flex", "balanced", "ultrafast")
# `_above_1hr` is how long a cache is kept and no length of a prompt; a tier's name may follow, batches are not served.
_ABOVE: Final = re.compile(rf"^\w+?_above_(\d+)(k?)_tokens(?:_(?:{'|'.join(_SERVICE_TIERS)}))?$")
_FIREWORKS_CACHED_SHARE: Final = 2
# By the size of an image and the resolution of a video; the dearest is what it may cost.
_BY_SIZE: Final = re.compile(r"output_cost_per_(?:image_[0-9.]+K?|second_\w+)")
_UNSIZED: Final = {"image": "output_cost_per_image", "second": "output_cost_per_second"}
# What no usage tells us and LiteLLM knows: where it was made, how fast, how long a cache was kept, seconds in a prompt.
_MORE: Final = re.compile(
    r"(regional_\w+|fedramp)_uplift_multiplier\w*|(explicit_)?cache_\w+_(above_12hr|image_token_cost)\w*"
    r"|explicit_cache_read_input_token_cost|input_cost_per_(audio|video)_per_second\w*|citation_cost_per_token"
)
_MULTIPLIERS: Final = "provider_specific_entry"


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
    # Providers take a name in any case; the map has most of them in lower case.
    return price_entry(prices, target.lower()) if target != target.lower() else None


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
        prices=prices_of(entry),
    )


def prices_of(entry: Mapping[str, Any]) -> Prices:
    """Everything one entry says it is billed by.

    Source: LiteLLM litellm_core_utils/llm_cost_calc/utils.py; keys for batches and for regions are left out.
    """
    provider = entry.get("litellm_provider")
    if provider == "fireworks_ai":
        entry = _with_cache_price(entry)
    if "input_cost_per_video_per_second" in entry and not _says(entry, _TOKEN_KEYS["input"]):
        # Only what it makes is billed by tokens.
        entry = {**entry, _TOKEN_KEYS["input"]: 0}
    # xAI bills the dearer step from the threshold on, the others above it.
    inclusive = 1 if provider == "xai" else 0
    per_second = _dearest(entry, "second") or attos(entry.get("output_cost_per_video_per_second"))
    by_time = attos(entry.get("input_cost_per_second")) or attos(entry.get("cost_per_second"))
    by_character = [attos(entry.get("input_cost_per_character"))]
    if entry.get("mode") == "chat":
        by_character.append(attos(entry.get("output_cost_per_character")))
    image_out = _dearest(entry, "image")
    if image_out is None and entry.get("mode") in ("image_generation", "image_edit"):
        image_out = attos(entry.get("input_cost_per_image"))
    tiers = [tier for tier in _SERVICE_TIERS if any(key.endswith(f"_{tier}") for key in entry)]
    return Prices(
        tokens=_steps(entry, "", inclusive),
        by_tier=MappingProxyType({tier: _steps(entry, f"_{tier}", inclusive) for tier in tiers}),
        image_in=attos(entry.get("input_cost_per_image")),
        image_out=image_out,
        pixel_out=attos(entry.get("output_cost_per_pixel")) or attos(entry.get("input_cost_per_pixel")),
        second=per_second or by_time,
        character=max((price for price in by_character if price is not None), default=None),
        query=_dearest_query(entry),
        page=attos(entry.get("ocr_cost_per_page")),
        annotated_page=attos(entry.get("annotation_cost_per_page")),
        credit=attos(entry.get("ocr_cost_per_credit")),
        varies="off_peak_pricing" in entry or any(map(_BY_SIZE.fullmatch, entry)) or bool(_query_prices(entry)),
        more=any(map(_MORE.fullmatch, entry)) or _has_multiplier(entry),
    )


def _dearest(entry: Mapping[str, Any], piece: str) -> int | None:
    """Atto-dollars for an image or a second at the dearest size or resolution; None where it has no such price."""
    plain = _UNSIZED[piece]
    names = [plain, *(key for key in entry if key.startswith(f"{plain}_") and _BY_SIZE.fullmatch(key))]
    return max((price for name in names if (price := attos(entry.get(name))) is not None), default=None)


def _query_prices(entry: Mapping[str, Any]) -> list[int]:
    """By how many results are wanted, where that matters."""
    table = entry.get("tiered_pricing")
    rows = [row for row in table if isinstance(row, Mapping)] if isinstance(table, list) else []
    return [price for row in rows if (price := attos(row.get("input_cost_per_query"))) is not None]


def _dearest_query(entry: Mapping[str, Any]) -> int | None:
    return max(_query_prices(entry), default=attos(entry.get("input_cost_per_query")))


def _has_multiplier(entry: Mapping[str, Any]) -> bool:
    given = entry.get(_MULTIPLIERS)
    return isinstance(given, Mapping) and any(isinstance(given.get(name), (int, float)) for name in ("us", "fast"))


def _steps(entry: Mapping[str, Any], tier: str, inclusive: int) -> tuple[tuple[int, TokenPrices], ...]:
    ranges = _ranges(entry)
    if ranges:
        return ranges
    above = {
        (int(found[1]) * (1000 if found[2] else 1)): found[1] + found[2] for found in map(_ABOVE.match, entry) if found
    }
    steps = [(-1, _tokens(entry, tier, ()))]
    for threshold in sorted(above):
        passed = tuple(above[lower] for lower in sorted(above, reverse=True) if lower <= threshold)
        steps.append((threshold - inclusive, _tokens(entry, tier, passed)))
    return tuple(reversed(steps))


def _tokens(entry: Mapping[str, Any], tier: str, passed: tuple[str, ...]) -> TokenPrices:
    """Prices above the thresholds `passed`, the highest first; what a tier does not price costs the standard price."""
    found = {}
    for kind, key in _TOKEN_KEYS.items():
        names = [f"{key}_above_{length}_tokens{suffix}" for length in passed for suffix in dict.fromkeys((tier, ""))]
        priced = (attos(entry.get(name)) for name in (*names, key + tier, key))
        found[kind] = next((price for price in priced if price is not None), None)
    if tier and _says(entry, _TOKEN_KEYS["output"] + tier) and not _says(entry, _TOKEN_KEYS["reasoning"] + tier):
        found["reasoning"] = None
    return token_prices(**found)


def _ranges(entry: Mapping[str, Any]) -> tuple[tuple[int, TokenPrices], ...]:
    """The table form of prices by the length of a prompt: the whole request is billed at the prices of its range."""
    table = entry.get("tiered_pricing")
    steps = []
    for row in table if isinstance(table, list) else ():
        bounds = row.get("range") if isinstance(row, Mapping) else None
        if isinstance(bounds, list) and len(bounds) == 2 and _says(row, "input_cost_per_token"):
            own = {"output_cost_per_token": entry.get("output_cost_per_token")}
            steps.append((int(bounds[0]), _tokens({**own, **row}, "", ())))
    steps.sort(key=lambda step: -step[0])
    return (*steps[:-1], (-1, steps[-1][1])) if steps else ()


def _with_cache_price(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fireworks' rule for models without a cache price of their own: half of the input's."""
    price = attos(entry.get("input_cost_per_token"))
    if price is None or _says(entry, _TOKEN_KEYS["cached"]):
        return entry
    return {**entry, _TOKEN_KEYS["cached"]: Decimal(price) / _FIREWORKS_CACHED_SHARE / 10**18}


def _says(entry: Mapping[str, Any], key: str) -> bool:
    return attos(entry.get(key)) is not None


def _count(value: Any) -> int | None:
    try:
        return int(value) if value is not None and int(value) > 0 else None
    except (TypeError, ValueError):
        return None


def _price(usd_per_token: Any) -> float | None:
    price = attos(usd_per_token)
    return None if price is None else price / ATTOS_PER_MICRO
