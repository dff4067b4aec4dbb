"""Style and script, under names that hold their hash: a browser keeps them for ever, and never keeps an old one."""

from __future__ import annotations

from fastapi import APIRouter, Response

from governance.pages.answered import UI, Shown
from governance.pages.assets import ASSETS
from governance.pages.not_shown import NotShown


def routes() -> APIRouter:
    """For everybody: nothing in them is about anybody."""
    router = APIRouter(prefix=UI, route_class=Shown)

    @router.get("/static/{name}")
    async def static(name: str) -> Response:
        asset = ASSETS.by_hashed_name.get(name)
        if asset is None:
            raise NotShown(404, "there is no such file; the page that asked is of another version")
        return Response(
            asset.content,
            media_type=asset.media_type,
            headers={"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"},
        )

    return router
