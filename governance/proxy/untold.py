"""Requests that are served, and of which LiteLLM may have something to tell yet: one timer for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from heapq import heappop, heappush
from typing import Any, Final, Protocol

from governance.model import Usage
from governance.proxy.live import PASS_THROUGH, Live
from governance.proxy.live_requests import LiveRequests

# A timer for each request would cost more than the look at it, and hold the request until it is due.
_AT_ONCE_WITHIN_S: Final = 1.0


class Ending(Protocol):
    """How requests end; see `governance.proxy.gateway`."""

    live: LiveRequests

    def background(self, work: Coroutine[Any, Any, None]) -> None: ...

    async def left(self, live: Live) -> None: ...

    async def broke(self, live: Live) -> None: ...

    async def break_off(self, live: Live) -> None: ...

    async def settle(self, live: Live, usage: Usage) -> None: ...

    async def release(self, live: Live) -> None: ...


class Untold:
    """Remembers no more of a request than its id, so that what has been told can go.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, gateway: Ending, clock: Callable[[], float] = time.monotonic) -> None:
        self._gateway = gateway
        self._clock = clock
        self._due: list[tuple[float, str]] = []
        self._timer: tuple[float, asyncio.TimerHandle] | None = None

    def served(self, live: Live) -> None:
        """The HTTP request is done. Needs a running event loop."""
        gateway = self._gateway
        if live.released_s is None and live in gateway.live:
            if live.left_early:
                gateway.background(gateway.left(live))
            elif live.failed_whole:
                gateway.background(gateway.broke(live))
            else:
                self.wait(live.decision.id, live.told_within_s)
        gateway.live.served(live)

    def wait(self, decision_id: str, within_s: float) -> None:
        """Look at this one so many seconds from now, or up to a second later. Needs a running event loop."""
        at_s = self._clock() + within_s
        heappush(self._due, (at_s, decision_id))
        if self._timer is None or at_s < self._timer[0] - _AT_ONCE_WITHIN_S:
            self._look_at(at_s)

    def close(self) -> None:
        """Look at nothing more."""
        if self._timer is not None:
            self._timer[1].cancel()
        self._timer = None
        self._due.clear()

    def _look_at(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer[1].cancel()
        wait_s = max(0.0, at_s - self._clock())
        self._timer = (at_s, asyncio.get_running_loop().call_later(wait_s, self._look))

    def _look(self) -> None:
        self._timer = None
        now_s = self._clock()
        while self._due and self._due[0][0] <= now_s:
            self._overdue(heappop(self._due)[1], now_s)
        if self._due:
            self._look_at(max(self._due[0][0], now_s + _AT_ONCE_WITHIN_S))

    def _overdue(self, decision_id: str, now_s: float) -> None:
        gateway = self._gateway
        gateway.live.forget(now_s)
        live = gateway.live.of(decision_id)
        if live:
            gateway.background(self._end(live))

    async def _end(self, live: Live) -> None:
        gateway = self._gateway
        if live not in gateway.live:
            return
        if live.trying and live.delivered.began:
            await gateway.break_off(live)
        elif live.reached or live.call_type == PASS_THROUGH:
            # It was served, and LiteLLM tells nothing of it: what was reserved is the best that is known.
            await gateway.settle(live, Usage(None, None, None))
        else:
            await gateway.release(live)
