"""What kind of failure an exception of LiteLLM is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from json import JSONDecodeError
from traceback import walk_tb
from typing import Final

import httpcore
import httpx
import openai
from litellm import exceptions

from governance.model import Failure
from governance.model.failure_kinds import OF_THE_REQUEST
from governance.proxy.failure_words import meaning
from governance.proxy.retry_after import retry_after_s

# LiteLLM's words when it breaks off a stream (streaming_handler.py, raise_on_model_repetition).
_REPEATING: Final = "is repeating the same chunk"
_ASKED: Final = re.compile(r"limit:? ?(\d[\d,]{0,15}).{0,80}?requested:? ?(\d[\d,]{0,15})", re.IGNORECASE | re.DOTALL)
# An answer came, or could not be had. Most providers' own exceptions are made from these.
_OF_NETWORK: Final = (httpx.HTTPError, openai.APIError, OSError, TimeoutError, asyncio.TimeoutError)
_TIMEOUTS: Final = (exceptions.Timeout, httpx.TimeoutException, openai.APITimeoutError, TimeoutError)
_NETWORK_MODULES: Final = ("aiohttp", "botocore", "httpcore", "ssl")
# What a program raises that did not expect a value.
_OF_PROGRAMS: Final = (TypeError, AttributeError, LookupError, ValueError, AssertionError, ArithmeticError)
# What puts a request into HTTP.
_WRITERS: Final = frozenset(
    {"aiohttp", "httpx", "httpcore", "h11", "h2", "json", "multidict", "openai", "pydantic", "yarl"}
)

# LiteLLM's classes that tell more than their status.
_CLASSES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (exceptions.ContentPolicyViolationError, "content_policy"),
    (exceptions.ContextWindowExceededError, "context_window_exceeded"),
    (exceptions.UnsupportedParamsError, "unsupported"),
)
# The same without the words of anybody. Other 4xx are about what was asked of whom, and another target may do it.
_STATUSES: Final = {
    400: "invalid_request",
    401: "auth",
    402: "account_exhausted",
    403: "auth",
    404: "not_found",
    405: "not_found",
    408: "timeout",
    409: "server_error",
    410: "not_found",
    411: "invalid_request",
    413: "context_window_exceeded",
    415: "invalid_request",
    422: "invalid_request",
    424: "server_error",
    425: "overloaded",
    429: "rate_limited",
    499: "timeout",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
# What HTTP cannot hold is of the caller or of the deployment, and nobody can tell: the next target may do.
UNWRITTEN: Final = Failure("unsupported")
_LONGEST_TEXT: Final = 4_000


def failure_of(error: BaseException, asked: Callable[[], str] = str) -> Failure:
    """The failure of one attempt, by the provider's words where they tell more than its status.

    Args:
        asked: all that the caller has sent, as one text: words that a provider only repeats tell nothing.
    """
    error = _of_stream(error)
    # LiteLLM's own word for an endpoint that it cannot reach at this provider; no provider has seen the request.
    if "Unmapped LLM provider" in str(error):
        return Failure("unsupported", _status(error))
    chain = list(_chain(error))
    status = _answered(chain)
    text = " ".join(str(link)[:_LONGEST_TEXT] for link in chain)
    wait_s = retry_after_s(chain, text)
    kind = next((kind for known, kind in _CLASSES if isinstance(error, known)), None)
    kind = kind or _by_words(status, text, wait_s, asked) or _by_cause(chain, status)
    return Failure(kind, status or _status(error), wait_s)


def _of_stream(error: BaseException) -> BaseException:
    """What a stream failed with, out of what LiteLLM wraps it in to go on with another target."""
    while isinstance(error, exceptions.MidStreamFallbackError) and error.original_exception is not None:
        error = error.original_exception
    return error


def _answered(chain: Sequence[BaseException]) -> int | None:
    """The status that the provider has answered with; None where it has not. LiteLLM may say another one."""
    # The first that was raised comes last, and is nearest to the answer.
    wire = [status for link in chain if not _litellms(link) and (status := _status(link))]
    if wire:
        return wire[-1]
    told = [status for link in chain if (status := _status(link))]
    # Of what has no answer, such as an error in a stream or a lost connection, LiteLLM makes a 500.
    return None if not told or told[-1] == 500 or any(map(_is_lost, chain)) else told[-1]


def _by_words(status: int | None, text: str, wait_s: float | None, asked: Callable[[], str]) -> str | None:
    limits = _ASKED.search(text) if status == 429 else None
    if limits and int(limits[2].replace(",", "")) > int(limits[1].replace(",", "")):
        return "context_window_exceeded"
    said = meaning(status, text, wait_s)
    if said is None:
        return None
    # A caller that makes a provider repeat "your credit balance is too low" must not take it from everybody.
    if said.kind not in OF_THE_REQUEST and status in (400, 404, 422) and said.words.lower() in asked().lower():
        return None
    return said.kind


def _by_cause(chain: Sequence[BaseException], status: int | None) -> str:
    if any(isinstance(link, _TIMEOUTS) for link in chain):
        return "timeout"
    if status is None:
        return "connection_error" if any(map(_is_lost, chain)) else "server_error" if _status(chain[0]) else "unknown"
    known = _STATUSES.get(status)
    return known or ("server_error" if status >= 500 else "unsupported")


def _is_lost(link: BaseException) -> bool:
    """Whether there was no connection, or it ended before the answer did."""
    if _litellms(link) or isinstance(link, _TIMEOUTS):
        return False
    if isinstance(link, openai.APIConnectionError):
        return True
    return isinstance(link, (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError, OSError)) or (
        type(link).__module__.startswith(_NETWORK_MODULES) and "Connect" in type(link).__name__
    )


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
    if of_network(error):
        return False
    if any(
        isinstance(link, (UnicodeEncodeError, RecursionError)) or "not JSON compliant" in str(link) for link in chain
    ):
        return True
    first = chain[-1]
    # Its router says "no deployments available" with a ValueError of its own.
    stumbled = isinstance(first, _OF_PROGRAMS) and not isinstance(first, JSONDecodeError) and not _litellms(first)
    return not sent and stumbled


def unwritable(error: BaseException, *, sent: bool) -> bool:
    """Whether what failed was writing the request, whatever was made of it since: no connection has anything to do
    with it. True of answers that fail in the same libraries, too: ask only where nobody has answered.

    Args:
        sent: LiteLLM has said that the request is on its way.
    """
    first = list(_chain(error))[-1]
    # With bare exceptions LiteLLM's transformations refuse messages; of JSON they read arguments of tools.
    if not sent and (type(first) is Exception or isinstance(first, JSONDecodeError)):
        return True
    *_, last = (None, *walk_tb(first.__traceback__))
    if last is None or not isinstance(first, _OF_PROGRAMS) or isinstance(first, JSONDecodeError):
        return False
    return str(last[0].f_globals.get("__name__", "")).partition(".")[0] in _WRITERS


def of_network(error: BaseException) -> bool:
    """Whether an error comes of a connection, whatever was made of it since."""
    return any(map(_of_network, _chain(error)))


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
    told = [getattr(error, "status_code", None), getattr(getattr(error, "response", None), "status_code", None)]
    if _litellms(error):
        # In aiohttp a lost connection has the code 400.
        told.append(getattr(error, "code", None))
    for status in told:
        try:
            if 400 <= int(status or 0) < 600:
                return int(status)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue
    return None
