"""Who may serve a virtual model, whatever a request for it looks like."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from governance.catalog import Catalog
from governance.engine.host import Host
from governance.model import Request
from governance.trace import Trace

log = logging.getLogger("governance.engine")


# Names come from callers, so what is remembered of them is bounded.
_MOST_NAMES: Final = 1_024


class Behind:
    """Remembers who may serve which virtual model, as long as the catalogue is the same."""

    def __init__(self) -> None:
        self._catalog: Catalog | None = None
        self._found: dict[str, tuple[str, ...]] = {}

    def forget(self) -> None:
        """Another policy is in force."""
        self._catalog = None

    def of(self, name: str, hosts: Sequence[Host], catalog: Catalog) -> tuple[str, ...]:
        """Those of all these policies, each once."""
        if self._catalog is not catalog:
            self._catalog, self._found = catalog, {}
        found = self._found.get(name)
        if found is None:
            found = tuple(dict.fromkeys(each for host in hosts for each in may_serve(host, name, catalog)))
            if len(self._found) >= _MOST_NAMES:
                self._found.clear()
            self._found[name] = found
        return found


def may_serve(host: Host, name: str, catalog: Catalog) -> tuple[str, ...]:
    """The names by which the proxy calls the targets of a virtual model, the first choice first.

    A plugin says by `may_serve` what hangs on more than the name; else it is what a plain request would get. Routing
    rules are not asked: they send any name anywhere.
    """
    targets = _said(host, name) or _selected(host, name, catalog)
    called = (catalog.call_name(target) for target in targets)
    return tuple(dict.fromkeys(each for each in called if each is not None))


def _said(host: Host, name: str) -> list[str]:
    found: list[str] = []
    for plugin, of in host.plugins.items():
        say = getattr(of, "may_serve", None)
        try:
            found += map(str, say(name)) if say else ()
        except Exception:  # what one plugin cannot say must not hide the others'
            log.exception("plugin %s cannot say who may serve %s", plugin, name)
    return found


def _selected(host: Host, name: str, catalog: Catalog) -> list[str]:
    request = Request(name, models=catalog)
    proposed, _ = host.select_targets(request, Trace(request, host.policy.revision, 0.0, "simulated"))
    return [target.name for target in proposed or ()]
