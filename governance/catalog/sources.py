"""What the sources say of a model, put together field by field: of two that disagree, the more trusted one wins."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from governance.catalog.prices import price_entry
from governance.catalog.providers import provider_of
from governance.catalog.reasoning import refused
from governance.catalog.sized import sized_entries
from governance.catalog.tiers import Tiers

Entry = Mapping[str, Any]
Entries = Mapping[str, Entry]

NO_ENTRIES: Final[Entries] = MappingProxyType({})

POLICY: Final = "policy"
DEPLOYMENT: Final = "deployment"
DISCOVERY: Final = "discovery"
MODEL_MAP: Final = "model map"
ELSEWHERE: Final = "model map, other providers"
FALLBACK: Final = "built-in list"
"""Who says what, most trusted first."""

# A price that is given replaces its variants (for long prompts, service tiers, …) of less trusted sources too.
_PRICES: Final = ("input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost")
_ALSO: Final = {
    "output_cost_per_reasoning_token": "output_cost_per_token",
    "tiered_pricing": "input_cost_per_token",
    "off_peak_pricing": "input_cost_per_token",
}
_REASONS: Final = "supports_reasoning"
OLLAMA: Final = frozenset({"ollama", "ollama_chat"})
_DATE: Final = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8})$")


class Said(NamedTuple):
    """What is known of a model, in the keys of LiteLLM's model map, and who says each of it."""

    entry: Entry
    by: Mapping[str, str]


@cache
def built_in() -> Entries:
    """Models that LiteLLM's map has dropped or may be missing from, with what they were last sold for."""
    found: Entries = json.loads(files("governance.catalog").joinpath("built_in.json").read_text("utf-8"))
    return found


class Sources:
    """All that is known of models, whoever serves them.

    Args:
        model_map: LiteLLM's.
        discovered: what providers list, by `provider/model`.
        overrides: what the policy says, by `provider/model`.
    """

    def __init__(
        self, model_map: Mapping[str, Any], discovered: Entries = NO_ENTRIES, overrides: Entries = NO_ENTRIES
    ) -> None:
        self.model_map, self.discovered, self.overrides = model_map, discovered, overrides

    def said(self, names: Sequence[str], deployment: Entry = NO_ENTRIES) -> Said:
        """What is said of a model.

        Args:
            names: `provider/model`, the best name first; a source tells what it says of the first one it knows.
            deployment: what the proxy's own configuration says of it.
        """
        discovered = _first(self._discovered, names)
        mapped = _first(lambda name: price_entry(self.model_map, name), names)
        mapped = mapped or _first(lambda name: price_entry(self._sized, name), names)
        layers = [
            (POLICY, _first(self.overrides.get, names)),
            (DEPLOYMENT, deployment),
            (DISCOVERY, discovered),
            (MODEL_MAP, mapped),
        ]
        if not mapped:
            # What the map leaves out of a model that it has, it denies; so nothing completes it.
            layers += [(FALLBACK, _first(built_in().get, names))]
            layers += [(ELSEWHERE, self._elsewhere(names[0]))] if discovered else []
        said = _merged(layers)
        if mapped and _REASONS not in said.entry and refused(names[0], str(mapped.get("litellm_provider", ""))):
            # The silence of the map is LiteLLM's own "no".
            return Said({**said.entry, _REASONS: False}, {**said.by, _REASONS: MODEL_MAP})
        return said

    def _discovered(self, name: str) -> Entry | None:
        provider, _, model = name.partition("/")
        if provider in OLLAMA:
            # LiteLLM has two ways to ask it, and a model without a tag is the latest one.
            names = (f"ollama/{model}", f"ollama/{model}:latest")
            return next((found for each in names if (found := self.discovered.get(each))), None)
        return self.discovered.get(name)

    def provider_of(self, model: str) -> str:
        """The provider of a bare model name: the model map's, else the only one that lists such a model, else ""."""
        listed_by = self._listed_by.get(model, ())
        return provider_of(model, self.model_map) or ("".join(listed_by) if len(listed_by) == 1 else "")

    @cached_property
    def tiers(self) -> Tiers:
        """What is cheap and what is expensive, by the model map."""
        return Tiers(self.model_map)

    def _elsewhere(self, name: str) -> Entry:
        """What the model map says of a model of this name at other providers, where they all agree.

        Only what a model is, wherever it is served, and never what it is sold for.
        """
        bare = name.rsplit("/", 1)[-1].lower()
        for candidate in (bare, bare.replace(":", "-"), bare.partition(":")[0]):
            entries = self._by_bare_name.get(candidate)
            if entries:
                modes = {entry.get("mode") for entry in entries}
                sees = all(entry.get("supports_vision") is True for entry in entries)
                return {"mode": modes.pop() if len(modes) == 1 else None, "supports_vision": True if sees else None}
        return NO_ENTRIES

    @cached_property
    def _sized(self) -> Entries:
        return sized_entries(self.model_map)

    @cached_property
    def _by_bare_name(self) -> dict[str, list[Entry]]:
        by_name: dict[str, list[Entry]] = {}
        for name, entry in self.model_map.items():
            if isinstance(entry, Mapping):
                bare = name.rsplit("/", 1)[-1].lower()
                # A name without a date is that of the snapshots with one.
                for each in {bare, _DATE.sub("", bare)}:
                    by_name.setdefault(each, []).append(entry)
        return by_name

    @cached_property
    def _listed_by(self) -> dict[str, set[str]]:
        listed_by: dict[str, set[str]] = {}
        for target, entry in self.discovered.items():
            if "gone_since" not in entry:
                provider, _, model = target.partition("/")
                listed_by.setdefault(model, set()).add(provider)
        return listed_by


def _first(get: Any, names: Sequence[str]) -> Entry:
    for name in names:
        found = get(name)
        if found:
            entry: Entry = found
            return entry
    return NO_ENTRIES


def _merged(layers: Iterable[tuple[str, Entry]]) -> Said:
    entry: dict[str, Any] = {}
    by: dict[str, str] = {}
    for source, says in layers:
        decided = tuple(key for key in _PRICES if key in entry)
        for key, value in says.items():
            if value is None or key in entry:
                continue
            if decided and (_ALSO.get(key) in decided or key.startswith(tuple(f"{price}_" for price in decided))):
                continue
            entry[key], by[key] = value, source
    return Said(entry, by)
