"""What a caller may have put into the HTTP request of a provider: in headers, in an address, as a key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

# Of header values httpx and aiohttp each take a part of what RFC 9110 allows; both take these.
_VALUE: Final = re.compile(r"[\t -~]*")
# Source: RFC 9110, section 5.6.2 (token).
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VISIBLE: Final = re.compile(r"[!-~]+")
# LiteLLM puts there what the operator's environment or its own identity holds.
_REFERENCES: Final = ("os.environ/", "oidc/")
# Where a request ends and to whom it goes is the client's to say: others' requests follow on the same connection.
_FRAMING: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect"}
    | {"proxy-connection", "proxy-authorization"}
)


def is_reference(value: Any) -> bool:
    """Whether LiteLLM might put something of the operator's in the place of a text."""
    return isinstance(value, str) and value.startswith(_REFERENCES)


def is_visible(value: Any) -> bool:
    """A key, an address or a version: never empty, for LiteLLM puts one of the operator's in the place of nothing."""
    return isinstance(value, str) and _VISIBLE.fullmatch(value) is not None and not is_reference(value)


def are_headers(value: Any) -> bool:
    """Headers that a client can write, and that do not say where the request ends."""
    return isinstance(value, Mapping) and all(_is_header(name, said) for name, said in value.items())


def are_headers_for_providers(value: Any) -> bool:
    """LiteLLM's `provider_specific_header`: for one provider, or a list of them."""
    entries = value if isinstance(value, list) else [value]
    return all(isinstance(entry, Mapping) and _is_for_provider(entry) for entry in entries)


def _is_for_provider(entry: Mapping[Any, Any]) -> bool:
    headers = entry.get("extra_headers")
    return isinstance(entry.get("custom_llm_provider"), str) and (headers is None or are_headers(headers))


def _is_header(name: Any, value: Any) -> bool:
    written = isinstance(name, str) and isinstance(value, str)
    return (
        written
        and _NAME.fullmatch(name) is not None
        and name.lower() not in _FRAMING
        and _VALUE.fullmatch(value) is not None
        and not is_reference(value)
    )
