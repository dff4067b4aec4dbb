"""Entries of LiteLLM's `model_list` that it starts without, and why: its proxy logs them and goes on."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from governance.catalog import PROVIDERS
from governance.catalog.addresses import provider_at
from governance.catalog.identity import inferred_provider

_ENVIRONMENT: Final = "LITELLM_ENVIRONMENT"
_FROM_ENVIRONMENT: Final = "os.environ/"
_NAMES_ARE_TEXT_BEFORE: Final = (1, 110)


def custom_providers(config: Mapping[str, Any]) -> frozenset[str]:
    """Those that the proxy's file brings itself: `litellm_settings.custom_provider_map`."""
    settings = config.get("litellm_settings")
    given = settings.get("custom_provider_map") if isinstance(settings, Mapping) else None
    entries = given if isinstance(given, list) else []
    return frozenset(str(entry["provider"]) for entry in entries if isinstance(entry, Mapping) and "provider" in entry)


def why_left_out(
    entry: Mapping[str, Any], custom: Collection[str], environment: Mapping[str, str], model_map: Mapping[str, Any]
) -> str:
    """Why LiteLLM serves without this entry; "" where it does not, or where nobody can tell from here.

    Args:
        entry: with variables filled in, as far as they are set.
        custom: providers that LiteLLM does not come with.

    Source: LiteLLM 1.106-1.110, router.py `_create_deployment`, `_add_deployment`, get_llm_provider_logic.py.
    """
    if not isinstance(entry.get("model_name"), str) and installed_litellm() < _NAMES_ARE_TEXT_BEFORE:
        return f"`model_name: {entry.get('model_name')}` is no text; put it in quotes"
    params, info = entry.get("litellm_params"), entry.get("model_info")
    allowed = info.get("supported_environments") if isinstance(info, Mapping) else None
    here = environment.get(_ENVIRONMENT, "")
    if allowed is not None and (not isinstance(allowed, list) or here not in allowed):
        return f"it is not for the environment `{here}`" if here else f"it needs {_ENVIRONMENT}, which is not set"
    if not isinstance(params, Mapping) or not isinstance(params.get("model"), str) or not params["model"]:
        return "it needs `litellm_params.model`"
    model, named = params["model"], params.get("custom_llm_provider")
    if model.startswith(_FROM_ENVIRONMENT):
        return ""
    # LiteLLM takes its providers in their own case alone.
    provider = str(named) if named else model.partition("/")[0] if "/" in model else ""
    if provider in PROVIDERS or provider in custom:
        return ""
    if named:
        return f"`{named}` is no provider of LiteLLM's"
    address = str(params.get("api_base") or params.get("base_url") or "")
    if provider_at(address) or inferred_provider(model, model_map):
        return ""
    return f"LiteLLM cannot tell the provider of `{model}`; write it as provider/model"


@lru_cache(maxsize=1)
def installed_litellm() -> tuple[int, int]:
    """The line of the LiteLLM beside us, such as (1, 108); where there is none, one that is newer than all."""
    try:
        found = re.match(r"(\d+)\.(\d+)", version("litellm"))
    except PackageNotFoundError:
        found = None
    return (int(found[1]), int(found[2])) if found else (1 << 30, 0)
