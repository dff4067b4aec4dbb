"""What is known of some targets as one hash: the same wherever they are known to be the same."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256
from typing import Any

from governance.model import Models


def inputs_hash(models: Models, names: Collection[str]) -> str:
    """`sha256:…` of prices, limits and abilities of these targets; the same wherever they are known to be the same."""
    facts = {name: _plain(models.facts(name)) for name in names}
    return f"sha256:{sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()}"


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        told = ((each.name, _plain(getattr(value, each.name))) for each in fields(value))
        return {name: each for name, each in told if each is not None}
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return list(map(_plain, value))
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
