"""Tasks: which models serve which kind of work in each profile, what comes first, and what a prompt may bring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from governance.catalog import INPUT_MODALITIES, OUTPUT_MODALITIES
from governance.catalog.cards import card
from governance.engine.overlay import profiles_of
from governance.pages.answered import UI, Shown
from governance.pages.editing import Edited, open_policy
from governance.pages.forms import form_of
from governance.pages.render import Show
from governance.pages.reviewed import review
from governance.usecases.task_chains import with_override, with_profile

Word = Annotated[str, Query(max_length=100)]


def routes(show: Show) -> APIRouter:
    """For admins and viewers."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/tasks")
    async def tasks(request: Request, takes: Word = "", makes: Word = "", edit: Word = "") -> Response:
        return await tasks_page(show, request, {"takes": takes, "makes": makes, "edit": edit})

    return router


def changes(show: Show) -> APIRouter:
    """For admins: a change of chains, for review."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.post("/tasks")
    async def change(request: Request) -> Response:
        form = await form_of(request)
        policy, profile = open_policy(show), form.get("profile", "")
        chains = {key.removeprefix("chain."): text for key, text in form.items() if key.startswith("chain.")}
        change: Callable[[str], str] = (
            (lambda text: with_profile(text, profile, chains))
            if profile
            else (lambda text: with_override(text, form.get("task", "").strip(), form.get("models", "")))
        )

        async def refused(problems: list[dict[str, Any]], candidate: str) -> Response:
            given = {"takes": "", "makes": "", "edit": profile, **form}
            return await tasks_page(show, request, given, [each["message"] for each in problems], 422)

        edited = Edited("", "", form.get("base") or policy.revision)
        return await review(show, request, edited, change, refused)

    return router


async def tasks_page(
    show: Show, request: Request, given: dict[str, str], problems: list[str] | None = None, status: int = 200
) -> Response:
    """The chains in force; where the policy routes no tasks, what it needs for that."""
    of = show.of
    routing = next((each for each in of.engine.host.policy.sections.values() if profiles_of(each)), None)
    chains = {} if routing is None else routing.chains
    catalog = of.models.catalog
    names = {name for chain in chains.values() for models in chain.values() for name in models}
    names |= set() if routing is None else {name for models in routing.overrides.values() for name in models}
    cards = await asyncio.to_thread(lambda: {name: card(catalog, name) for name in sorted(names)})
    return await show.page(
        request,
        "tasks.html",
        status=status,
        routing=routing,
        tasks=() if routing is None else routing.tasks,
        stated=next((each for each in of.engine.stated.policy.sections.values() if profiles_of(each)), None),
        cards=cards,
        fits={name: _fits(each, given["takes"], given["makes"]) for name, each in cards.items()},
        taken=INPUT_MODALITIES,
        made=OUTPUT_MODALITIES,
        offered=list(catalog.offered)[:300],
        given=given,
        problems=problems or [],
        base=of.engine.stated.policy.revision,
    )


def _fits(of: dict[str, Any], takes: str, makes: str) -> bool:
    """Whether it is known to take and to make that; of text that is taken for granted."""
    return all(
        not wanted or wanted in (of[key] or ("text",))
        for key, wanted in (("input_modalities", takes), ("output_modalities", makes))
    )
