"""Where models are discovered: read now, one or all, and the pages about them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Final
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from governance.discovery import utc_now
from governance.model.errors import GovernanceError
from governance.pages.answered import UI, Shown
from governance.pages.forms import form_of
from governance.pages.not_shown import NotShown
from governance.pages.render import Show
from governance.usecases.documentation_pages import with_page, without_page

log = logging.getLogger("governance.pages")

_LONGEST_FORM: Final = 32_000


class Reading:
    """One worker's: at most one at a time, which goes on while nobody looks."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self.names: tuple[str, ...] = ()
        self.begun: datetime | None = None
        self.failed = ""

    @property
    def runs(self) -> bool:
        """Whether it is not done yet."""
        return self._task is not None and not self._task.done()

    def begin(self, names: tuple[str, ...], reading: Coroutine[Any, Any, Any]) -> None:
        """Read these."""
        self.names, self.begun, self.failed = names, utc_now(), ""
        self._task = asyncio.get_running_loop().create_task(self._run(reading))

    async def _run(self, reading: Coroutine[Any, Any, Any]) -> None:
        try:
            await reading
        except GovernanceError as error:
            self.failed = str(error)
        except Exception:  # nobody waits for it; the page says that it failed
            log.exception("models were not discovered")
            self.failed = "the models could not be read; the proxy's log says why"


_READINGS: Final[WeakKeyDictionary[Show, Reading]] = WeakKeyDictionary()


def reading_of(show: Show) -> dict[str, Any]:
    """The sources with what is known of each, and how far a reading is."""
    discovering = show.of.models.discovering
    state, now = discovering.state, _READINGS.setdefault(show, Reading())
    begun = now.begun
    tried = [state.sources[name].tried_at for name in now.names if name in state.sources]
    return {
        "sources": [(source, state.of(source), state.docs_urls.get(source.name, "")) for source in discovering.sources],
        "reading": len(now.names) if now.runs else 0,
        "done": sum(at is not None and begun is not None and at >= begun for at in tried),
        "failed": now.failed,
    }


def changes(show: Show) -> APIRouter:
    """For admins."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.post("/models/sources")
    async def read(request: Request) -> Response:
        wanted = (await form_of(request, _LONGEST_FORM)).get("source", "")
        discovering, reading = show.of.models.discovering, _READINGS.setdefault(show, Reading())
        names = tuple(each.name for each in discovering.sources if (each.name == wanted if wanted else each.in_use))
        if not names:
            raise NotShown(404, f"there is no source {wanted[:100]}" if wanted else "no provider is in use")
        if not reading.runs:
            reading.begin(names, discovering.discover(names))
        return RedirectResponse(f"{UI}/models#sources", 303)

    @router.post("/models/page")
    async def page(request: Request) -> Response:
        form = await form_of(request, _LONGEST_FORM)
        discovering = show.of.models.discovering
        source = next((each for each in discovering.sources if each.name == form.get("source")), None)
        if source is None:
            raise NotShown(404, f"there is no source {form.get('source', '')[:100]}")
        given = show.of.engine.stated.policy.core.catalog.discovery.providers.get(source.name)
        if given is not None and given.docs_url:
            raise NotShown(409, f"the policy gives the page of {source.name}; change catalog.discovery.providers there")
        reset = form.get("do") == "reset"
        url = form.get("url", "").strip()
        await discovering.change(
            without_page(source.name) if reset else with_page(source.name, url, source.allowed_hosts)
        )
        return RedirectResponse(f"{UI}/models#sources", 303)

    return router
