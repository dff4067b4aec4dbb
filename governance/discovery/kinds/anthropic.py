"""Anthropic's `GET /v1/models`: pages with limits and capabilities.

Source: the Models API, as in `anthropic.types.ModelInfo` of Anthropic's SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from governance.discovery.fields import count, flag, inside, model_name, said, text
from governance.discovery.kinds.listing import check_page, listing_url, models_of
from governance.discovery.outbound import Outbound
from governance.discovery.source import Found

_CAPABILITIES: Final = {
    "supports_vision": "image_input",
    "supports_pdf_input": "pdf_input",
    "supports_response_schema": "structured_outputs",
    "supports_reasoning": "thinking",
}


async def read(outbound: Outbound) -> list[Found]:
    """All models of all pages, without those that are retired: they cannot be called any more."""
    source, found, after, seen = outbound.source, [], None, set[object]()
    headers = {"x-api-key": source.key, "anthropic-version": "2023-06-01"}
    while True:
        page = await outbound.json(listing_url(source, limit=1000, after_id=after), headers)
        found += [
            Found(name, _entry(item))
            for item in models_of(page, "data")
            if (name := model_name(item.get("id"))) and item.get("lifecycle") != "retired"
        ]
        after = text(page.get("last_id"))
        if page.get("has_more") is not True or after is None:
            return found
        check_page(source, len(seen), after, seen)


def _entry(item: Mapping[str, Any]) -> dict[str, Any]:
    able = {key: flag(inside(item, "capabilities", name, "supported")) for key, name in _CAPABILITIES.items()}
    return said(
        mode="chat",
        display_name=text(item.get("display_name")),
        max_input_tokens=count(item.get("max_input_tokens")),
        max_output_tokens=count(item.get("max_tokens")),
        deprecation_date=text(item.get("retires_at")),
        **able,
    )
