"""The deployment that has served an answer: of several in one group, one may be free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def called(kwargs: Mapping[str, Any], answer: Any) -> str:
    """The `provider/model` that LiteLLM called; the model alone where it names no provider, "" where it names neither.

    Args:
        kwargs, answer: of LiteLLM's success event.
    """
    # Who asks after a response names no model.
    model = str(kwargs.get("model") or getattr(answer, "model", None) or "")
    provider = str(kwargs.get("custom_llm_provider") or "")
    return f"{provider}/{model}" if model and provider and not model.startswith(f"{provider}/") else model


def served_id(kwargs: Mapping[str, Any], answer: Any) -> str:
    """LiteLLM's id of the deployment that served; "" where it does not tell."""
    for told in (getattr(answer, "_hidden_params", None), kwargs.get("standard_logging_object")):
        found = told.get("model_id") if isinstance(told, Mapping) else None
        if isinstance(found, str) and found:
            return found
    params: Any = kwargs.get("litellm_params")
    for name in ("litellm_metadata", "metadata") if isinstance(params, Mapping) else ():
        bucket = params.get(name)
        info = bucket.get("model_info") if isinstance(bucket, Mapping) else None
        found = info.get("id") if isinstance(info, Mapping) else None
        if isinstance(found, str) and found:
            return found
    return ""
