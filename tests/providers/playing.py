"""All providers on one port: each answers a case as it is recorded, at the paths of its documentation alone."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.e2e.beside import served
from tests.providers.recorded import Provider, content


class Playing:
    """`asked` counts what came, by `provider/case/who`: who asks has an address of their own."""

    def __init__(self, providers: dict[str, Provider]) -> None:
        self._providers = providers
        self.asked: Counter[str] = Counter()
        self.misplaced: list[str] = []
        self.url = ""

    async def answer(self, request: Request) -> Response:
        name, case, who, path = (request.path_params[part] for part in ("name", "case", "who", "path"))
        self.asked[f"{name}/{case}/{who}"] += 1
        provider = self._providers[name]
        recorded = provider.cases[case]
        if f"/{path}" != provider.path(recorded):
            self.misplaced.append(f"{name}/{case}: /{path}, where {provider.path(recorded)} is documented")
            return JSONResponse({"error": self.misplaced[-1]}, 418)
        body, media_type = content(name, recorded)
        return Response(body, recorded.status, {**provider.headers, **recorded.headers}, media_type)


@contextlib.contextmanager
def playing(providers: dict[str, Provider]) -> Iterator[Playing]:
    """All of them, for as long as the test needs them."""
    stage = Playing(providers)
    app = Starlette(routes=[Route("/{name}/{case}/{who}/{path:path}", stage.answer, methods=["POST"])])
    with served(app) as stage.url:
        yield stage
