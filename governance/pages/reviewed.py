"""The review of a change: what differs, what that does, and what would have been right."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from fastapi import Request, Response

from governance.admin.answered import NotDone
from governance.admin.policy_plan import Asked, planned
from governance.model.errors import GovernanceError
from governance.pages.backtests import looked_at
from governance.pages.changed import rows_of
from governance.pages.editing import Edited, open_policy
from governance.pages.meanwhile import at_odds, put_together
from governance.pages.render import Show
from governance.policy import Policy
from governance.policy.patch import patch
from governance.policy.sections import SECTIONS
from governance.usecases.merge_change import MergedChange
from governance.usecases.written_entry import changed_entry

Written = str | Callable[[str], str] | None
Refused = Callable[[list[dict[str, Any]], str], Awaitable[Response]]


async def review(
    show: Show,
    request: Request,
    edited: Edited,
    written: Written,
    refused: Refused,
    **more: Any,
) -> Response:
    """The page, or what `refused` makes of the problems and the text that has them.

    Args:
        written: the entry or the policy as it is to be, or what makes that of the one in force; None takes the entry
            out.
    """
    policy, stale = open_policy(show), False
    text = ""
    try:
        if edited.base != policy.revision:
            stale = True
            found = await put_together(show, edited.base, policy.text, partial(_changed, edited, written))
            if found is None or found[0].text is None:
                return await _left_to_the_writer(show, request, edited, written, found, policy)
            text = found[0].text
        else:
            text = await asyncio.to_thread(_changed, edited, written, policy.text)
        made, _ = await planned(show.of, Asked(policy=text))
    except NotDone as error:
        return await refused(error.more.get("problems") or [{"message": error.message, "line": None}], text)
    except GovernanceError as error:
        return await refused([{"message": str(error), "line": None}], text)
    file = show.of.policies.source == "file"
    return await show.page(
        request,
        "review.html",
        plan=made,
        changes=rows_of(made.changes),
        effects=[f"{count} {effect.replace('_', ' ')}" for effect, count in made.effects.items() if count],
        warnings=made.warnings,
        tests=(await asyncio.to_thread(made.report))["tests"],
        candidate=text,
        edited={"text": (text if callable(written) else written) or "", **edited.values},
        comment=edited.comment,
        stale=stale,
        base_now=policy.revision,
        patch=patch(policy.text, text, show.of.policies.file.name) if file else None,
        file=show.of.policies.file,
        **await looked_at(show, request, made, text),
        **{"key": None, **more},
    )


def _changed(edited: Edited, written: Written, policy: str) -> str:
    """The text of a policy with what was written in it."""
    if callable(written):
        return written(policy)
    return changed_entry(policy, SECTIONS[edited.section], edited.name, written) if edited.section else written or ""


async def _left_to_the_writer(
    show: Show,
    request: Request,
    edited: Edited,
    written: Written,
    found: tuple[MergedChange, str] | None,
    policy: Policy,
) -> Response:
    """Nobody can put the change into the policy of now; nothing of it is lost."""
    said = {"base": policy.revision, "comment": edited.comment}
    if found is not None:
        return await at_odds(show, request, found[0], text=found[1], section="", name="", **said)
    if callable(written):
        return await at_odds(show, request, None, text=written(policy.text), section="", name="", **said)
    return await at_odds(show, request, None, text=written, section=edited.section, name=edited.name, **said)
