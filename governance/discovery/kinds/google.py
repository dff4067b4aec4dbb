"""Google's `GET /v1beta/models` of the Gemini API: pages with limits and the methods of each model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from governance.discovery.fields import count, flag, model_name, said, text, words
from governance.discovery.kinds.listing import check_page, listing_url, models_of
from governance.discovery.outbound import Outbound
from governance.discovery.source import Found

# Only what a method tells without doubt: `generateContent` also makes images and speech.
_MODES: Final = {"embedcontent": "embedding", "predictlongrunning": "video_generation", "predict": "image_generation"}


async def read(outbound: Outbound) -> list[Found]:
    """All models of all pages."""
    source, found, token, seen = outbound.source, [], None, set[object]()
    while True:
        # The key goes into a header: addresses are written to logs.
        page = await outbound.json(
            listing_url(source, pageSize=1000, pageToken=token), {"x-goog-api-key": source.key} if source.key else {}
        )
        for item in models_of(page, "models"):
            name = model_name(item.get("name"))
            if name:
                found.append(Found(name.removeprefix("models/"), _entry(item)))
        token = text(page.get("nextPageToken"))
        if token is None:
            return found
        check_page(source, len(seen), token, seen)


def _entry(item: Mapping[str, Any]) -> dict[str, Any]:
    methods = words(item.get("supportedGenerationMethods")) or []
    mode = None if "generatecontent" in methods else next((_MODES[m] for m in methods if m in _MODES), None)
    return said(
        mode=mode,
        display_name=text(item.get("displayName")),
        max_input_tokens=count(item.get("inputTokenLimit")),
        max_output_tokens=count(item.get("outputTokenLimit")),
        supports_reasoning=flag(item.get("thinking")),
    )
