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
    hidden = getattr(answer, "_hidden_params", None)
    logged = kwargs.get("standard_logging_object")
    params = kwargs.get("litellm_params")
    buckets = [params.get(name) for name in ("litellm_metadata", "metadata")] if isinstance(params, Mapping) else []
    infos = [bucket.get("model_info") for bucket in buckets if isinstance(bucket, Mapping)]
    told = (
        hidden.get("model_id") if isinstance(hidden, Mapping) else None,
        logged.get("model_id") if isinstance(logged, Mapping) else None,
        *(info.get("id") for info in infos if isinstance(info, Mapping)),
    )
    return next((found for found in told if isinstance(found, str) and found), "")
