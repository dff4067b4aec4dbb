"""What comes of a change: it is in force, or somebody was faster, and then nothing that was written is lost."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from typing import Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from governance.model.errors import PolicyError
from governance.pages.not_shown import NotShown
from governance.pages.render import Show
from governance.policy.diff import MISSING
from governance.policy.diff_effects import Change
from governance.usecases.change_policy import Conflict, Outcome
from governance.usecases.merge_change import MergedChange, merge_into
from governance.usecases.plan import place


async def conclude(show: Show, request: Request, outcome: Outcome, text: str | None, comment: str) -> Response:
    """The page after a change.

    Args:
        text: what was to be put in force; None for an old revision.
    """
    if not isinstance(outcome, Conflict):
        show.of.policies.look_soon()
        return RedirectResponse(f"/governance/ui/applied/{outcome.revision.id}", 303)
    active = outcome.active
    if text is None:
        message = (
            f"the policy in force is revision {active.id} by {active.author or 'somebody'} and no longer the one that "
            "you saw; look at it, and decide again"
        )
        raise NotShown(412, message)
    merged = await _merged(show, outcome, text)
    return await show.page(
        request,
        "conflict.html",
        status=412,
        active=active,
        text=text,
        comment=comment,
        merged=None if merged is None else merged.text,
        conflicts=[] if merged is None else rows_at_odds(merged.conflicts),
        base=active.hash,
        section="",
        name="",
    )


def rows_of(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Changes as a page shows them: values as text, None where there is none."""
    return [
        {
            "kind": change.kind,
            "where": place(change.path) or "the policy",
            "before": _text(change.before),
            "after": _text(change.after),
            "effects": list(change.effects),
        }
        for change in changes
    ]


def rows_at_odds(conflicts: Iterable[Any]) -> list[dict[str, Any]]:
    """What two people changed, each otherwise, as a page shows it."""
    return [_at_odds(conflict) for conflict in conflicts]


def _at_odds(conflict: Any) -> dict[str, Any]:
    values = {"base": conflict.base, "mine": conflict.mine, "theirs": conflict.theirs}
    return {"where": place(conflict.path), **{name: _text(value) for name, value in values.items()}}


def _text(value: Any) -> str | None:
    return None if value is MISSING else value if isinstance(value, str) else json.dumps(value, default=str)


async def _merged(show: Show, conflict: Conflict, text: str) -> MergedChange | None:
    merge: Any = partial(merge_into, base=conflict.base, mine=text, in_force=conflict.active.yaml)
    try:
        found: MergedChange | None = await show.of.policies.ask(merge)
    except PolicyError:  # a damaged revision has nothing to merge with
        return None
    return found
