"""POST, PUT, DELETE and PATCH of /governance/api/rules, /profiles, /limits, …: one entry of the policy changed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from datetime import datetime, timezone
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from governance.admin.access import author_of
from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone
from governance.admin.entries import BY_NAME
from governance.admin.frozen import refuse_while_frozen
from governance.admin.in_force import base_of, etag, policy_is_a_file
from governance.admin.looked_at import guarded
from governance.admin.refused_changes import refusals
from governance.engine.host import Host
from governance.policy.environment import within
from governance.policy.names import LONGEST_NAME
from governance.policy.sections import SECTIONS, Section
from governance.policy.yaml_text import NotEditable
from governance.usecases import entries
from governance.usecases.change_entry import EntryOutcome, Stale, change_entry, effects
from governance.usecases.change_policy import LONGEST_COMMENT, Applied, Unchanged
from governance.usecases.guard import GUARDED_WITHIN_S
from governance.usecases.revisions import row

_LONGEST_TAG = 200
_MOST_NAMES = 100_000

IfMatch = Annotated[
    str | None,
    Header(max_length=_LONGEST_TAG, description="the etag of the policy that the change was made from, or `*`"),
]

Comment = Annotated[str, Query(max_length=LONGEST_COMMENT, description="why; kept with the revision")]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    comment: str = Field(default="", max_length=LONGEST_COMMENT, description="why; kept with the revision")


class NewEntry(_Given):
    """An entry that is to be added, the last of its section."""

    name: str | None = Field(default=None, description="may be left out where the entry itself holds its `name`")
    entry: Any = Field(description="as the policy reference says it")


class GivenEntry(_Given):
    """An entry as it is to be from now on: what it does not say is not kept."""

    entry: Any = Field(description="as the policy reference says it; in a list, `name` may be a new one")


class GivenOrder(_Given):
    """The order of a list."""

    order: list[Annotated[str, Field(max_length=LONGEST_NAME)]] = Field(
        max_length=_MOST_NAMES, description="the names of all entries, each once"
    )


class EntryChanged(BaseModel):
    """What was done."""

    name: str | None = Field(description="of the entry, after the change; null where it is gone or all were meant")
    changed: bool = Field(description="false: the policy said so already")
    revision: dict[str, Any] = Field(description="the revision that is in force now")
    changes: list[dict[str, Any]] | None = Field(description="with their effects, as a plan tells them")


def routes(of: Administered) -> APIRouter:
    """For admins. Where the file is the truth, each tells the patch to commit."""
    router = APIRouter(prefix="/api", route_class=Answered)
    for section in SECTIONS.values():
        where = f"`{'.'.join(section.at)}`"
        one, all = f"/{section.word}/{BY_NAME}", f"/{section.word}"
        add = partial(router.add_api_route, response_model=EntryChanged)
        add(all, _create(of, section), methods=["POST"], status_code=201, summary=f"Add an entry to {where}")
        add(one, _replace(of, section), methods=["PUT"], summary=f"Replace an entry of {where}")
        add(one, _remove(of, section), methods=["DELETE"], summary=f"Take an entry out of {where}")
        if section.kind == "list":
            add(all, _reorder(of, section), methods=["PATCH"], summary=f"Reorder the entries of {where}")
    return router


Page = Callable[..., Coroutine[Any, Any, Response]]


def _create(of: Administered, section: Section) -> Page:
    async def create_entry(request: Request, given: NewEntry, if_match: IfMatch = None) -> Response:
        named = given.entry.get("name") if isinstance(given.entry, dict) and section.kind == "list" else None
        name = given.name if given.name is not None else named
        if not isinstance(name, str):
            raise NotDone(400, "invalid_request", "name: is required, beside the entry or in it")
        change = entries.Create(name, given.entry)
        return await changed(of, request, section, change, if_match, given.comment, 201)

    return create_entry


def _replace(of: Administered, section: Section) -> Page:
    async def replace_entry(request: Request, name: str, given: GivenEntry, if_match: IfMatch = None) -> Response:
        change = entries.Replace(name, given.entry)
        return await changed(of, request, section, change, if_match, given.comment)

    return replace_entry


def _remove(of: Administered, section: Section) -> Page:
    async def remove_entry(request: Request, name: str, comment: Comment = "", if_match: IfMatch = None) -> Response:
        return await changed(of, request, section, entries.Remove(name), if_match, comment)

    return remove_entry


def _reorder(of: Administered, section: Section) -> Page:
    async def reorder_entries(request: Request, given: GivenOrder, if_match: IfMatch = None) -> Response:
        change = entries.Reorder(tuple(given.order))
        return await changed(of, request, section, change, if_match, given.comment)

    return reorder_entries


async def changed(
    of: Administered,
    request: Request,
    section: Section,
    change: entries.EntryChange,
    if_match: str | None,
    comment: str = "",
    status: int = 200,
) -> Response:
    """The answer to a change of one entry, which is made. Raises NotDone, StoreUnavailable."""
    outcome = await make(of, request, section, change, if_match, comment)
    told = await asyncio.to_thread(effects, outcome, of.policies.settings, os.environ)
    named = isinstance(change, entries.Create | entries.Replace)
    answer = EntryChanged(
        name=entries.name_after(section, change) if named else None,  # type: ignore[arg-type]
        changed=isinstance(outcome, Applied),
        revision=row(outcome.revision),
        changes=told,
    )
    return JSONResponse(answer.model_dump(mode="json"), status, {"etag": etag(outcome.revision.hash)})


async def make(
    of: Administered,
    request: Request,
    section: Section,
    change: entries.EntryChange,
    if_match: str | None,
    comment: str = "",
) -> Applied | Unchanged:
    """Change one entry of the policy in force. Raises NotDone, StoreUnavailable."""
    with refusals():
        try:
            if of.policies.source == "file":
                raise await asyncio.to_thread(_to_commit, of, section, change)
            await refuse_while_frozen(of)
            outcome: EntryOutcome = await guarded(
                of,
                partial(
                    change_entry,
                    section=section,
                    change=change,
                    base=base_of(if_match),
                    file=of.policies.settings,
                    environment=os.environ,
                    author=author_of(request),
                    comment=comment,
                    now=datetime.now(timezone.utc),
                ),
                GUARDED_WITHIN_S,
            )
        except entries.BadEntry as error:
            raise NotDone(400, "invalid_request", str(error)) from None
        except entries.NoSuchEntry as error:
            raise NotDone(404, "no_such_entry", str(error)) from None
        except entries.NameTaken as error:
            raise NotDone(409, "name_taken", str(error)) from None
        except NotEditable as error:
            raise NotDone(409, "edit_by_hand", f"{error}; then apply the policy as a whole") from None
    if isinstance(outcome, Stale):
        raise _stale(outcome)
    of.policies.look_soon()
    return outcome


def _to_commit(of: Administered, section: Section, change: entries.EntryChange) -> NotDone:
    policy = of.engine.host.policy
    text = entries.with_change(policy.text, section, change)
    Host.parse(text, "policy", within(os.environ, of.policies.settings.access.environment))
    return policy_is_a_file(of, text)


def _stale(outcome: Stale) -> NotDone:
    active = outcome.conflict.active
    message = (
        f"the policy in force is revision {active.id} by {active.author or 'somebody'} and not the one that your "
        "change was made from; look at the entry again, and change it there"
    )
    more = {} if outcome.merged is None else outcome.merged.report()
    return NotDone(412, "stale_base", message, {"etag": etag(active.hash)}, active=row(active), **more)
