"""OpenAI's `GET /models`, and that of the many that speak like it.

OpenAI itself tells names only. Others add fields: Groq `context_window`, `max_completion_tokens` and `active`, vLLM
`max_model_len`, Mistral `capabilities` and `max_context_length`, Together a `type`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from governance.discovery.fields import count, flag, inside, model_name, said, text
from governance.discovery.kinds.listing import bearer, listing_url, models_of
from governance.discovery.outbound import Outbound
from governance.discovery.source import Found

_CONTEXT: Final = ("context_window", "context_length", "max_context_length", "max_model_len")
_MODES: Final = {
    "chat": "chat",
    "language": "completion",
    "embedding": "embedding",
    "image": "image_generation",
    "rerank": "rerank",
    "moderation": "moderation",
}


async def read(outbound: Outbound) -> list[Found]:
    """All models on the only page there is."""
    answer = await outbound.json(listing_url(outbound.source), bearer(outbound.source))
    # Some answer with the bare list.
    listed = models_of({"data": answer} if isinstance(answer, list) else answer, "data")
    return [Found(name, _entry(item)) for item in listed if (name := model_name(item.get("id"))) and _on(item)]


def _on(item: Mapping[str, Any]) -> bool:
    return item.get("active") is not False


def _entry(item: Mapping[str, Any]) -> dict[str, Any]:
    chats = flag(inside(item, "capabilities", "completion_chat"))
    return said(
        mode="chat" if chats else _MODES.get(str(item.get("type"))),
        display_name=text(item.get("display_name")) or text(item.get("name")),
        max_input_tokens=next((n for key in _CONTEXT if (n := count(item.get(key)))), None),
        max_output_tokens=count(item.get("max_completion_tokens")),
        supports_vision=flag(inside(item, "capabilities", "vision")),
        supports_function_calling=flag(inside(item, "capabilities", "function_calling")),
    )
