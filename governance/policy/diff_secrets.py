"""Values as a plan may show them: `${NAME}` as it is written, and nothing of a secret that stands there itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import SecretStr

HIDDEN: Final = "********"
_REFERENCE: Final = re.compile(r"(?<!\$)\$\{[^}]*\}")
_NAMES_A_SECRET: Final = re.compile(
    r"(?:^|[_-])(?:secret|password|passwd|passphrase|api[_-]?key|token)$", re.IGNORECASE
)
_PASSWORD: Final = re.compile(r"(?<=://)([^/@\s:]*):([^/@\s]+)@")


def shown(value: Any, model: Any = None, key: str = "") -> Any:
    """A value of a document without its secrets.

    Args:
        model: what validation has made of it, where that is known: what it holds as a secret is one.
        key: under which key it stands.
    """
    if isinstance(value, dict):
        return {name: shown(each, _inside(model, name), name) for name, each in value.items()}
    if isinstance(value, list):
        return [shown(each, _inside(model, i), key) for i, each in enumerate(value)]
    if not isinstance(value, str):
        return value
    if isinstance(model, SecretStr) or _NAMES_A_SECRET.search(key):
        return value if _REFERENCE.search(value) else HIDDEN
    return _PASSWORD.sub(lambda found: found[0] if _REFERENCE.search(found[2]) else f"{found[1]}:{HIDDEN}@", value)


def _inside(model: Any, step: str | int) -> Any:
    """The part of a validated value under this key; None where it goes by another name there."""
    model = getattr(model, "root", model)
    if isinstance(step, int):
        return model[step] if isinstance(model, (list, tuple)) and step < len(model) else None
    return model.get(step) if isinstance(model, Mapping) else getattr(model, step, None)


def at(model: Any, path: tuple[str | int, ...]) -> Any:
    """The part of a validated value at this path; None where there is none."""
    for step in path:
        model = _inside(model, step)
    return model
