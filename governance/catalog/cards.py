"""One card for each model: everything that is known of it, and which source says what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from governance.catalog.catalog import Catalog
from governance.catalog.known import known_facts
from governance.catalog.modalities import CAPABILITY_KEYS, completed
from governance.catalog.providers import provider_and_model, provider_of
from governance.model.facts import ModelFacts

_KEYS: Final = {
    "display_name": "display_name",
    "mode": "mode",
    "input_usd_per_1m_tokens": "input_cost_per_token",
    "output_usd_per_1m_tokens": "output_cost_per_token",
    "cached_input_usd_per_1m_tokens": "cache_read_input_token_cost",
    "max_input_tokens": "max_input_tokens",
    "max_output_tokens": "max_output_tokens",
    "input_modalities": "supported_modalities",
    "output_modalities": "supported_output_modalities",
    "origin_provider": "origin_provider",
    "deprecation_date": "deprecation_date",
    "gone_since": "gone_since",
}


def card(catalog: Catalog, target: str) -> dict[str, Any]:
    """What is known of `provider/model`, for JSON: None is unknown. Money is in dollars per million tokens.

    `served_as` is the name under which the proxy serves it, None where it does not, "unknown" where that is unknown.
    `sources` names for each field the source that gave it.
    """
    entry, by = catalog.said(target)
    facts = known_facts(entry)
    provider, model = provider_and_model(target)
    known = {key: entry.get(name) for key, name in _KEYS.items()}
    return {
        **known,
        "model": target,
        "provider": provider or target.partition("/")[0],
        "name": model,
        "tier": catalog.sources.tiers.tier(entry),
        "input_usd_per_1m_tokens": facts.input_price,
        "output_usd_per_1m_tokens": facts.output_price,
        "cached_input_usd_per_1m_tokens": _usd_per_1m(entry.get("cache_read_input_token_cost")),
        "max_input_tokens": facts.max_input_tokens,
        "max_output_tokens": facts.max_output_tokens,
        "input_modalities": _sorted(facts.input_modalities),
        "output_modalities": _sorted(facts.output_modalities),
        "capabilities": _capabilities(facts, completed(entry)),
        "served_as": "unknown" if catalog.names is None else catalog.call_name(target),
        "sources": {
            **{key: by[name] for key, name in _KEYS.items() if name in by},
            **{name: by[key] for name, key in CAPABILITY_KEYS.items() if key in by},
        },
    }


def cards(
    catalog: Catalog,
    provider: str | None = None,
    modality: str | None = None,
    *,
    everything: bool = False,
    named: Iterable[str] = (),
) -> list[dict[str, Any]]:
    """The cards of the models that the proxy serves by name, the policy names and providers list, by name.

    Args:
        provider: only its models, then also those that only the model map knows.
        modality: only models that take or make it.
        everything: also those that only the model map knows.
        named: `provider/model` that are shown too.
    """
    targets = known_targets(catalog) if everything or provider else current_targets(catalog)
    wanted = sorted(target for target in {*targets, *named} if provider is None or target.startswith(f"{provider}/"))
    rows = (card(catalog, target) for target in wanted)
    return [row for row in rows if modality is None or _has(row, modality)]


def _has(row: Mapping[str, Any], modality: str) -> bool:
    return modality in (row["input_modalities"] or ()) or modality in (row["output_modalities"] or ())


def known_targets(catalog: Catalog) -> Iterator[str]:
    """Every `provider/model` that any source knows, each once."""
    seen: set[str] = set()
    for target in (*_served(catalog), *catalog.sources.overrides, *catalog.sources.discovered, *_mapped(catalog)):
        if target not in seen:
            seen.add(target)
            yield target


def current_targets(catalog: Catalog) -> Iterator[str]:
    """Those that the proxy serves by name, and those that the policy and the providers name."""
    return iter(dict.fromkeys((*_served(catalog), *catalog.sources.overrides, *catalog.sources.discovered)))


def _served(catalog: Catalog) -> Iterable[str]:
    for name in catalog.names or ():
        if "*" not in name:
            for provider, model in catalog.served_by(name):
                if provider:
                    yield f"{provider}/{model}"


def _mapped(catalog: Catalog) -> Iterator[str]:
    model_map = catalog.sources.model_map
    for name, entry in model_map.items():
        provider = provider_of(name, model_map) if isinstance(entry, Mapping) else ""
        if provider:
            yield name if name.startswith(f"{provider}/") else f"{provider}/{name}"


def _capabilities(facts: ModelFacts, entry: Mapping[str, Any]) -> dict[str, bool | None]:
    """What it can do; None where that is unknown, also where it is taken for granted until somebody denies it."""
    able = facts.capabilities or frozenset[str]()
    silent = facts.capabilities is None
    return {
        name: None if entry.get(key) is None and (silent or name in facts.unsaid or name in able) else name in able
        for name, key in CAPABILITY_KEYS.items()
    }


def _sorted(modalities: frozenset[str] | None) -> list[str] | None:
    return None if modalities is None else sorted(modalities)


def _usd_per_1m(usd: Any) -> float | None:
    return round(usd * 1_000_000, 6) if isinstance(usd, (int, float)) else None
