"""The lists of windows in Redis; see `listing.py` and `lua/lists.lua`. No call does more work than a page of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from governance.ledger.announced import MOST_ANNOUNCED, known_for_ms, read_back, written
from governance.ledger.link import Link
from governance.ledger.listing import (
    MOST_LISTED,
    MOST_SAMPLES,
    UNRANKED,
    Known,
    Listed,
    Listing,
    Mark,
    Ranked,
    id_of,
    level,
    lists_of,
    percents,
    slices,
)
from governance.ledger.scripts import Script
from governance.model import Window

# One call holds up everybody else on the server for as long as it takes.
_ANNOUNCED_PER_CALL: Final = 200
_LOOKED_AT_PER_CALL: Final = 1_000


class RedisLists:
    """Args:
    prefix: of every key of the realm. record: of nothing, it names the realm.
    """

    def __init__(self, link: Link, scripts: Mapping[str, Script], prefix: str, record: str) -> None:
        self._link, self._scripts, self._prefix = link, scripts, prefix
        self._known = (record, prefix + "known")
        self._surveyed = prefix + "surveyed"
        self._surveying = (record, prefix + "surveying")

    async def announce(self, windows: Sequence[Window]) -> None:
        for some in slices(len(windows), _ANNOUNCED_PER_CALL):
            said: list[str | int] = [MOST_ANNOUNCED]
            for window in windows[some]:
                said += (id_of(window), written(window), ",".join(lists_of(window)), known_for_ms(window))
            await self._link.run(self._scripts["announce"], self._known, said)

    async def listed(self, of: Listing, after: Mark | None, most: int) -> Listed:
        most = min(most, MOST_LISTED)
        lists, tags = [f"{self._prefix}l:{name}" for name in of.lists], of.tags
        keys, allowed = (*self._known, self._surveyed, *lists), "-" if tags is None else "".join(tags)
        # Where every window of the list is wanted, no more are looked at than are told.
        looked_at = most if tags is None and len(lists) == 1 else _LOOKED_AT_PER_CALL
        told: list[Known] = []
        while True:
            mark = ("", "") if after is None else (repr(after.rank), after.id)
            answer = await self._link.run(self._scripts["listed"], keys, (*mark, most - len(told), looked_at, allowed))
            total, empty, running_out, surveyed_ms, further, rank, id, *rows = answer
            for at in range(0, len(rows), 3):
                known = _read(rows[at + 1], rows[at + 2], float(rows[at]))
                if known is not None:
                    told.append(known)
            after = Mark(float(rank), id.decode()) if further else None
            if after is None or len(told) >= most:
                break
        surveyed_s = surveyed_ms / 1000 if surveyed_ms else None
        return Listed(tuple(told), after, total, empty, running_out, surveyed_s)

    async def survey(self, every_s: float) -> bool:
        return bool(await self._link.run(self._scripts["survey"], self._surveying, [round(every_s * 1000)]) == 1)

    async def known(self, cursor: int, most: int) -> tuple[int, tuple[Known, ...]]:
        further, *rows = await self._link.run(self._scripts["known"], self._known, [cursor, most])
        found = (_read(rows[at], rows[at + 1], UNRANKED) for at in range(0, len(rows), 2))
        return int(further), tuple(known for known in found if known is not None)

    async def rank(self, found: Sequence[Ranked], minute: int, last: bool) -> None:
        said: list[str | int] = [minute, MOST_SAMPLES, int(last)]
        for each in found:
            said += (each.id, repr(each.rank), level(each.percent))
        await self._link.run(self._scripts["ranked"], (*self._known, self._surveyed), said)


def _read(id: bytes, value: bytes, rank: float) -> Known | None:
    """What the hash has; None for what a later version wrote in a form that is not known here."""
    _, samples, _, definition = value.split(b" ", 3)
    window = read_back(definition)
    minute, _, taken = samples.decode().partition(":")
    if window is None:
        return None
    return Known(window, id.decode(), rank, percents(taken), int(minute) if taken else 0)
