"""What a valid policy holds that can never work, or soon will not, on this proxy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from governance.catalog import Catalog
from governance.catalog.remarks import spoken_target
from governance.engine.foreseen import unpriced_warnings
from governance.engine.host import Host
from governance.engine.named import named_besides, named_targets
from governance.engine.retiring import retirement_warnings
from governance.policy.database import missing_client
from governance.policy.double_limits import double_limits
from governance.policy.litellm_file import left_out_entries, models_in_database, read_config

_NAMED: Final = 5


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
    of_file = (*left_out_entries(config), *double_limits(settings, host.policy), *_unseen(settings, host, catalog))
    return [*found, *(f"{config.name}: {message}" for message in ((missing, *of_file) if missing else of_file))]


def _unseen(settings: Mapping[str, Any], host: Host, catalog: Catalog) -> Iterator[str]:
    """What only LiteLLM's database can tell: which targets are served."""
    who = models_in_database(settings)
    named = (*named_targets(host.policy), *named_besides(host.policy))
    unseen = [spoken_target(target) for target in named if catalog.is_unseen(target)]
    if who is None or not unseen:
        return
    more = f" and {len(unseen) - _NAMED} more" if len(unseen) > _NAMED else ""
    yield (
        f"{who}: LiteLLM's database, which is not looked at here, has models too; in no model_list, and taken to be "
        f"there: {', '.join(unseen[:_NAMED])}{more}"
    )
