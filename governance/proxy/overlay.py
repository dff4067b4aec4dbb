"""How one worker follows what is in force beside the policy: asked for once a second, never while a request waits."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from contextlib import suppress
from typing import Any, Final

from governance.engine.overlay import Overlay
from governance.model.errors import LedgerUnavailable, StoreUnavailable
from governance.policy.document import Core
from governance.proxy.policies import Policies
from governance.usecases.overlay import PolicyFrozen, entries, frozen_by, kept_by

log = logging.getLogger("governance.proxy")

_ASK_EVERY_S: Final = 1.0
# The first request of a worker may come before its first look.
_FIRST_WITHIN_S: Final = 1.0


class FollowedOverlay:
    """The overlay of one worker.

    Attributes:
        overlay: what the engine decides under; what was known last stays while nobody answers, each until its own end.
        trouble: why nobody answers; None = somebody does.
    """

    def __init__(self, settings: Core, policies: Policies) -> None:
        self.overlay = Overlay()
        self.kept = kept_by(settings.ledger.url, settings.store.url, policies.ask, os.environ)
        self.trouble: str | None = None
        self._looked = asyncio.Event()
        self._soon = asyncio.Event()

    @property
    def told(self) -> dict[str, Any]:
        """For the health page."""
        return {"kept_in": self.kept.name, "entries": len(self.overlay.entries), "error": self.trouble}

    @property
    def frozen(self) -> str | None:
        """Who lets nobody change the policy, until when and why; None while it may be changed."""
        entry = frozen_by(self.overlay.entries, time.time())
        return None if entry is None else str(PolicyFrozen(entry))

    async def first_look(self) -> None:
        """Wait until it was looked at once, be it in vain, but not for long."""
        if self._looked.is_set():
            return
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._looked.wait(), _FIRST_WITHIN_S)
        self._looked.set()

    async def look(self) -> None:
        """Read it now."""
        try:
            found = await entries(self.kept)
        except (LedgerUnavailable, StoreUnavailable) as error:
            if self.trouble is None:
                log.error("what is in force beside the policy cannot be read, what is known stays: %s", error)
            self.trouble = str(error)
        else:
            if self.overlay.use(found):
                log.info("in force beside the policy: %s", ", ".join(entry.id for entry in found) or "nothing")
            self.trouble = None
        self._looked.set()

    async def run(self) -> None:
        """Follow it, until cancelled."""
        while True:
            try:
                await self.look()
            except Exception as error:  # whatever it is, the next entry is to be seen too
                log.exception("the overlay cannot be followed")
                self.trouble = f"{type(error).__name__}: {error}"
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._soon.wait(), _ASK_EVERY_S)
            self._soon.clear()

    def look_soon(self) -> None:
        """Somebody has changed it."""
        self._soon.set()

    async def close(self) -> None:
        """The worker ends."""
        await self.kept.close()
