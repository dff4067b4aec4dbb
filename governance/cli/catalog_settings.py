"""What the policy's section `catalog` says, and where discovery keeps what it has read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from governance.cli.terminal import policy_path

if TYPE_CHECKING:
    from governance.discovery import Store
    from governance.policy.catalog import CatalogSettings

ProviderOption = Annotated[str | None, typer.Option("--provider", help="only this provider, e.g. openai")]


def catalog_settings(policy: Path | None) -> CatalogSettings:
    """The policy's section `catalog`; without a policy, the default. Raises PolicyError."""
    from governance.engine.host import Host
    from governance.policy.catalog import CatalogSettings

    path = policy_path(policy)
    named = policy is not None or "GOVERNANCE_POLICY" in os.environ
    return Host.load(path).policy.core.catalog if named or path.exists() else CatalogSettings()


def store_of(settings: CatalogSettings) -> Store:
    """The file that keeps what discovery reads, with what is in it now."""
    from governance.discovery import Store

    store = Store(settings.cache_path(os.environ))
    _ = store.state
    return store
