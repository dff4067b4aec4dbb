"""The control paths: tell the fake providers to misbehave, and read what they counted.

    GET    /_control                       the faults in force
    POST   /_control                       set or clear faults: {"openai": {"status": 503, "times": 2}, "groq": null}
    DELETE /_control                       clear all
    POST   /_control/NAME/fail?status=503  any field of `Fault` in the query; 503 when it names no failure
    POST   /_control/NAME/slow?ms=2000     the same, with a latency; 2 seconds when it names none
    POST   /_control/NAME/ok               clear the fault of this name
    GET    /_stats, DELETE /_stats         the tally, by `provider/model`
    GET    /_requests                      the last 200 requests

NAME is `provider`, `provider/model` or `*`. A new fault replaces the one of the same name. Every answer shows the state
afterwards; a request that cannot be understood changes nothing and gets status 400.
"""

import json
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from governance.demo.faults import BadControlRequest, Faults
from governance.demo.tally import Tally


class Control:
    """Answers the control paths for one set of fake providers."""

    def __init__(self, faults: Faults, tally: Tally) -> None:
        self._faults = faults
        self._tally = tally

    def routes(self) -> list[Route]:
        return [
            Route("/_control", self._show, methods=["GET"]),
            Route("/_control", self._change, methods=["POST"]),
            Route("/_control", self._clear, methods=["DELETE"]),
            Route("/_control/{name:path}/fail", self._fail, methods=["POST"]),
            Route("/_control/{name:path}/slow", self._slow, methods=["POST"]),
            Route("/_control/{name:path}/ok", self._ok, methods=["POST"]),
            Route("/_stats", self._stats, methods=["GET"]),
            Route("/_stats", self._reset, methods=["DELETE"]),
            Route("/_requests", self._requests, methods=["GET"]),
        ]

    async def _show(self, request: Request) -> JSONResponse:
        return JSONResponse(self._faults.shown())

    async def _change(self, request: Request) -> JSONResponse:
        try:
            self._faults.change(json.loads(await request.body()))
        except (BadControlRequest, ValueError) as error:
            return _refused(error)
        return await self._show(request)

    async def _clear(self, request: Request) -> JSONResponse:
        self._faults.clear()
        return await self._show(request)

    async def _fail(self, request: Request) -> JSONResponse:
        words = dict(request.query_params)
        fails_otherwise = "garbage" in words or "break_after_chunks" in words
        return self._set(request, words if fails_otherwise else {"status": "503", **words})

    async def _slow(self, request: Request) -> JSONResponse:
        words = dict(request.query_params)
        return self._set(request, {"latency_ms": words.pop("ms", "2000"), **words})

    async def _ok(self, request: Request) -> JSONResponse:
        self._faults.clear(request.path_params["name"])
        return await self._show(request)

    async def _stats(self, request: Request) -> JSONResponse:
        return JSONResponse(self._tally.counts())

    async def _reset(self, request: Request) -> JSONResponse:
        self._tally.reset()
        return await self._stats(request)

    async def _requests(self, request: Request) -> JSONResponse:
        return JSONResponse(self._tally.recent())

    def _set(self, request: Request, words: Mapping[str, str]) -> JSONResponse:
        try:
            self._faults.set_from_words(request.path_params["name"], words)
        except BadControlRequest as error:
            return _refused(error)
        return JSONResponse(self._faults.shown())


def _refused(error: Exception) -> JSONResponse:
    reason = str(error) if isinstance(error, BadControlRequest) else f"the body is not JSON: {error}"
    return JSONResponse({"error": reason}, status_code=400)
