"""What a provider keeps of a conversation: its ids as LiteLLM gives them out, and the deployment that has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from litellm.exceptions import APIError
from litellm.proxy.hooks.responses_id_security import ResponsesIDSecurity

from governance.catalog import Catalog
from governance.engine.held import conflict
from governance.model import Request
from governance.model.printable import printable


def opened(body: Mapping[str, Any]) -> dict[str, Any]:
    """The id of the response before, without what LiteLLM has sealed it in: whose it is."""
    sealed = body.get("previous_response_id")
    if not isinstance(sealed, str) or not sealed.startswith("resp_"):
        return {}
    found, *_ = ResponsesIDSecurity()._decrypt_response_id(sealed)
    return {"previous_response_id": found}


def having(request: Request, deployments: Sequence[Any], model: str, catalog: Catalog) -> list[Any]:
    """Those of LiteLLM's deployments that have what the request refers to; who made it goes before its neighbours.

    Raises:
        APIError: none of them has it, with status 409.
    """
    if not request.held:
        return list(deployments)
    able = [
        entry for entry in deployments if all(catalog.has(_id(entry), held) or _unknown(entry) for held in request.held)
    ]
    if not able:
        what = ", ".join(dict.fromkeys(held.what for held in request.held))
        refusal = conflict(what, "what has it cannot serve now", retry_after_s=1)
        # With num_retries=0 LiteLLM repeats nothing; the hops that were decided have it too.
        raise APIError(409, printable(refusal.message), llm_provider="governance", model=model, num_retries=0)
    makers = {held.deployment for held in request.held}
    return [entry for entry in able if _id(entry) in makers] or able


def _id(entry: Any) -> str:
    info = entry.get("model_info") if isinstance(entry, Mapping) else None
    return str(info.get("id") or "") if isinstance(info, Mapping) else ""


def _unknown(entry: Any) -> bool:
    return not _id(entry)
