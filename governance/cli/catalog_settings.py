"""What the policy's section `catalog` says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from governance.cli.terminal import policy_path

if TYPE_CHECKING:
    from governance.discovery import Source
    from governance.policy import Policy
    from governance.policy.catalog import CatalogSettings

ProviderOption = Annotated[str | None, typer.Option("--provider", help="only this provider, e.g. openai")]


def given_policy(policy: Path | None) -> Policy | None:
    """The policy that is named, or the one that lies here. Raises PolicyError."""
    from governance.engine.host import Host

    path = policy_path(policy)
    named = policy is not None or "GOVERNANCE_POLICY" in os.environ
    return Host.load(path).policy if named or path.exists() else None


def settings_of(policy: Policy | None) -> CatalogSettings:
    """The section `catalog` of a policy that is read; without one, the default."""
    from governance.policy.catalog import CatalogSettings

    return policy.core.catalog if policy else CatalogSettings()


def shown_address(policy: Policy | None, source: Source, key: Literal["api_base", "docs_url"]) -> str:
    """Where a provider's models are read from, for people: with `${NAME}` as the policy says it."""
    address: str = getattr(source, key)
    if policy is None:
        return address
    given = getattr(policy.core.catalog.discovery.providers.get(source.name), key, None)
    written = policy.written.get(("catalog", "discovery", "providers", source.name, key))
    return written if written and given else address
