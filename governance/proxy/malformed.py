"""What a caller wrote wrongly and LiteLLM would take for its own failure, as the 400 that it is.

LiteLLM reads numbers from headers without a look at them, refuses parameters with a bare ValueError, and before 1.110
took any JSON for an object. All of this happens before our hooks, where it lets callers in.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from types import SimpleNamespace
from typing import Any, Final

from litellm.proxy.auth import auth_utils, user_api_key_auth
from litellm.proxy.auth.auth_utils import get_request_route
from litellm.proxy.auth.route_checks import RouteChecks
from litellm.proxy.common_utils import http_parsing_utils
from litellm.proxy.utils import HTTPException  # type: ignore[attr-defined]  # only `admin` imports fastapi

from governance.model import codes
from governance.proxy.translate import Refused

# Under which of these names LiteLLM reads a body where it lets callers in: 1.106-1.109, 1.110.
_READERS: Final = ("_read_request_body", "read_request_body")
_TYPE: Final = "invalid_request_error"
MALFORMED: Final = "LiteLLM cannot make a request of this body: a field has a form that its API does not have"
_SECONDS: Final = "a number of seconds"
_COUNT: Final = "a whole number"
# Source: LiteLLM 1.106-1.110, litellm_pre_call_utils.py, LiteLLMProxyRequestSetup.
_NUMBERS: Final[Mapping[str, tuple[Callable[[str], float], str]]] = {
    "x-litellm-timeout": (float, _SECONDS),
    "x-litellm-stream-timeout": (float, _SECONDS),
    "x-litellm-keepalive-seconds": (float, _SECONDS),
    "x-litellm-num-retries": (int, _COUNT),
}


def watch() -> None:
    """Judge what every caller sends, where LiteLLM reads it."""
    for name in _READERS:
        read = getattr(user_api_key_auth, name, None)
        if read is not None:
            setattr(user_api_key_auth, name, _judging(read))
    # Where a body is no JSON by its standard, LiteLLM reads it once more with a parser that takes NaN, and numbers that
    # no provider can be sent.
    setattr(http_parsing_utils, "json", SimpleNamespace(**{**vars(json), "loads": standard_json}))  # noqa: B010
    safe: Any = auth_utils.is_request_body_safe

    @wraps(safe)
    def safe_or_refused(*args: Any, **kwargs: Any) -> Any:
        try:
            return safe(*args, **kwargs)
        except ValueError as error:
            raise _refused(str(error)) from None

    auth_utils.is_request_body_safe = safe_or_refused


def standard_json(text: str) -> Any:
    """What a JSON text says.

    Raises:
        json.JSONDecodeError: it is none by RFC 8259, or has a number that no double holds.
    """
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite, parse_int=_finite_int)
    except json.JSONDecodeError:
        raise
    except (ValueError, OverflowError) as error:
        raise json.JSONDecodeError(str(error), "", 0) from None


def malformed(error: Exception) -> HTTPException:
    """The 400 of a request that LiteLLM failed over. Not every endpoint answers with what its hook returns; all of them
    read what the error itself says.
    """
    for name, value in (("status_code", 400), ("code", "400"), ("message", MALFORMED), ("type", _TYPE)):
        with contextlib.suppress(AttributeError, TypeError):
            setattr(error, name, value)
    return HTTPException(400, MALFORMED)


def header_mistakes(headers: Mapping[str, str]) -> Iterator[str]:
    """One sentence for each header with a number that is none."""
    for name, (number, what) in _NUMBERS.items():
        value = headers.get(name)
        if value is not None and not _is_number(value, number):
            yield f"the header `{name}` must be {what}"


def _judging(read: Any) -> Any:
    @wraps(read)
    async def judged(*args: Any, **kwargs: Any) -> Any:
        body = await read(*args, **kwargs)
        if not isinstance(body, dict):
            raise _refused("the body of a request must be a JSON object")
        request: Any = kwargs.get("request", args[0] if args else None)
        mistake = next(header_mistakes(request.headers), None) if request is not None else None
        if mistake and RouteChecks.is_llm_api_route(get_request_route(request)):
            raise _refused(mistake)
        return body

    return judged


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _finite_int(digits: str) -> int:
    _finite(digits)
    return int(digits)


def _is_number(value: str, number: Callable[[str], float]) -> bool:
    try:
        return math.isfinite(number(value))
    except (ValueError, OverflowError):
        return False


def _refused(message: str) -> Refused:
    more = {"code": codes.FIELD_NOT_ALLOWED}
    return Refused(400, message=message, type=_TYPE, param=None, provider_specific_fields=more)
