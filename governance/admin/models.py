"""GET /governance/api/models: what is known of each model."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from governance.admin.administered import Administered
from governance.admin.answered import Answered, NotDone
from governance.catalog import cards
from governance.model.errors import GovernanceError
from governance.usecases.who_serves import named_models, who_serves, words_of

MOST_ROWS: Final = 5_000

Filter = Annotated[str | None, Query(max_length=200)]


def routes(of: Administered) -> APIRouter:
    """The models of this worker."""
    router = APIRouter(prefix="/api", route_class=Answered)

    @router.get("/models", summary="What is known of each model")
    async def models(
        provider: Filter = None,
        modality: Filter = None,
        needed: Annotated[str | None, Query(alias="for", max_length=200)] = None,
        all: bool = False,
    ) -> dict[str, Any]:
        """As `governance models --json`: what the proxy serves by name, the policy names and providers list.

        With `for`, such as `image` or `audio,image_generation`, each says by `serves` and `why` whether it can serve
        a request that brings or wants that; those that can come first.
        """
        catalog = of.models.catalog
        try:
            words = words_of([needed]) if needed else ()
        except GovernanceError as error:
            raise NotDone(400, "invalid_request", f"for: {error}") from None
        # Thousands of cards take a while; requests shall not wait for them.
        if words:
            named, now_s = named_models(of.engine.host.policy), of.engine.clock()
            find = partial(who_serves, catalog, words, now_s, named=named, everything=all, provider=provider)
        else:
            find = partial(cards, catalog, provider, modality, everything=all)
        rows = await asyncio.to_thread(find)
        return {"models": rows[:MOST_ROWS], "left_out": max(0, len(rows) - MOST_ROWS)}

    return router
