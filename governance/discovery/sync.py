"""Reading all providers' models at once, each one whole or not at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from governance.discovery.kinds import READERS
from governance.discovery.outbound import USUAL, Bounds, Outbound
from governance.discovery.source import DiscoveryFailed, Found, Source
from governance.discovery.state import Change, Listed, State, utc_now
from governance.model.errors import StoreUnavailable

Open = Callable[[Source], Outbound]
Keep = Callable[[Change], Awaitable[State]]
"""Changes what is kept, and says what that is then. Nobody else changes it meanwhile. Raises StoreUnavailable."""

MOST_MODELS: Final = 20_000
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    """How reading one source went.

    Args:
        added, removed: names of models, compared with the listing before. unchanged: how many were in both.
        error: why it failed; None = it did not. A failure changes no model.
        seconds: how long it took.
    """

    source: Source
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0
    error: str | None = None
    seconds: float = 0.0

    @property
    def told(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "provider": self.source.name,
            "ok": self.error is None,
            "error": self.error,
            "added": list(self.added),
            "removed": list(self.removed),
            "unchanged": self.unchanged,
            "seconds": round(self.seconds, 3),
        }


Told = Callable[[Outcome], None]


async def discover(
    sources: Iterable[Source],
    keep: Keep,
    told: Told = lambda _: None,
    *,
    bounds: Bounds = USUAL,
    open_source: Open | None = None,
    now: Callable[[], datetime] = utc_now,
) -> list[Outcome]:
    """Read these sources, concurrently, and keep what they list.

    Args:
        told: is called with each outcome as soon as it is there.

    Returns:
        One outcome for each source, in their order.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(source: Source) -> Outcome:
        async with gate:
            begun = time.monotonic()
            outbound = open_source(source) if open_source else Outbound(source, bounds)
            try:
                async with outbound:
                    found: list[Found] | DiscoveryFailed = await _read(outbound, bounds)
            except DiscoveryFailed as error:
                found = error
            outcome = await _keep(source, found, keep, now(), time.monotonic() - begun)
            told(outcome)
            return outcome

    return list(await asyncio.gather(*(one(source) for source in sources)))


async def _read(outbound: Outbound, bounds: Bounds) -> list[Found]:
    source = outbound.source
    if source.needs_key and not source.key:
        names = " or ".join(source.key_names)
        raise DiscoveryFailed(f"no key; {f'set {names}, or ' if names else ''}give its `api_key` in the policy")
    try:
        found = await asyncio.wait_for(READERS[source.kind](outbound), bounds.total_s)
    except (TimeoutError, asyncio.TimeoutError):
        raise DiscoveryFailed(f"not done within {bounds.total_s:g} s") from None
    if not found:
        # Providers have been seen to answer so by mistake, and nobody closes down without a word.
        raise DiscoveryFailed("lists no models at all; what was known is kept")
    if len(found) > MOST_MODELS:
        raise DiscoveryFailed(f"lists {len(found):,} models; more than {MOST_MODELS:,} are not believed")
    return found


async def _keep(
    source: Source, found: list[Found] | DiscoveryFailed, keep: Keep, at: datetime, seconds: float
) -> Outcome:
    before: Listed | None = None

    def change(state: State) -> State:
        nonlocal before
        before = state.of(source)
        if isinstance(found, DiscoveryFailed):
            after = before.model_copy(update={"tried_at": at, "error": str(found)})
        else:
            after = before.after(found, at)
        return state.with_source(source.name, after)

    try:
        after = (await keep(change)).of(source)
    except StoreUnavailable as error:
        return Outcome(source, error=str(error), seconds=seconds)
    if isinstance(found, DiscoveryFailed) or before is None:
        return Outcome(source, unchanged=len(after.models), error=str(found), seconds=seconds)
    added = tuple(sorted(after.models.keys() - before.models.keys()))
    removed = tuple(sorted(before.models.keys() - after.models.keys()))
    return Outcome(source, added, removed, len(after.models) - len(added), seconds=seconds)


async def claim(sources: Iterable[Source], keep: Keep, older_than_s: float, at: datetime) -> list[Source]:
    """Those of the sources that nobody has tried for so long, marked as tried now: of several workers one gets them.

    Raises StoreUnavailable.
    """
    claimed: list[Source] = []

    def change(state: State) -> State:
        claimed.clear()
        for source in sources:
            listed = state.of(source)
            if listed.tried_at is None or at - listed.tried_at >= timedelta(seconds=older_than_s):
                claimed.append(source)
                state = state.with_source(source.name, listed.model_copy(update={"tried_at": at}))
        return state

    await keep(change)
    return claimed
