"""What one worker's requests have cost goes to the store every second, beside the requests."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from governance.model.errors import StoreUnavailable
from governance.proxy.policies import Policies
from governance.store import Store
from governance.telemetry.telemetry import Telemetry
from governance.traffic.spent import Tally
from governance.usecases.spend_kept import Kept, add, add_up, others, take_over, tidy, utc

log = logging.getLogger("governance.proxy")

_EVERY_S: Final = 1.0
_LOOK_AFTER_OTHERS_S: Final = 10.0
_TIDY_S: Final = 3600.0
# A worker that was killed may have left an hour of lines.
_LONGEST_S: Final = 300.0
_LAST_WITHIN_S: Final = 5.0


class Spending:
    """Counts what telemetry records; nothing is counted where the policy says so.

    Args:
        clock: Unix seconds.
    """

    def __init__(self, telemetry: Telemetry, policies: Policies, clock: Callable[[], float] = time.time) -> None:
        self._telemetry, self._policies, self._clock = telemetry, policies, clock
        self._tally = Tally()
        self._heard: list[dict[str, Any]] = []
        self._kept = Kept(self._tally, lambda: telemetry.recorder.worker)
        self._done: set[str] = set()
        self._looked_s = self._tidied_s = 0.0
        self._on = telemetry.settings.spend.keep is not None
        if self._on:
            # Nothing but that on a request's way; they are added up a second later, in a thread.
            telemetry.recorder.hear = self._heard.append

    async def run(self) -> None:
        """Until cancelled."""
        while self._on:
            await asyncio.sleep(_EVERY_S)
            try:
                await self._look()
            except StoreUnavailable:
                # It is told where the store is; what was not added is offered again.
                continue
            except Exception:  # the next look may succeed
                log.exception("what was spent cannot be counted now")

    async def close(self) -> None:
        """Count what is left. Call it after the last request was told."""
        if not self._on:
            return
        try:
            await self._add()
            await self._add(closing=True)
        except StoreUnavailable as error:
            log.warning("what was spent last is counted by the next worker: %s", error)
        else:
            self._telemetry.recorder.counted()

    async def _look(self) -> None:
        await self._add()
        now_s, folder = self._clock(), self._telemetry.recorder.folder
        if folder is not None and now_s - self._looked_s >= _LOOK_AFTER_OTHERS_S:
            self._looked_s = now_s
            own = self._telemetry.recorder.worker
            if await asyncio.to_thread(others, folder, own, self._done):
                over = partial(take_over, folder=folder, own=own, done=self._done, now=utc(now_s))
                await self._policies.ask(over, _LONGEST_S)
        keep_s = self._telemetry.settings.spend.keep
        if keep_s is not None and self._policies.has_store and now_s - self._tidied_s >= _TIDY_S:
            self._tidied_s = now_s
            await self._policies.ask(partial(tidy, keep_s=keep_s, now=utc(now_s)), _LONGEST_S)

    async def _add(self, *, closing: bool = False) -> None:
        heard, lines = self._heard, []
        lines.extend(heard)
        heard.clear()
        if lines:
            await asyncio.to_thread(add_up, self._tally, lines)
        batch = self._kept.next(closing=closing)
        if batch is None:
            return
        now = utc(self._clock())

        def put(store: Store) -> None:
            add(store, batch, now)

        await self._policies.ask(put, _LAST_WITHIN_S)
        self._kept.added()
