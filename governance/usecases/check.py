"""What a valid policy holds that can never work, or soon will not, on this proxy."""

from __future__ import annotations

from pathlib import Path

from governance.catalog import Catalog
from governance.engine.foreseen import unpriced_warnings
from governance.engine.host import Host
from governance.engine.retiring import retirement_warnings
from governance.policy.database import missing_client
from governance.policy.double_limits import double_limits
from governance.policy.litellm_file import left_out_entries, read_config


def warnings_of(host: Host, catalog: Catalog, config: Path | None, now_s: float) -> list[str]:
    """One line for each.

    Args:
        config: LiteLLM's own file, where it is known.
        now_s: Unix seconds, for models that retire.
    """
    found = [*host.warnings(catalog), *unpriced_warnings(host, catalog), *retirement_warnings(host, catalog, now_s)]
    if config is None:
        return found
    settings = read_config(config)
    missing = missing_client(settings, {})
    of_file = (*left_out_entries(config), *double_limits(settings, host.policy))
    return [*found, *(f"{config.name}: {message}" for message in ((missing, *of_file) if missing else of_file))]
