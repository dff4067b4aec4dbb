"""What LiteLLM needs beside itself before a proxy with a database starts."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, Final

_CLIENT: Final = "prisma"


def missing_client(config: Mapping[str, Any], environment: Mapping[str, str]) -> str | None:
    """Who asks for a database, and what to install, where this machine's LiteLLM would not find its database client.

    Args:
        config: the proxy's `litellm.yaml`.

    Source: LiteLLM proxy/proxy_cli.py, 1.106.2: without the client it prints a line and ends with 1.
    """
    settings = config.get("general_settings")
    stated = isinstance(settings, dict) and settings.get("database_url")
    asked = "general_settings.database_url" if stated else "$DATABASE_URL" if environment.get("DATABASE_URL") else None
    if asked is None or find_spec(_CLIENT) is not None or shutil.which(_CLIENT) is not None:
        return None
    try:
        installed = version("litellm")
    except PackageNotFoundError:  # the proxy runs elsewhere
        return None
    return (
        f"{asked}: LiteLLM keeps its database through the package `{_CLIENT}`, which is not installed here; "
        f"pip install 'litellm[extra_proxy]=={installed}', or take the database out: keys of the policy need none"
    )
