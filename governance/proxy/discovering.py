"""What the proxy knows of models besides LiteLLM's map, kept up to date while it runs."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import litellm

from governance.catalog import Sources
from governance.discovery import DiscoveryFailed, Source, State, Store, utc_now
from governance.discovery.sync import Outcome, claim, discover
from governance.engine.host import Host

log = logging.getLogger("governance.proxy")

Deployments = Callable[[], Sequence[Mapping[str, Any]]]

# Workers that start together read each provider once.
_JUST_READ_S: Final = 60.0
_LOOK_AGAIN_S: Final = 60.0


class Discovering:
    """Reads the store whenever another worker or a command has changed it, and providers when the policy says so.

    Args:
        deployments: of the router now; their keys serve for the addresses that they are for.
    """

    def __init__(self, host: Host, deployments: Deployments) -> None:
        self._deployments = deployments
        self._known: Sources | None = None
        self._state: State | None = None
        self.follow(host)

    def follow(self, host: Host) -> None:
        """Go by another policy."""
        self._settings = host.policy.core.catalog
        self.store = Store(self._settings.cache_path(os.environ))
        self._known = None

    @property
    def known(self) -> Sources:
        """All that is known of models: the same object as long as nothing was learned. Asks the file system nothing."""
        # LiteLLM replaces its map when it reloads prices.
        if self._known is None or self._known.model_map is not litellm.model_cost:
            self._known = self._settings.known(litellm.model_cost, self._state)
        return self._known

    def look(self) -> None:
        """Take over what was stored since; one question to the file system."""
        if self.store.state is not self._state:
            self._state, self._known = self.store.state, None

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where models can be read from."""
        return self._settings.sources(os.environ, self._deployments(), self.store.state.docs_urls)

    async def discover(self, names: Collection[str] | None = None) -> list[Outcome]:
        """Read the sources of these names now; without names, those in use."""
        chosen = [source for source in self.sources if (source.in_use if names is None else source.name in names)]
        outcomes = await discover(chosen, self.store, _tell)
        self.look()
        return outcomes

    async def run(self) -> None:
        """Read on start and periodically, as the policy says, until cancelled."""
        starting = True
        while True:
            settings = self._settings.discovery
            every_s = _JUST_READ_S if starting and settings.on_start else None if starting else settings.every
            try:
                if every_s is not None:
                    await self._read_what_is_due(every_s)
            except DiscoveryFailed as error:
                log.error("models were not discovered: %s", error)
            except Exception:  # discovery is a convenience; the proxy goes on with what it knows
                log.exception("models were not discovered")
            starting = False
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _read_what_is_due(self, every_s: float) -> None:
        in_use = [source for source in self.sources if source.in_use]
        # Looked at before it is claimed, which takes a lock and writes.
        state, now = self.store.state, utc_now()
        tried = [state.of(source).tried_at for source in in_use]
        if any(at is None or (now - at).total_seconds() >= every_s for at in tried):
            due = await asyncio.to_thread(claim, in_use, self.store, every_s, now)
            await discover(due, self.store, _tell)
            self.look()


def _tell(outcome: Outcome) -> None:
    if outcome.error:
        log.warning("models of %s were not read, what was known is kept: %s", outcome.source.name, outcome.error)
    else:
        added, removed = len(outcome.added), len(outcome.removed)
        log.info("models of %s: %d new, %d gone, %d as before", outcome.source.name, added, removed, outcome.unchanged)
