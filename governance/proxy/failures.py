"""What kind of failure an exception of LiteLLM is."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from json import JSONDecodeError
from traceback import walk_tb
from typing import Any, Final

import httpcore
import httpx
import openai
from litellm import exceptions

from governance.model import Failure

# LiteLLM's words when it breaks off a stream (streaming_handler.py, raise_on_model_repetition).
_REPEATING: Final = "is repeating the same chunk"
# Providers' words for a single request that is larger than what they allow in a minute.
_TOO_LARGE: Final = re.compile(
    r"(request|prompt|input|message|payload|entity)s?[ _]((is|are)[ _])?too[ _](large|long)|must be reduced"
    r"|reduce (the length|the size|the number|your)|too many (input )?tokens in (the|this|your)",
    re.IGNORECASE,
)
_ASKED: Final = re.compile(r"limit:? ?(\d[\d,]{0,15}).{0,80}?requested:? ?(\d[\d,]{0,15})", re.IGNORECASE | re.DOTALL)
# An answer came, or could not be had. Most providers' own exceptions are made from these.
_OF_NETWORK: Final = (httpx.HTTPError, openai.APIError, OSError, TimeoutError, asyncio.TimeoutError)
_TIMEOUTS: Final = (exceptions.Timeout, httpx.TimeoutException, openai.APITimeoutError, TimeoutError)
_NETWORK_MODULES: Final = ("aiohttp", "botocore", "httpcore", "ssl")
# What a program raises that did not expect a value.
_OF_PROGRAMS: Final = (TypeError, AttributeError, LookupError, ValueError, AssertionError, ArithmeticError)

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
    if _is_too_large(error, status):
        # Of this one request; the next one may be shorter.
        return Failure("context_window_exceeded", status)
    kind = next((kind for known, kind in _KINDS if isinstance(error, known)), None) or _kind_of(status)
    return Failure(kind, status, _retry_after_s(error))


def _is_too_large(error: BaseException, status: int | None) -> bool:
    # LiteLLM makes a 400 of some providers' 413.
    if any(_status(link) == 413 for link in _chain(error)):
        return True
    text = str(error) if status == 429 else ""
    asked = _ASKED.search(text)
    more = asked is not None and int(asked[2].replace(",", "")) > int(asked[1].replace(",", ""))
    return more or _TOO_LARGE.search(text) is not None


def of_provider(error: BaseException) -> bool:
    """Whether an error that a caller got is a provider's, and not one of a guardrail or limiter in the proxy."""
    return bool(getattr(error, "llm_provider", None)) and getattr(error, "llm_provider", None) != "governance"


def made_here(error: BaseException, *, sent: bool) -> bool:
    """Whether LiteLLM failed over the request before any provider had it: the caller's mistake, not a target's.

    What LiteLLM raises on purpose (unsupported parameters, a prompt that is too long, missing credentials) is about the
    target, and is none of this.

    Args:
        sent: LiteLLM has said that the request is on its way; what fails then is an answer, but for a body that cannot
            be written as JSON.
    """
    chain = list(_chain(error))
    if any(map(_unwritten, chain)):
        return True
    if any(map(_of_network, chain)):
        return False
    if any(isinstance(link, (UnicodeError, RecursionError)) or "not JSON compliant" in str(link) for link in chain):
        return True
    first = chain[-1]
    # Its router says "no deployments available" with a ValueError of its own.
    stumbled = isinstance(first, _OF_PROGRAMS) and not isinstance(first, JSONDecodeError) and not _litellms(first)
    return not sent and stumbled


def aborted_here(error: BaseException) -> bool:
    """Whether LiteLLM itself broke off a stream that went well as far as its provider knows."""
    return any(isinstance(link, _TIMEOUTS) or _REPEATING in str(link) for link in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception, and those that it was made from, the first of them last.

    LiteLLM tries a fallback while it handles the failure before it, so Python takes that one for a cause too: behind
    what was raised first, LiteLLM's own exceptions begin anew.
    """
    seen: set[int] = set()
    link: BaseException | None = error
    raised_by_others = False
    while link is not None and id(link) not in seen:
        if not _litellms(link):
            raised_by_others = True
        elif raised_by_others:
            return
        seen.add(id(link))
        yield link
        original = getattr(link, "original_exception", None)
        link = link.__cause__ or link.__context__ or (original if isinstance(original, BaseException) else None)


def _unwritten(link: BaseException) -> bool:
    """Whether a request could not be put into HTTP, such as a header's value with a line break, or that is no text."""
    if isinstance(link, (httpx.LocalProtocolError, httpcore.LocalProtocolError)):
        return True
    *_, last = (None, *walk_tb(link.__traceback__))
    return isinstance(link, TypeError) and last is not None and last[0].f_globals.get("__name__", "")[:6] == "httpx."


def _of_network(link: BaseException) -> bool:
    # LiteLLM's exceptions are made from those of OpenAI's client, whatever happened.
    if _litellms(link):
        return False
    return isinstance(link, _OF_NETWORK) or type(link).__module__.startswith(_NETWORK_MODULES)


def _litellms(link: BaseException) -> bool:
    return type(link).__module__.partition(".")[0] == "litellm"


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
