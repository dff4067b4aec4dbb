"""How long a provider says to wait: in a header, in the details of its error, or in its words alone."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Final

# Google's error details. Source: google.rpc.RetryInfo.
_RETRY_INFO: Final = re.compile(r"retryDelay\W+(\d{1,9}(?:\.\d+)?)s", re.IGNORECASE)
# "Please try again in 1m2.5s" (OpenAI, Groq), "retry in 34.07s" (Gemini), "Please retry after 60 seconds" (Azure).
_SPOKEN: Final = re.compile(
    r"(?:try again|retry)(?: again)? (?:in|after) "
    r"(?:(\d{1,4})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,9}(?:\.\d+)?) ?(ms|s\b|seconds?|milliseconds?))?",
    re.IGNORECASE,
)
# "You will regain access on 2026-12-01 at 00:00 UTC" (Anthropic).
_UNTIL: Final = re.compile(r"regain access on (\d{4}-\d{2}-\d{2})(?: at (\d{2}:\d{2}))?", re.IGNORECASE)


def retry_after_s(chain: Iterable[BaseException], text: str) -> float | None:
    """Seconds until the provider wants to be asked again; None where it does not say.

    Args:
        chain: an exception and those that it was made from. text: what they say.
    """
    for error in chain:
        said = _of_headers(error)
        if said is not None:
            return said
    return _of_words(text)


def _of_headers(error: Any) -> float | None:
    answered = getattr(getattr(error, "response", None), "headers", None)
    for headers in (getattr(error, "litellm_response_headers", None), answered, getattr(error, "headers", None)):
        if headers is None or not hasattr(headers, "get"):
            continue
        # OpenAI's and Azure's, more exact than the whole seconds beside it.
        exact = _number(str(headers.get("retry-after-ms")))
        if exact is not None:
            return exact / 1000
        value = headers.get("retry-after")
        seconds = _seconds(str(value)) if value is not None else None
        if seconds is not None:
            return seconds
    return None


def _of_words(text: str) -> float | None:
    if found := _RETRY_INFO.search(text):
        return float(found[1])
    if found := _UNTIL.search(text):
        try:
            until = datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}").replace(tzinfo=timezone.utc)
        except ValueError:
            return None
        return max(0.0, until.timestamp() - time.time())
    found = _SPOKEN.search(text)
    if found is None or not any(found.groups()[:3]):
        return None
    hours, minutes, seconds, unit = found.groups()
    rest = float(seconds or 0) / (1000 if (unit or "").lower().startswith("m") else 1)
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + rest


def _seconds(value: str) -> float | None:
    """Seconds or an HTTP date. Source: RFC 9110, section 10.2.3."""
    number = _number(value)
    if number is not None:
        return number
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def _number(value: str) -> float | None:
    try:
        return max(0.0, float(value)) if math.isfinite(float(value)) else None
    except ValueError:
        return None
