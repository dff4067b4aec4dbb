"""A ledger for simulation: windows begin with the use that the simulation states, and nothing is ever counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from governance.ledger import Option, Reading, Reserved
from governance.ledger.memory import MemoryLedger
from governance.ledger.pins import Asked, Pin, Pinning
from governance.ledger.reservation import Key, key_of
from governance.model import Charge, Window

# The clock of a simulation stands still, so what is stated stays reserved.
_OPEN_S = 60.0


class StatedUse(NamedTuple):
    """`used` units are already counted in every window that `matches`."""

    matches: Callable[[Window], bool]
    used: int


class StatedLedger(MemoryLedger):
    """Answers as a memory ledger would, had the stated use been counted just now.

    Args:
        pinned: who has answered the conversation of every request, whatever names it; and the seconds that lasts.
    """

    def __init__(
        self,
        stated: Sequence[StatedUse],
        *,
        clock: Callable[[], float],
        pinned: Pin | None = None,
    ) -> None:
        super().__init__(clock=clock)
        self._pinned = pinned
        self._stated = stated
        self._seeded: set[Key] = set()

    async def reserve(
        self,
        shared: Sequence[Charge],
        options: Sequence[Option],
        *,
        reservation_id: str,
        deadline_s: float,
        dry_run: bool = True,
        pinned: Asked | None = None,
    ) -> Reserved:
        """As the protocol says, but always as a dry run."""
        await self._seed([charge.window for charge in (*shared, *(c for option in options for c in option.charges))])
        if pinned and self._pinned:
            self._pins.put(Pinning(pinned.key, self._pinned, pinned.ttl_s), self._now_ms())
        return await super().reserve(
            shared, options, reservation_id=reservation_id, deadline_s=deadline_s, dry_run=True, pinned=pinned
        )

    async def read(self, windows: Sequence[Window]) -> tuple[Reading, ...]:
        """The stated use."""
        await self._seed(windows)
        return await super().read(windows)

    async def _seed(self, windows: Sequence[Window]) -> None:
        for window in windows:
            if key_of(window) in self._seeded:
                continue
            self._seeded.add(key_of(window))
            use = next((stated.used for stated in self._stated if stated.matches(window)), 0)
            if use:
                seed = f"stated {len(self._seeded)}"
                await super().reserve([], [], reservation_id=seed, deadline_s=_OPEN_S)
                await super().move(seed, 1, Option(seed, [Charge(window, use)]), force=True)
