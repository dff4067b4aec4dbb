"""What the proxy knows of models besides LiteLLM's map, kept up to date while it runs."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import litellm

from governance.catalog import Sources
from governance.discovery import Change, Source, State, utc_now
from governance.discovery.sync import Outcome, claim, discover
from governance.engine.host import Host
from governance.model.errors import StoreUnavailable
from governance.store import NOTHING, Known, Store
from governance.usecases.discovered import keep, learn, take_over

log = logging.getLogger("governance.proxy")

Deployments = Callable[[], Sequence[Mapping[str, Any]]]
T = TypeVar("T")

# Workers that start together read each provider once.
_JUST_READ_S: Final = 60.0
_LOOK_AGAIN_S: Final = 60.0
_FOLLOW_EVERY_S: Final = 2.0


class Kept(Protocol):
    """The store, as a worker asks it."""

    @property
    def has_store(self) -> bool:
        """Whether there may be something in it."""

    async def ask(self, use: Callable[[Store], T]) -> T:
        """What a use case makes of it. Raises StoreUnavailable."""

    def ask_now(self, use: Callable[[Store], T]) -> T:
        """The same before anything is served; blocks. Raises StoreUnavailable."""


class Discovering:
    """Learns what another worker, machine or command has discovered, and reads providers when the policy says so.

    Args:
        deployments: of the router now; their keys serve for the addresses that they are for.
        kept: the store; left out, nothing is known, and nothing is kept.
    """

    def __init__(self, host: Host, deployments: Deployments, kept: Kept | None = None) -> None:
        self._deployments = deployments
        self._kept = kept
        self._discovered: Known = NOTHING
        self._known: Sources | None = None
        self._told: str | None = None
        self._took_over = False
        # One after another: what is known never gets older, and many providers that answer at once leave room for
        # others at the store.
        self._one_asks = asyncio.Lock()
        self.follow(host)

    def follow(self, host: Host) -> None:
        """Go by another policy."""
        self._settings = host.policy.core.catalog
        self._known, self._took_over = None, False

    def begin(self) -> None:
        """Learn what is known before the first request; without the store, that is nothing yet. Blocks."""
        if self._kept is not None and self._is_somewhere():
            try:
                self._use(self._kept.ask_now(self._learn))
            except StoreUnavailable as error:
                self._tell(f"what was discovered is not known yet: {error}")

    @property
    def known(self) -> Sources:
        """All that is known of models: the same object as long as nothing was learned. Asks nobody."""
        # LiteLLM replaces its map when it reloads prices.
        if self._known is None or self._known.model_map is not litellm.model_cost:
            self._known = self._settings.known(litellm.model_cost, self._discovered.state)
        return self._known

    async def look(self) -> None:
        """Learn what is new. Raises StoreUnavailable; what was known stays."""
        if self._kept is not None and self._is_somewhere():
            async with self._one_asks:
                self._use(await self._kept.ask(self._learn))

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where models can be read from."""
        return self._settings.sources(os.environ, self._deployments(), self._discovered.state.docs_urls)

    @property
    def state(self) -> State:
        """What is known of each of them by now. Asks nobody."""
        return self._discovered.state

    async def change(self, change: Change) -> State:
        """Change what is known, for all workers. Raises StoreUnavailable."""
        return await self._keep(change)

    async def discover(self, names: Collection[str] | None = None) -> list[Outcome]:
        """Read the sources of these names now; without names, those in use. Raises StoreUnavailable."""
        await self.look()
        chosen = [source for source in self.sources if (source.in_use if names is None else source.name in names)]
        return await discover(chosen, self._keep, _tell)

    async def follow_store(self) -> None:
        """Learn what others discover, until cancelled."""
        while True:
            try:
                await self.look()
                self._tell(None)
            except StoreUnavailable as error:
                self._tell(f"what others discover is not learned: {error}")
            except Exception:  # discovery is a convenience; the proxy goes on with what it knows
                log.exception("what was discovered cannot be learned")
            await asyncio.sleep(_FOLLOW_EVERY_S)

    async def run(self) -> None:
        """Read on start and periodically, as the policy says, until cancelled."""
        starting = True
        while True:
            settings = self._settings.discovery
            every_s = _JUST_READ_S if starting and settings.on_start else None if starting else settings.every
            try:
                if every_s is not None:
                    await self._read_what_is_due(every_s)
            except StoreUnavailable as error:
                log.error("models were not discovered: %s", error)
            except Exception:  # discovery is a convenience; the proxy goes on with what it knows
                log.exception("models were not discovered")
            starting = False
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _read_what_is_due(self, every_s: float) -> None:
        await self.look()
        in_use = [source for source in self.sources if source.in_use]
        # Looked at before it is claimed, which keeps others from writing.
        now = utc_now()
        tried = [self._discovered.state.of(source).tried_at for source in in_use]
        if any(at is None or (now - at).total_seconds() >= every_s for at in tried):
            due = await claim(in_use, self._keep, every_s, now)
            await discover(due, self._keep, _tell)

    def _is_somewhere(self) -> bool:
        return self._kept is not None and (self._kept.has_store or self._settings.earlier_path(os.environ).exists())

    def _learn(self, store: Store) -> Known:
        if not self._took_over:
            problem = take_over(store, self._settings.earlier_path(os.environ), utc_now)
            self._took_over = True
            if problem:
                log.error("%s", problem)
        return learn(store, self._discovered)

    async def _keep(self, change: Change) -> State:
        if self._kept is None:
            raise StoreUnavailable("there is no store")
        async with self._one_asks:
            known = await self._kept.ask(partial(keep, change=change))
            self._use(known)
        return known.state

    def _use(self, known: Known) -> None:
        if known is not self._discovered:
            self._discovered, self._known = known, None
            for name in known.damaged:
                log.error("what was read of %s is damaged in the store; discover it anew", name)

    def _tell(self, trouble: str | None) -> None:
        if trouble and trouble != self._told:
            log.error("%s", trouble)
        self._told = trouble


def _tell(outcome: Outcome) -> None:
    if outcome.error:
        log.warning("models of %s were not read, what was known is kept: %s", outcome.source.name, outcome.error)
    else:
        added, removed = len(outcome.added), len(outcome.removed)
        log.info("models of %s: %d new, %d gone, %d as before", outcome.source.name, added, removed, outcome.unchanged)
