"""A change that was begun from a policy which is no longer in force: put into the one of now, or shown beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import Request, Response

from governance.model.errors import PolicyError, StoreUnavailable
from governance.pages.changed import rows_at_odds
from governance.pages.render import Show
from governance.usecases import revisions
from governance.usecases.merge_change import MergedChange, merge_change


async def put_together(
    show: Show, base: str, in_force: str, change: Callable[[str], str]
) -> tuple[MergedChange, str] | None:
    """The change, made of the policy that its writer saw and merged into the one in force, and what it was unmerged.

    None where nobody keeps what the writer saw. Raises GovernanceError where the change makes no sense there.

    Args:
        base: the hash of the policy that the writer saw.
    """
    if show.of.policies.source == "file":
        return None
    try:
        found = await show.of.policies.ask(partial(revisions.by_hash, hash=base))
    except StoreUnavailable:
        return None
    if found is None:
        return None

    def merged() -> tuple[MergedChange, str]:
        mine = change(found.yaml)
        try:
            return merge_change(found.yaml, mine, in_force), mine
        except PolicyError:  # what is written is no document, which is told where it is checked
            return MergedChange(mine, ()), mine

    return await asyncio.to_thread(merged)


async def at_odds(show: Show, request: Request, merged: MergedChange | None, **written: Any) -> Response:
    """The page that leaves it to the writer; nothing was done.

    Args:
        merged: None where nobody can tell what was changed.
        written: `text`, with `section` and `name` for one entry of the policy, `comment`, and the `base` of now.
    """
    active = None if merged is None else await show.of.policies.ask(revisions.show)
    return await show.page(
        request,
        "conflict.html",
        status=412,
        active=active,
        merged=None,
        conflicts=[] if merged is None else rows_at_odds(merged.conflicts),
        **written,
    )
