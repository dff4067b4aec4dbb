"""What the proxy can call, what providers list, and where each fact comes from."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from governance.catalog import cards
from governance.catalog.modalities import CAPABILITY_KEYS
from governance.pages.answered import UI, Shown
from governance.pages.render import Show
from governance.pages.sources import reading_of
from governance.usecases.who_serves import WORDS, named_models, who_serves

_ROWS: Final = 100

Word = Annotated[str, Query(max_length=200)]


def routes(show: Show) -> APIRouter:
    """For admins and viewers."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/models")
    async def models(
        request: Request,
        text: Word = "",
        provider: Word = "",
        modality: Word = "",
        needed: Annotated[str, Query(alias="for", pattern=f"^({'|'.join(WORDS)})?$")] = "",
        can: Word = "",
        known: Annotated[str, Query(pattern="^(served|unserved|gone)?$")] = "",
        all: bool = False,
        page: Annotated[int, Query(ge=1, le=1_000)] = 1,
    ) -> Response:
        # Thousands of cards take a while; requests do not wait for them.
        catalog = show.of.models.catalog
        if needed:
            named, now_s = named_models(show.of.engine.host.policy), show.of.engine.clock()
            find = partial(who_serves, catalog, (needed,), now_s, named=named, everything=all)
        else:
            find = partial(cards, catalog, modality=modality or None, everything=all)
        rows = await asyncio.to_thread(find, provider=provider.strip() or None)
        wanted = text.strip().lower()
        found = [
            row
            for row in rows
            if (wanted in row["model"].lower() or wanted in (row["display_name"] or "").lower())
            and (not can or row["capabilities"].get(can))
            and (not known or _is(row, known))
        ]
        first = (page - 1) * _ROWS
        return await show.page(
            request,
            "models.html",
            rows=found[first : first + _ROWS],
            total=len(found),
            first=first,
            number=page,
            more=len(found) > first + _ROWS,
            given={
                "text": text,
                "provider": provider,
                "modality": modality,
                "for": needed,
                "can": can,
                "known": known,
                "all": all,
            },
            abilities=tuple(CAPABILITY_KEYS),
            needs=WORDS,
            able=sum(1 for row in found if row.get("serves")),
            **reading_of(show),
        )

    @router.get("/models/sources")
    async def sources(request: Request) -> Response:
        now = reading_of(show)
        answer = show.part(request, "sources_table.html", **now)
        if not now["reading"] and request.headers.get("hx-request"):
            # The page as it is without a reading asks no more.
            answer.headers["hx-refresh"] = "true"
        return answer

    return router


def _is(row: dict[str, Any], known: str) -> bool:
    served = bool(row["served_as"]) and row["served_as"] != "unknown"
    return bool(row["gone_since"]) if known == "gone" else served == (known == "served")
