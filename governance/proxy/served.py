"""The deployment that has served an answer, and what is known of it: of several in one group, one may be free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litellm.proxy import proxy_server

from governance.catalog import Catalog, Sources
from governance.model import ModelFacts

_MOST: Final = 4096


class ServedFacts:
    """Facts of deployments by LiteLLM's id of them, for as long as the model list and the sources stay as they are."""

    def __init__(self) -> None:
        self._of: Catalog | None = None
        self._facts: dict[tuple[str, str], ModelFacts] = {}

    def facts(self, kwargs: Mapping[str, Any], answer: Any, catalog: Catalog) -> ModelFacts | None:
        """What is known of the deployment that LiteLLM names in a success event; None where it names none of its own.

        Args:
            kwargs, answer: of the event.
            catalog: of the router's list as it is now.
        """
        deployment_id = served_id(kwargs, answer)
        # Who asks after a response names no model.
        model = str(kwargs.get("model") or getattr(answer, "model", None) or "")
        router = proxy_server.llm_router
        if router is None or not deployment_id:
            return None
        if catalog is not self._of or len(self._facts) > _MOST:
            self._of = catalog
            self._facts.clear()
        known = self._facts.get((deployment_id, model))
        if known is None:
            deployment = router.get_deployment(deployment_id)
            if deployment is None:
                return None
            entry = deployment.model_dump(exclude_none=True)
            known = _facts(entry, model, str(kwargs.get("custom_llm_provider") or ""), catalog.sources)
            self._facts[deployment_id, model] = known
        return known


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


def _facts(entry: Mapping[str, Any], model: str, provider: str, sources: Sources) -> ModelFacts:
    params = entry.get("litellm_params") or {}
    written = str(params.get("model") or "")
    # Of a wildcard, what it was asked for.
    called = model if "*" in written else written
    if provider and not called.startswith(f"{provider}/"):
        called = f"{provider}/{called}"
    alone = {**entry, "model_name": called, "litellm_params": {**params, "model": called}}
    # A team's own is served to that team alone; what it costs is no secret here.
    info = {name: value for name, value in (entry.get("model_info") or {}).items() if not name.startswith("team_")}
    return Catalog([{**alone, "model_info": info}], sources).facts(called)
