"""Copies of plain values."""

from __future__ import annotations

import copy
import marshal
from typing import Any


def deep_copy(value: Any, memo: dict[int, Any] | None = None) -> Any:
    """`copy.deepcopy`, at once for what is made of dicts, lists, texts and numbers alone."""
    if memo is None and type(value) in (dict, list):
        known = packed(value)
        if known is not None:
            return marshal.loads(known)  # noqa: S302 - packed here
    return copy.deepcopy(value, memo)


def packed(value: Any) -> bytes | None:
    """As `marshal` writes it; None for what is not plain."""
    try:
        return marshal.dumps(value)
    except ValueError:  # an object of some class is in it
        return None
