"""The policy in force, read: profiles, rules, limits and budgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from governance.pages.answered import UI, Shown
from governance.pages.render import Show
from governance.policy.sections import SECTIONS
from governance.usecases.entries import Shown as Entry
from governance.usecases.entries import shown_entries

_ROWS: Final = 100

Word = Annotated[str, Query(max_length=200)]
Page = Annotated[int, Query(ge=1, le=1_000)]


def routes(show: Show) -> APIRouter:
    """For admins and viewers."""
    router = APIRouter(prefix=UI, route_class=Shown)

    async def answer(request: Request, template: str, sections: tuple[str, ...], text: str, page: int) -> Response:
        policy = show.of.engine.stated.policy
        wanted = text.strip().lower()
        found = [
            (word, entry)
            for word in sections
            for entry in shown_entries(policy.text, SECTIONS[word])
            if not wanted or wanted in _words(entry)
        ]
        first = (page - 1) * _ROWS
        return await show.page(
            request,
            template,
            entries=[
                {"section": word, "name": entry.name, "line": entry.line, "written": _tolerant(entry.value)}
                for word, entry in found[first : first + _ROWS]
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


def _words(entry: Entry) -> str:
    return f"{entry.name} {_flat(entry.value)}".lower()


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key} {_flat(each)}" for key, each in value.items())
    return " ".join(map(_flat, value)) if isinstance(value, list) else str(value)
