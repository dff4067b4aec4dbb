"""Pages that are made when somebody asks for one of them: most workers never serve any, and they are 10 MB."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from typing import Final

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from governance.admin.answered import error_response

log = logging.getLogger("governance.admin")

_NOT_LOADED: Final = (
    "the admin API and the pages cannot be loaded; the log of this worker says why, and a restart may help"
)


class OnDemand(BaseRoute):
    """Stands before the routes of an app until then.

    Args:
        make: imports and makes them; called once, in a thread, while other requests are served.
        under: what their paths begin with.
        besides: paths that do not need them, though they begin so.
        describing: the page that tells of all of the app's routes.
    """

    def __init__(
        self,
        app: FastAPI,
        make: Callable[[], Sequence[APIRouter]],
        under: tuple[str, ...],
        besides: Collection[str],
        describing: str | None,
    ) -> None:
        self._app, self._make = app, make
        self._under, self._besides, self._describing = under, frozenset(besides), describing
        # Where they would stand, had they been made at once.
        self._after = app.router.routes[-1]
        self._one_makes = asyncio.Lock()
        app.router.routes.insert(0, self)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        # A proxy behind a path of another one is given that path as well (ASGI, `root_path`).
        path = str(scope["path"]).removeprefix(scope.get("root_path", "")) if scope["type"] == "http" else ""
        if path == self._describing or (path.startswith(self._under) and path not in self._besides):
            return Match.FULL, {}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._one_makes:
            if self in self._app.router.routes:
                try:
                    made = await asyncio.to_thread(self._made)
                except Exception:  # files of another version, say, in the place of those this worker began with
                    log.exception("the admin API and the pages cannot be loaded")
                    return await error_response(503, "pages_unavailable", _NOT_LOADED)(scope, receive, send)
                self._take_place(made)
        await self._app.router(scope, receive, send)

    def _made(self) -> list[BaseRoute]:
        whole = APIRouter(dependency_overrides_provider=self._app)
        for router in self._make():
            whole.include_router(router)
        return whole.routes

    def _take_place(self, made: Sequence[BaseRoute]) -> None:
        routes = self._app.router.routes
        place = routes.index(self._after) + 1
        routes[place:place] = made
        routes.remove(self)
