"""Targets whose providers switch them off soon, told in time to name a successor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from governance.catalog import Catalog
from governance.catalog.retirement import KEY, day_of
from governance.engine.host import Host
from governance.engine.named import named_targets

AHEAD_DAYS: Final = 60
_DAY_S: Final = 86_400


def retirement_warnings(host: Host, catalog: Catalog, now_s: float) -> Iterator[str]:
    """One line for each target that a policy names, the proxy serves and that retires soon, or has.

    Args:
        now_s: Unix seconds.
    """
    for target, places in named_targets(host.policy).items():
        at_s = catalog.facts(target).retires_at_s
        if at_s is None or at_s > now_s + AHEAD_DAYS * _DAY_S or catalog.call_name(target) is None:
            continue
        source = catalog.said(target).by.get(KEY, "a deployment")
        when = "is" if at_s <= now_s else "will be from then on"
        where = f"{places[0]} and {len(places) - 1} more" if len(places) > 1 else places[0]
        yield (
            f"{where}: `{target}` retires on {day_of(at_s)} ({source}) and {when} passed over as `retired`; name a "
            "successor, or give it another `retires_on` in `catalog.overrides`"
        )
