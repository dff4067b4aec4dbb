"""What discovery knows, in the store of a policy: opened only where there is something in it, or to be put into it."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

import typer

from governance.cli.terminal import shown
from governance.model.errors import StoreUnavailable

if TYPE_CHECKING:
    from governance.catalog import Sources
    from governance.discovery import Change, State
    from governance.policy import Policy
    from governance.store import Store


class Discovered:
    """That of one policy, or without one, of the default store."""

    def __init__(self, policy: Policy | None) -> None:
        from governance.policy.catalog import CatalogSettings

        self._url = policy.core.store.url if policy else None
        self._earlier = (policy.core.catalog if policy else CatalogSettings()).earlier_path(os.environ)
        self.problem: str | None = None
        self._state: State | None = None

    @property
    def name(self) -> str:
        """What the store may be called in messages."""
        from governance.policy.truth import default_url
        from governance.policy.truth import shown as shown_url

        return shown_url(self._url or default_url(os.environ))

    @property
    def state(self) -> State:
        """What is known; where the store does not answer, nothing is, and `problem` says why."""
        if self._state is None:
            self._state = self._read()
        return self._state

    def change(self, change: Change) -> State:
        """Change what is known. Raises StoreUnavailable."""
        from governance.usecases.discovered import keep

        self._state = keep(self._store, change).state
        return self._state

    async def keep(self, change: Change) -> State:
        """The same for who waits for many at once."""
        import asyncio

        return await asyncio.to_thread(self.change, change)

    def _read(self) -> State:
        from governance.discovery import State
        from governance.policy.truth import has_store

        # Opening one takes a second of imports, which most commands need not wait for.
        if not has_store(self._url, os.environ) and not self._earlier.exists():
            return State()
        from governance.usecases.discovered import learn

        try:
            known = learn(self._store)
        except StoreUnavailable as error:
            self.problem = str(error)
            return State()
        if known.damaged:
            names = ", ".join(known.damaged)
            self.problem = f"the store ({self.name}): what was read of {names} is damaged; run `governance discover`"
        return known.state

    @cached_property
    def _store(self) -> Store:
        from governance.discovery import utc_now
        from governance.store import open_store
        from governance.usecases.discovered import take_over

        store = open_store(self._url, os.environ)
        self.problem = take_over(store, self._earlier, utc_now)
        return store


def known_models(policy: Policy | None) -> Sources:
    """What the policy, discovery and LiteLLM's model map know of models; on stderr, why discovery knows nothing."""
    from governance.catalog import installed_prices
    from governance.policy.catalog import CatalogSettings

    discovered = Discovered(policy)
    settings = policy.core.catalog if policy else CatalogSettings()
    known = settings.known(installed_prices(), discovered.state)
    if discovered.problem:
        typer.echo(shown(f"what was discovered is not used: {discovered.problem}"), err=True)
    return known
