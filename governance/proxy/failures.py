"""What kind of failure an exception of LiteLLM is."""

from __future__ import annotations

import math
import time
from email.utils import parsedate_to_datetime
from typing import Any

from litellm import exceptions

from governance.model import Failure

# Most telling first: several of these inherit from one another.
_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.ContentPolicyViolationError, "content_policy"),
    (exceptions.ContextWindowExceededError, "context_window_exceeded"),
    (exceptions.UnsupportedParamsError, "unsupported"),
    (exceptions.RateLimitError, "rate_limited"),
    (exceptions.Timeout, "timeout"),
    (exceptions.AuthenticationError, "auth"),
    (exceptions.PermissionDeniedError, "auth"),
    (exceptions.NotFoundError, "not_found"),
    (exceptions.ServiceUnavailableError, "overloaded"),
    (exceptions.BadRequestError, "invalid_request"),
    (exceptions.InternalServerError, "server_error"),
)


def failure_of(error: BaseException) -> Failure:
    """The failure of one attempt, by class where LiteLLM knows it and by status otherwise."""
    status = _status(error)
    # LiteLLM's own word for an endpoint that it cannot reach at this provider; no provider has seen the request.
    if "Unmapped LLM provider" in str(error):
        return Failure("unsupported", status)
    kind = next((kind for known, kind in _KINDS if isinstance(error, known)), None) or _kind_of(status)
    return Failure(kind, status, _retry_after_s(error))


def of_provider(error: BaseException) -> bool:
    """Whether an error that a caller got is a provider's, and not one of a guardrail or limiter in the proxy."""
    return bool(getattr(error, "llm_provider", None)) and getattr(error, "llm_provider", None) != "governance"


def _status(error: BaseException) -> int | None:
    try:
        return int(getattr(error, "status_code", None) or getattr(error, "code", None) or 0) or None
    except (TypeError, ValueError):
        return None


def _kind_of(status: int | None) -> str:
    if status is None:
        return "unknown"
    exact = {
        401: "auth",
        403: "auth",
        404: "not_found",
        408: "timeout",
        429: "rate_limited",
        503: "overloaded",
        529: "overloaded",
    }
    return exact.get(status) or ("server_error" if status >= 500 else "invalid_request" if status >= 400 else "unknown")


def _seconds(value: str) -> float | None:
    """Seconds or an HTTP date. Source: RFC 9110, section 10.2.3."""
    try:
        return max(0.0, float(value)) if math.isfinite(float(value)) else None
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def _retry_after_s(error: Any) -> float | None:
    answered = getattr(getattr(error, "response", None), "headers", None)
    for headers in (getattr(error, "litellm_response_headers", None), answered, getattr(error, "headers", None)):
        value = headers.get("retry-after") if headers is not None and hasattr(headers, "get") else None
        seconds = _seconds(str(value)) if value is not None else None
        if seconds is not None:
            return seconds
    return None
