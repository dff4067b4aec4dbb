"""The policy in force, read: profiles, rules, limits and budgets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from governance.ledger.listing import slices
from governance.pages.answered import UI, Shown
from governance.pages.render import Show
from governance.policy.document import Written
from governance.usecases.entries import shown_written

_ROWS: Final = 100
_SEARCHED_AT_ONCE: Final = 500

Word = Annotated[str, Query(max_length=200)]
Page = Annotated[int, Query(ge=1, le=1_000)]


def routes(show: Show) -> APIRouter:
    """For admins and viewers."""
    router = APIRouter(prefix=UI, route_class=Shown)

    async def answer(request: Request, template: str, sections: tuple[str, ...], text: str, page: int) -> Response:
        policy = show.of.engine.stated.policy
        wanted = text.strip().lower()
        found = [(word, entry) for word in sections for entry in policy.entries.get(word, ())]
        if wanted:
            found = [each async for each in _about(found, wanted)]
        first = (page - 1) * _ROWS
        return await show.page(
            request,
            template,
            entries=[
                {"section": word, "name": entry.name, "line": entry.line, "written": _tolerant(entry.value)}
                for word, entry in ((word, shown_written(entry)) for word, entry in found[first : first + _ROWS])
            ],
            total=len(found),
            first=first,
            number=page,
            more=len(found) > first + _ROWS,
            text=text,
            file=show.of.policies.file.name,
        )

    @router.get("/profiles")
    async def profiles(request: Request, text: Word = "", page: Page = 1) -> Response:
        return await answer(request, "profiles.html", ("profiles",), text, page)

    @router.get("/rules")
    async def rules(request: Request, text: Word = "", page: Page = 1) -> Response:
        return await answer(request, "rules.html", ("rules",), text, page)

    @router.get("/limits")
    async def limits(request: Request, text: Word = "", page: Page = 1) -> Response:
        return await answer(request, "limits.html", ("limits", "budgets"), text, page)

    return router


class _Tolerant(dict[str, Any]):
    """What a policy does not say is None."""

    def __missing__(self, key: str) -> None:
        return None


def _tolerant(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _Tolerant({key: _tolerant(each) for key, each in value.items()})
    return [_tolerant(each) for each in value] if isinstance(value, list) else value


async def _about(entries: Sequence[tuple[str, Written]], wanted: str) -> AsyncIterator[tuple[str, Written]]:
    for some in slices(len(entries), _SEARCHED_AT_ONCE):
        for word, entry in entries[some]:
            # In the words of what is shown, where no secret can be guessed.
            told = shown_written(entry)
            if wanted in f"{told.name} {_flat(told.value)}".lower():
                yield word, entry
        # Requests wait while a step of this runs.
        await asyncio.sleep(0)


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key} {_flat(each)}" for key, each in value.items())
    return " ".join(map(_flat, value)) if isinstance(value, list) else str(value)
