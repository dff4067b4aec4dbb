"""Secrets that are written out in a policy. What is kept for ever and read by others names them, as `${NAME}`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel, RootModel, SecretStr

from governance.policy.document import Policy
from governance.policy.nodes import Path

_REFERENCE: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
# The password of a URL's authority (RFC 3986, section 3.2.1).
_PASSWORD: Final = re.compile(r"://[^/?#\s@]*:([^/?#\s@]+)@")
_NAME_IT: Final = "write ${NAME}, and set that variable for every proxy"


def literal_secrets(policy: Policy, written: Any) -> Iterator[tuple[Path, str]]:
    """Each secret that stands there itself, with its path. No message repeats one.

    Args:
        written: the values as the document has them, without what wraps a policy in the gateway plugin's format.
    """
    for path in (*_secret_fields(policy.core, ()), *_secret_sections(policy)):
        text = _at(written, path)
        if isinstance(text, str) and not _REFERENCE.search(text):
            yield path, f"is a secret; in the store it would be kept for ever: {_NAME_IT}"
    for path, text in _texts(written, ()):
        if any(not _REFERENCE.search(password) for password in _PASSWORD.findall(text)):
            yield path, f"holds a password, which the store would keep for ever: {_NAME_IT}"


def _secret_sections(policy: Policy) -> Iterator[Path]:
    for name, section in policy.sections.items():
        yield from _secret_fields(section, (name,))


def _secret_fields(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, SecretStr):
        yield path
    elif isinstance(value, RootModel):
        yield from _secret_fields(value.root, path)
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from _secret_fields(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _secret_fields(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from _secret_fields(item, (*path, i))


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _texts(item, (*path, i))


def _at(value: Any, path: Path) -> Any:
    for part in path:
        try:
            value = value[part]
        except (LookupError, TypeError):
            return None
    return value
