"""Where the overlay is kept beside the counters: in the Redis that all proxies of a realm share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from governance.ledger.hashing import hashed
from governance.ledger.link import Link, Wire
from governance.ledger.redis import prefix
from governance.ledger.scripts import script

# Nobody waits for it but admins, and a poll that is asked again in a second.
TIMEOUT_S: Final = 2.0


class RedisOverlay:
    """Texts by id; every call raises LedgerUnavailable."""

    def __init__(self, link: Link, realm: str = "default") -> None:
        self._link = link
        self._script = script("overlay")
        self._keys = (f"{prefix(realm)}r:{hashed('')}", f"{prefix(realm)}overlay")

    async def read(self) -> list[bytes]:
        """Every text."""
        found: list[bytes] = await self._link.run(self._script, self._keys, ("read",))
        return found

    async def put(self, id: str, text: str, most: int, without: Sequence[str] = ()) -> bool:
        """Keep a text, and others no longer. False, and it is not kept, where there are `most` already."""
        return bool(await self._link.run(self._script, self._keys, ("put", most, id, text, *without)) == 1)

    async def take(self, id: str) -> bool:
        """Keep this one no longer; whether it was kept."""
        return bool(await self._link.run(self._script, self._keys, ("take", id)) == 1)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._link.close()


def open_overlay(url: str, realm: str = "default") -> RedisOverlay | None:
    """The overlay of the ledger at `url`; None where that is kept in memory, which forgets and is not shared."""
    if url.startswith("memory:"):
        return None
    from governance.ledger.address import directory

    return RedisOverlay(Wire(directory(url), prefix(realm), TIMEOUT_S), realm)
