"""Whether this LiteLLM is as governance relies on: what the probes found when this worker started and since."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Any, Final, Literal

from litellm.proxy.auth.fallback_budget import RouterFallbackBudgetCheck

from governance.model.errors import GovernanceError
from governance.proxy.contract.behaviour import probe_behaviour
from governance.proxy.contract.copied import in_copy
from governance.proxy.contract.structure import missing_features
from governance.proxy.contract.versions import breach, installed, untested
from governance.proxy.router import budget_check, listed_names

log = logging.getLogger("governance.proxy")

ROUTER_CHECK: Final = "router_asks_its_check"
LISTED: Final = "virtual_models_listed"
ATTEMPT: Final = "attempt_is_the_one_counted"


class Contract:
    """What is relied on, as far as it was looked at.

    Args:
        on_breach: `refuse`: what differs is raised; `degrade`: it is logged, and health tells it.
        tell: gets every probe with whether it held.
    """

    def __init__(self, on_breach: Literal["refuse", "degrade"], tell: Callable[[str, bool], None]) -> None:
        self.version = installed()
        self.complete = False
        self._degrade = on_breach == "degrade"
        self._tell = tell
        self._differs: dict[str, str] = {}
        self._missing = tuple(missing_features())

    @property
    def broken(self) -> tuple[str, ...]:
        """What differs, one entry for each probe that failed."""
        return tuple(filter(None, self._differs.values()))

    @property
    def told(self) -> dict[str, Any]:
        """For the health page."""
        return {
            "version": self.version,
            "tested": untested(self.version) is None,
            "contract": "broken" if self.broken else "kept" if self.complete else "probing",
            "probes": [{"name": name, "error": error or None} for name, error in self._differs.items()],
            "missing": list(self._missing),
        }

    def probe(self) -> None:
        """Send this LiteLLM requests that go nowhere. Takes its time; nothing else runs meanwhile.

        Raises:
            GovernanceError: it does otherwise than governance relies on.
        """
        found = in_copy(probe_behaviour)
        if any(found.values()):
            # A copy is refused what this process is not: LiteLLM's native routes, where one has run here before.
            found = probe_behaviour()
        self._found(found)
        if not self.broken and (warning := untested(self.version)):
            log.warning("%s", warning)
        for missing in self._missing:
            log.warning("LiteLLM %s lacks %s", self.version, missing)

    def look_at(self, router: Any, virtual: Collection[str]) -> None:
        """Look at the proxy's own router, before the first request that it serves. Raises GovernanceError."""
        if self.complete:
            return
        self.complete = True
        # A proxy without models has none.
        found = dict.fromkeys((ROUTER_CHECK, LISTED), "")
        if router is not None:
            if not isinstance(budget_check(router), RouterFallbackBudgetCheck):
                found[ROUTER_CHECK] = "the proxy's router has no RouterFallbackBudgetCheck to ask before a hop"
            if not frozenset(virtual) <= frozenset(listed_names(router)):
                found[LISTED] = "the router does not list the virtual models that it is given"
        self._found(found)

    def notice(self, probe: str, difference: str) -> None:
        """Something differs while requests are served: told once, and in health from then on."""
        if not self._differs.get(probe):
            self._differs[probe] = difference
            self._tell(probe, False)
            log.error("%s", breach(self.version, [difference]))

    def _found(self, differs: dict[str, str]) -> None:
        self._differs |= differs
        for probe, difference in differs.items():
            self._tell(probe, not difference)
        differences = [difference for difference in differs.values() if difference]
        if not differences:
            return
        sentence = breach(self.version, differences)
        if not self._degrade:
            raise GovernanceError(sentence)
        log.error("%s; the policy says `on_contract_breach: degrade`, so the proxy serves all the same", sentence)
