"""The proxy's own file, `litellm.yaml`, as far as a decision depends on it: which models it serves.

Read without LiteLLM, so that a policy can be checked and explained where no proxy is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from governance.catalog import Catalog, Sources, installed_prices
from governance.discovery import Store
from governance.model.errors import PolicyError, Problem
from governance.policy.catalog import CatalogSettings


def read_catalog(file: Path | None, known: Sources | None = None) -> Catalog:
    """The catalogue of a proxy with this configuration; without one, every model is taken to be served.

    Args:
        known: what is known of models; left out, LiteLLM's model map.

    Raises:
        PolicyError: the file cannot be read or is not a LiteLLM configuration.
    """
    known = known or Sources(installed_prices())
    if file is None:
        return Catalog(None, known)
    return Catalog(read_deployments(file), known, _aliases(_read(file)))


def read_deployments(file: Path | None) -> list[dict[str, Any]]:
    """The entries of `model_list`; none without a file. Raises PolicyError as `read_catalog` does."""
    models = _read(file).get("model_list") or [] if file else []
    if not isinstance(models, list):
        raise PolicyError([Problem(str(file), 0, 0, "model_list", "must be a list of LiteLLM deployments")])
    return [entry for entry in models if _is_deployment(entry)]


def known_models(settings: CatalogSettings, environment: Mapping[str, str]) -> Sources:
    """What the policy, discovery and LiteLLM's model map know of models."""
    return settings.known(installed_prices(), Store(settings.cache_path(environment)).state)


def read_section(file: Path, name: str) -> dict[str, Any]:
    """A section such as `litellm_settings`; empty when there is none. Raises PolicyError as `read_catalog` does."""
    section = _read(file).get(name)
    return section if isinstance(section, dict) else {}


def read_config(file: Path) -> dict[str, Any]:
    """The whole file. Raises PolicyError as `read_catalog` does."""
    return _read(file)


def _read(file: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(file.read_text("utf-8"))
    except UnicodeDecodeError:
        raise PolicyError([Problem(str(file), 0, 0, "", "is not UTF-8 text")]) from None
    except OSError as error:
        raise PolicyError([Problem(str(file), 0, 0, "", f"cannot be read: {error.strerror}")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        raise PolicyError(
            [Problem(str(file), line, 0, "", f"not valid YAML: {getattr(error, 'problem', error)}")]
        ) from None
    if not isinstance(data, dict):
        raise PolicyError([Problem(str(file), 0, 0, "", "is no LiteLLM configuration: a mapping is expected")])
    return data


def _is_deployment(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("model_name"), str)


def _aliases(config: dict[str, Any]) -> dict[str, str]:
    settings = config.get("router_settings")
    named = settings.get("model_group_alias") if isinstance(settings, dict) else None
    if not isinstance(named, dict):
        return {}
    return {str(name): str(to.get("model", "") if isinstance(to, dict) else to) for name, to in named.items()}
