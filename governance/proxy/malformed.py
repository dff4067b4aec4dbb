"""What a caller wrote wrongly and LiteLLM would take for its own failure, as the 400 that it is.

LiteLLM reads numbers from headers without a look at them, refuses parameters with a bare ValueError, and before 1.110
took any JSON for an object. All of this happens before our hooks, where it lets callers in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, Final

from litellm.proxy.auth import auth_utils, user_api_key_auth
from litellm.proxy.auth.auth_utils import get_request_route
from litellm.proxy.auth.route_checks import RouteChecks

from governance.model import codes
from governance.proxy.translate import Refused

# Under which of these names LiteLLM reads a body where it lets callers in: 1.106-1.109, 1.110.
_READERS: Final = ("_read_request_body", "read_request_body")
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
    safe: Any = auth_utils.is_request_body_safe

    @wraps(safe)
    def safe_or_refused(*args: Any, **kwargs: Any) -> Any:
        try:
            return safe(*args, **kwargs)
        except ValueError as error:
            raise _refused(str(error)) from None

    auth_utils.is_request_body_safe = safe_or_refused


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


def _is_number(value: str, number: Callable[[str], float]) -> bool:
    try:
        return math.isfinite(number(value))
    except (ValueError, OverflowError):
        return False


def _refused(message: str) -> Refused:
    more = {"code": codes.FIELD_NOT_ALLOWED}
    return Refused(400, message=message, type="invalid_request_error", param=None, provider_specific_fields=more)
