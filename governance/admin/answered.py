"""How pages answer when they cannot do what was asked: always as `{"error": {"message", "type", "code"}}`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, ClassVar, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from governance.model import codes
from governance.model.errors import LedgerUnavailable, StoreUnavailable
from governance.model.printable import printable
from governance.policy.nodes import pointer

log = logging.getLogger("governance.admin")

_PROBLEM: Final = "application/problem+json"
# Where in the state of a request stands what keeps its answer.
KEEPS_ANSWER: Final = "governance_keeps_answer"
_TYPES: Final = {401: "auth_error", 403: "permission_error", 404: "not_found_error", 503: "unavailable_error"}


class NotDone(Exception):
    """A page cannot do what was asked.

    Args:
        code: for programs; one word with underscores.
        message: for people: what is wrong and what would be right. No secrets.
        more: for programs, beside these in the error.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers, self.more = status, code, message, headers, more


class AnsweredBefore(Exception):
    """What is asked for was answered already, like this."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


class Answered(APIRoute):
    """A route whose every mistake, also one of its dependencies or of its own, is answered as JSON."""

    most_bytes: ClassVar[int] = 2**20
    # Of a path that several routes serve the framework asks the first one about a method that none of them has.
    _methods_of: ClassVar[dict[str, set[str]]] = {}

    def __init__(self, path: str, endpoint: Callable[..., Any], **given: Any) -> None:
        super().__init__(path, endpoint, **given)
        self._methods_of.setdefault(self.path, set()).update(self.methods or ())

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Comes here, too, for a path of ours with a method that it does not have."""
        request = Request(scope)
        if scope["method"] in (self.methods or set()):
            if int(_digits(request.headers.get("content-length")) or 0) > self.most_bytes:
                return await as_accepted(request, self._too_large())(scope, receive, send)
            return await super().handle(scope, self._counted(receive), send)
        allowed = ", ".join(sorted(self._methods_of[self.path]))
        message = f"{scope['path']} has no {scope['method']}; use {allowed}"
        answer = error_response(405, "method_not_allowed", message, {"allow": allowed})
        await as_accepted(request, answer)(scope, receive, send)

    def _counted(self, receive: Receive) -> Receive:
        """The body as it comes, whatever its length is said to be. Raises HTTPException once it is too long."""
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self.most_bytes:
                raise HTTPException(413)
            return message

        return counted

    def _too_large(self) -> JSONResponse:
        return error_response(413, "too_large", f"the body is larger than {self.most_bytes // 2**20} MiB")

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            answered = as_accepted(request, await tried(request))
            keep = getattr(request.state, KEEPS_ANSWER, None)
            if keep is not None:
                await keep(answered)
            return answered

        async def tried(request: Request) -> Response:
            try:
                return await handle(request)
            except AnsweredBefore as before:
                return before.answer
            except NotDone as error:
                return error_response(error.status, error.code, error.message, error.headers, **error.more)
            except RequestValidationError as error:
                found = error.errors()
                more: dict[str, Any] = (
                    {"problems": list(map(_pointed, found))} if found and found[0]["loc"][:1] == ("body",) else {}
                )
                return error_response(400, "invalid_request", "; ".join(map(_mistake, found)), **more)
            except HTTPException as error:
                if error.status_code == 413:
                    return self._too_large()
                code = "invalid_request" if error.status_code == 400 else "refused"
                return error_response(error.status_code, code, str(error.detail), dict(error.headers or {}))
            except LedgerUnavailable:
                message = "the ledger does not answer; try again, and look at the proxy's log if it lasts"
                return error_response(503, codes.LEDGER_UNAVAILABLE, message, {"retry-after": "1"})
            except StoreUnavailable as error:
                return error_response(503, "store_unavailable", str(error), {"retry-after": "1"})
            except Exception as error:
                # What the app itself knows how to answer, such as LiteLLM's refusal of a key, it shall answer.
                if any(kind in request.app.exception_handlers for kind in type(error).__mro__ if kind is not Exception):
                    raise
                log.exception("%s %s failed", request.method, printable(request.url.path))
                return error_response(500, "internal_error", "this page failed; the proxy's log says why")

        return answer


class ErrorResponse(JSONResponse):
    """An error in the one shape.

    Args:
        told: what is in it.
    """

    def __init__(self, told: dict[str, Any], status: int, headers: dict[str, str] | None) -> None:
        super().__init__({"error": told}, status, headers)
        self.told = told


class Roomy(Answered):
    """One whose body holds a policy, or a request with whatever is attached to it."""

    # A policy of 10 MiB, with what JSON puts before some of its characters.
    most_bytes = 2**25


def as_accepted(request: Request, answer: Response) -> Response:
    """An error as `application/problem+json` (RFC 9457), where that is asked for; whatever else as it is."""
    if (
        answer.status_code < 400
        or _PROBLEM not in request.headers.get("accept", "")
        or not isinstance(answer, ErrorResponse)
    ):
        return answer
    said = dict(answer.told)
    page = {
        "type": "about:blank",
        "title": HTTPStatus(answer.status_code).phrase,
        "status": answer.status_code,
        "detail": said.pop("message"),
        **{name: value for name, value in said.items() if name != "type"},
    }
    headers = {name: value for name, value in answer.headers.items() if name not in ("content-length", "content-type")}
    return JSONResponse(page, answer.status_code, headers, media_type=_PROBLEM)


def error_response(
    status: int, code: str, message: str, headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """What programs and people get instead of a page."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "internal_error")
    return ErrorResponse({"message": message, "type": kind, "code": code, **more}, status, headers)


_ERROR: Final = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "code"],
            "properties": {name: {"type": "string"} for name in ("message", "type", "code")},
        }
    },
}
_MEANS: Final = {
    202: "done, and workers that were waited for do not serve by it yet",
    400: "a parameter or the body is not what the page takes",
    404: "there is none of that name or number",
    409: "not in this state; `code` says why",
    412: "made from another policy than the one in force",
    422: "the policy has mistakes",
    428: "a header is missing",
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: what else a page answers, beside 200; every error has the one shape."""
    error = {"application/json": {"schema": _ERROR}}
    told: dict[int | str, dict[str, Any]] = {"default": {"description": "an error", "content": error}}
    for status in statuses:
        content = {"application/json": {"schema": {"type": "object"}}} if status < 300 else error
        told[status] = {"description": _MEANS[status], "content": content}
    return told


def _mistake(error: dict[str, Any]) -> str:
    *_, name = error["loc"] or ("request",)
    return f"{name}: {error['msg']}"


def _pointed(error: dict[str, Any]) -> dict[str, Any]:
    """A mistake in a body, by where it stands there (RFC 6901)."""
    return {"pointer": pointer(tuple(error["loc"][1:])), "message": error["msg"]}


def _digits(text: str | None) -> str:
    # int() reads more than RFC 9110 allows there; the server has refused what is no number.
    return text if text is not None and text.isascii() and text.isdigit() else ""
