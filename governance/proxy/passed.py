"""Usage in an answer that LiteLLM has passed on without reading it: of hosts it does not know, and of most streams."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

# A quotation in what a model says has a backslash before each quote, and is none of these.
_USAGE: Final = re.compile(r'(?<!\\)"(?:usage|usageMetadata)"\s*:\s*(?=\{)')
# Of a long answer, the usage is at the end; of a stream, the prompt's is at the beginning.
_LONGEST: Final = 1_000_000
_LONGEST_USAGE: Final = 16_000
_MOST: Final = 2_000
_DECODER: Final = json.JSONDecoder()


def told_in(answer: Any) -> list[Mapping[str, Any]]:
    """Every usage in the text of an answer, as its provider wrote it; none where the text was not kept.

    Args:
        answer: LiteLLM's `StandardPassThroughResponseObject`, or httpx's response.
    """
    return list(_usages(_text(answer)))


def _usages(text: str) -> Iterator[Mapping[str, Any]]:
    for found in islice(_USAGE.finditer(text), _MOST):
        try:
            usage, _ = _DECODER.raw_decode(text[found.end() : found.end() + _LONGEST_USAGE])
        except (ValueError, RecursionError):
            continue
        if isinstance(usage, Mapping):
            yield usage


def _text(answer: Any) -> str:
    said = answer.get("response") if isinstance(answer, Mapping) else None
    if isinstance(said, Mapping):
        said = json.dumps(said, default=str)
    if said is None:
        try:
            said = getattr(answer, "text", None)
        except RuntimeError:  # httpx: a stream that nobody has read
            return ""
    if not isinstance(said, str):
        return ""
    return said if len(said) <= _LONGEST else said[: _LONGEST // 2] + "\n" + said[-_LONGEST // 2 :]
