"""The review of a change: what differs, what that does, and what would have been right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, Response

from governance.admin.answered import NotDone
from governance.admin.policy_plan import Asked, planned
from governance.model.errors import GovernanceError
from governance.pages.changed import rows_of
from governance.pages.editing import Edited, open_policy
from governance.pages.render import Show
from governance.policy.patch import patch
from governance.policy.sections import SECTIONS
from governance.usecases.written_entry import changed_entry

Refused = Callable[[list[dict[str, Any]], str], Awaitable[Response]]


async def review(
    show: Show,
    request: Request,
    edited: Edited,
    written: str | Callable[[str], str] | None,
    refused: Refused,
    **more: Any,
) -> Response:
    """The page, or what `refused` makes of the problems and the text that has them.

    Args:
        written: the entry or the policy as it is to be, or what makes that of the one in force; None takes the entry
            out.
    """
    policy = open_policy(show)
    text: str | None = ""
    try:
        if callable(written):
            written = written(policy.text)
        text = changed_entry(policy.text, SECTIONS[edited.section], edited.name, written) if edited.section else written
        made, _ = await planned(show.of, Asked(policy=text or ""))
    except NotDone as error:
        return await refused(error.more.get("problems") or [{"message": error.message, "line": None}], text or "")
    except GovernanceError as error:
        return await refused([{"message": str(error), "line": None}], text or "")
    file = show.of.policies.source == "file"
    return await show.page(
        request,
        "review.html",
        plan=made,
        changes=rows_of(made.changes),
        effects=[f"{count} {effect.replace('_', ' ')}" for effect, count in made.effects.items() if count],
        warnings=made.warnings,
        tests=made.report()["tests"],
        candidate=text,
        edited={"text": written or "", **edited.values},
        comment=edited.comment,
        stale=edited.base != policy.revision,
        base_now=policy.revision,
        patch=patch(policy.text, text or "", show.of.policies.file.name) if file else None,
        file=show.of.policies.file,
        **{"key": None, **more},
    )
