"""The proxy's own file, `litellm.yaml`, as far as a decision depends on it: which models it serves.

Read without LiteLLM, so that a policy can be checked and explained where no proxy is installed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from governance.catalog import Catalog, Sources, installed_prices
from governance.catalog.adjustments import adjustments_in
from governance.model.errors import PolicyError, Problem
from governance.policy.left_out_models import custom_providers, why_left_out
from governance.policy.litellm_include import read_files

# What tells who a deployment is; its secrets stay where they are.
_READ_FROM_ENVIRONMENT: Final = ("model", "custom_llm_provider", "api_base", "base_url", "base_model")
_FROM_ENVIRONMENT: Final = "os.environ/"


def read_catalog(
    file: Path | None, known: Sources | None = None, environment: Mapping[str, str] | None = None
) -> Catalog:
    """The catalogue of a proxy with this configuration; without one, every model is taken to be served.

    Args:
        known: what is known of models; left out, LiteLLM's model map.
        environment: what `os.environ/…` means; left out, that of this process.

    Raises:
        PolicyError: the file cannot be read or is not a LiteLLM configuration.
    """
    known = known or Sources(installed_prices())
    if file is None:
        return Catalog(None, known)
    config = read_files(file)
    environment = _environment(config, environment)
    custom = custom_providers(config)
    read = (_with_variables(entry, environment) for entry in _deployments(config, file))
    entries = [entry for entry in read if not why_left_out(entry, custom, environment, known.model_map)]
    settings = config.get("litellm_settings")
    adjustments = adjustments_in(settings if isinstance(settings, dict) else {})
    elsewhere = models_in_database(config, environment) is not None
    return Catalog(entries, known, _aliases(config), adjustments, _routing_groups(config), elsewhere=elsewhere)


def left_out_entries(file: Path, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """A line for each entry of `model_list` that LiteLLM starts without. Raises PolicyError as `read_catalog`."""
    config = read_files(file)
    environment, custom = _environment(config, environment), custom_providers(config)
    for i, entry in enumerate(_deployments(config, file)):
        why = why_left_out(_with_variables(entry, environment), custom, environment, installed_prices())
        if why:
            yield f"model_list[{i}] ({entry['model_name']}): LiteLLM leaves it out: {why}"


def models_in_database(config: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> str | None:
    """Who says that LiteLLM's database has models beside those of its file; None where nobody does.

    Source: LiteLLM proxy/proxy_server.py and secret_managers/main.py (`str_to_bool`), 1.110.2.
    """
    settings = config.get("general_settings")
    if isinstance(settings, dict) and settings.get("store_model_in_db") is True:
        return "general_settings.store_model_in_db"
    stored = _environment(dict(config), environment).get("STORE_MODEL_IN_DB", "")
    return "$STORE_MODEL_IN_DB" if stored.strip().lower() == "true" else None


def _environment(config: dict[str, Any], given: Mapping[str, str] | None) -> dict[str, str]:
    return {**(os.environ if given is None else given), **_own_variables(config)}


def read_deployments(file: Path | None) -> list[dict[str, Any]]:
    """The entries of `model_list` as they are written; none without a file. Raises PolicyError as `read_catalog`."""
    return _deployments(read_files(file), file) if file else []


def _deployments(config: dict[str, Any], file: Path) -> list[dict[str, Any]]:
    models = config.get("model_list") or []
    if not isinstance(models, list):
        raise PolicyError([Problem(str(file), 0, 0, "model_list", "must be a list of LiteLLM deployments")])
    return [entry for entry in models if _is_deployment(entry)]


def _own_variables(config: dict[str, Any]) -> dict[str, str]:
    """Those that LiteLLM sets itself before it reads its models."""
    given = config.get("environment_variables")
    return {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}


def _with_variables(entry: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    params = entry.get("litellm_params")
    if not isinstance(params, dict):
        return entry
    read = {
        name: environment.get(value.removeprefix(_FROM_ENVIRONMENT)) or value
        for name in _READ_FROM_ENVIRONMENT
        if isinstance(value := params.get(name), str) and value.startswith(_FROM_ENVIRONMENT)
    }
    return {**entry, "litellm_params": {**params, **read}} if read else entry


def read_section(file: Path, name: str) -> dict[str, Any]:
    """A section such as `litellm_settings`; empty when there is none. Raises PolicyError as `read_catalog` does."""
    section = read_files(file).get(name)
    return section if isinstance(section, dict) else {}


def read_config(file: Path) -> dict[str, Any]:
    """The whole file, with those that it includes. Raises PolicyError as `read_catalog` does."""
    return read_files(file)


def _is_deployment(entry: Any) -> bool:
    # LiteLLM takes numbers and words for names too, as text.
    return isinstance(entry, dict) and entry.get("model_name", "") != ""


def _aliases(config: dict[str, Any]) -> dict[str, str]:
    settings = config.get("router_settings")
    named = settings.get("model_group_alias") if isinstance(settings, dict) else None
    if not isinstance(named, dict):
        return {}
    return {str(name): str(to.get("model", "") if isinstance(to, dict) else to) for name, to in named.items()}


def _routing_groups(config: dict[str, Any]) -> dict[str, list[str]]:
    settings = config.get("router_settings")
    given = settings.get("routing_groups") if isinstance(settings, dict) else None
    entries = [entry for entry in given if isinstance(entry, dict)] if isinstance(given, list) else []
    return {
        str(entry["group_name"]): [str(name) for name in entry["models"]]
        for entry in entries
        if "group_name" in entry and isinstance(entry.get("models"), list)
    }
