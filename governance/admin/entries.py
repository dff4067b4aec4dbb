"""GET /governance/api/rules, /profiles, /limits, …: the entries of the policy in force, each by its name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone
from governance.admin.in_force import InForce, in_force
from governance.policy.document import Written
from governance.policy.sections import SECTIONS, Section
from governance.usecases.entries import NoSuchEntry, Shown, shown_entries, shown_entry, shown_written

MOST_ROWS: Final = 1_000
# Names hold strokes: those of models do.
BY_NAME: Final = "{name:path}"

Limit = Annotated[int, Query(ge=1, le=MOST_ROWS)]
Cursor = Annotated[str | None, Query(pattern=r"^[0-9]{1,9}$")]


class EntryShown(BaseModel):
    """One entry of the policy in force, as it is written there."""

    name: str
    entry: Any = Field(description="what the policy says; a secret that stands there itself is `********`")
    line: int = Field(description="of the policy's text, counted from 1")


class Whence(BaseModel):
    """Where entries come from, and whether they can be changed here."""

    etag: str = Field(description="of the policy as a whole: the `if-match` of a change that is made from this")
    source: str = Field(description="`file` or `database`")
    editable: bool
    file: str = Field(description="the policy file of this proxy; with `source: file` a line is one of it")


class EntriesPage(Whence):
    """The entries of one section, in its order."""

    entries: list[EntryShown]
    cursor: str | None = Field(description="the parameter `cursor` of the next page; null: there is none")


class OneEntry(Whence, EntryShown):
    """One entry, and where it comes from."""


def routes(of: Administered) -> APIRouter:
    """For viewers, too."""
    router = APIRouter(prefix="/api", route_class=Answered)
    for section in SECTIONS.values():
        router.add_api_route(
            f"/{section.word}",
            _all(of, section),
            response_model=EntriesPage,
            summary=f"The entries of `{'.'.join(section.at)}`",
        )
        router.add_api_route(
            f"/{section.word}/{BY_NAME}",
            _one(of, section),
            response_model=OneEntry,
            summary=f"One entry of `{'.'.join(section.at)}`",
        )
    return router


Page = Callable[..., Coroutine[Any, Any, Any]]


def _all(of: Administered, section: Section) -> Page:
    async def entries(response: Response, limit: Limit = 200, cursor: Cursor = None) -> EntriesPage:
        policy = await in_force(of)
        loaded, first = of.engine.stated.policy, int(cursor or 0)
        if loaded.text == policy.text:
            found: Sequence[Shown | Written] = loaded.entries.get(section.word, ())
        else:
            # This worker has not followed yet.
            found = await asyncio.to_thread(shown_entries, policy.text, section)
        _tell(response, policy)
        shown = (each if isinstance(each, Shown) else shown_written(each) for each in found[first : first + limit])
        return EntriesPage(
            entries=[_row(each) for each in shown],
            cursor=str(first + limit) if first + limit < len(found) else None,
            **_whence(of, policy),
        )

    return entries


def _one(of: Administered, section: Section) -> Page:
    async def entry(response: Response, name: str) -> OneEntry:
        policy = await in_force(of)
        try:
            found = shown_entry(policy.text, section, name)
        except NoSuchEntry as error:
            raise NotDone(404, "no_such_entry", str(error)) from None
        _tell(response, policy)
        return OneEntry(**_row(found).model_dump(), **_whence(of, policy))

    return entry


def _row(found: Shown) -> EntryShown:
    return EntryShown(name=found.name, entry=found.value, line=found.line)


def _whence(of: Administered, policy: InForce) -> dict[str, Any]:
    return {
        "etag": policy.etag,
        "source": policy.source,
        "editable": policy.editable,
        "file": str(of.policies.file),
    }


def _tell(response: Response, policy: InForce) -> None:
    response.headers["etag"] = policy.etag
    response.headers["cache-control"] = "no-store"
