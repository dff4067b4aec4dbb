"""What the memory ledger remembers of settled reservations: how each ended, in some 80 bytes."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import Final, NamedTuple

# Whatever is asked of one looks into each of the parts, and what is forgotten is forgotten by parts.
_PARTS: Final = 10
# A number of 60 bits is 32 bytes of Python's, an id 85.
_BITS: Final = (1 << 60) - 1


class Settled(NamedTuple):
    """Where a reservation was when it was settled; see `Record`."""

    chosen: int | None
    hop: int
    holds: bool


# Most are alike.
_alike: Final = lru_cache(maxsize=1024)(Settled)


class SettledReservations:
    """Those of the last `remembered_s` seconds, and up to a tenth longer."""

    def __init__(self, remembered_s: int) -> None:
        self._remembered_ms = remembered_s * 1000
        self._part_ms = self._remembered_ms // _PARTS
        self._parts: deque[tuple[int, dict[int, Settled]]] = deque()

    def add(self, reservation_id: str, chosen: int | None, hop: int, holds: bool, now_ms: int) -> None:
        """It is settled now."""
        parts = self._parts
        if not parts or parts[-1][0] + self._part_ms <= now_ms:
            parts.append((now_ms, {}))
        parts[-1][1][hash(reservation_id) & _BITS] = _alike(chosen, hop, holds)

    def get(self, reservation_id: str, now_ms: int) -> Settled | None:
        """How it ended; None = it is not known to be settled. Forgets what is over."""
        parts = self._parts
        while parts and parts[0][0] + self._part_ms + self._remembered_ms <= now_ms:
            parts.popleft()
        key = hash(reservation_id) & _BITS
        for _, part in parts:
            found = part.get(key)
            if found is not None:
                return found
        return None
