"""The shared ledger: every promise of `Ledger`, for all proxies that use the same Redis. One call, one script."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from governance.ledger import Health, Option, OptionReading, Reading, Reserved, pins
from governance.ledger.encoding import LETTERS, SUBJECT_LENGTH, Block, Encoder, readings
from governance.ledger.hashing import hashed
from governance.ledger.link import Link, Probe, Wire
from governance.ledger.listing import MOST_LISTED, Known, Listed, Listing, Mark, Ranked
from governance.ledger.owed import Late
from governance.ledger.pins import Asked, Pinning
from governance.ledger.redis_lists import RedisLists
from governance.ledger.reservation import ADOPTED_S, MOST_OPEN
from governance.ledger.scripts import SCRIPTS, script
from governance.ledger.windows import LARGEST_CHARGE, length_ms
from governance.model import Charge, Window
from governance.model.errors import LedgerUnavailable

_EPOCH_LASTS_MS: Final = 400 * 86_400_000
_WORKER_LASTS_MS: Final = 15_000
_LATE_KNOWN_MS: Final = 40 * 86_400_000  # longer than any month's budget
_REALM = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_WRONG_CALENDAR: Final = -1
_TRIES: Final = 3
_SUMMED_PER_CALL: Final = 200

_log = logging.getLogger("governance.ledger")


class RedisLedger:
    """Windows in Redis, counted by Redis' own clock.

    Args:
        realm: everything under one realm is decided together, in one slot of a cluster; realms do not see each other.
        clock_lua: Lua in place of Redis' clock, for tests that set the time.
    """

    def __init__(self, link: Link, realm: str = "default", *, clock_lua: str | None = None) -> None:
        if not _REALM.fullmatch(realm):
            raise ValueError(f"realm `{realm}`: write at most 64 letters, digits, `_`, `.` or `-`")
        self._link = link
        self._prefix = prefix(realm)
        self._due = self._prefix + "due"
        self._nothing = f"{self._prefix}r:{hashed('')}"  # a record that is none: it names the realm
        self._encoder = Encoder()
        self._scripts = {name: script(name, clock_lua) for name in SCRIPTS}
        self._lists = RedisLists(link, self._scripts, self._prefix, self._nothing)
        self._ahead_ms = 0  # of the ledger's clock before this host's, as of the last answer
        self._epoch_s: float | None = None
        self._connected = 0
        self._asking: asyncio.Task[Health] | None = None
        self._health: Probe = (
            self._scripts["health"],
            [self._nothing, self._due, *(self._prefix + name for name in ("epoch", "expired", "workers"))],
            [_EPOCH_LASTS_MS, "", _WORKER_LASTS_MS],
        )
        if isinstance(link, Wire):
            link.probe = self._health  # it writes: a server that may only be read is not well

    async def reserve(
        self,
        shared: Sequence[Charge],
        options: Sequence[Option],
        *,
        reservation_id: str,
        deadline_s: float,
        dry_run: bool = False,
        pinned: Asked | None = None,
    ) -> Reserved:
        rid = hashed(reservation_id)
        for _ in range(_TRIES):
            now_ms = self._now_ms()
            ours = self._encoder.blocks(shared, now_ms)
            blocks, counts = list(ours), []
            for option in options:
                theirs = self._encoder.blocks(option.charges, now_ms)
                counts.append(str(len(theirs)))
                blocks += theirs
            keys = [f"{self._prefix}r:{rid}", self._due, *self._subjects(blocks)]
            keys += [self._cool(option.name) for option in options]
            how = "1" if dry_run else "0"
            if pinned:
                keys.append(self._pin(pinned.key))
                how += "".join(map(self._encoder.name, pinned.targets))
            head = (rid, length_ms(deadline_s), how, len(ours), ",".join(counts))
            answer = await self._run("reserve", keys, (*head, *[block.text for block in blocks]))
            if answer[0] != _WRONG_CALENDAR:
                break
        else:
            raise LedgerUnavailable("the ledger's clock jumps: no calendar period holds it")
        now_s = answer[1] / 1000
        numbers = iter(answer)
        status, chosen = next(numbers), (next(numbers), next(numbers))[1]
        _, shared_readings = readings(shared, numbers, now_s)
        weighed = [readings(option.charges, numbers, now_s) for option in options]
        cooling = [_cooling(next(numbers)) for _ in options]
        return Reserved(
            status == 1,
            chosen if chosen >= 0 else None,
            shared_readings,
            tuple(
                OptionReading(fits, until_s, told, True, recovering)
                for (fits, told), (until_s, recovering) in zip(weighed, cooling, strict=True)
            ),
            now_s,
            pin=pins.read_back(next(numbers)) if pinned else None,
        )

    async def move(
        self,
        reservation_id: str,
        hop: int,
        option: Option,
        shared: Sequence[Charge] = (),
        *,
        force: bool = False,
        unasked: bool = False,
    ) -> OptionReading:
        rid = hashed(reservation_id)
        for _ in range(_TRIES):
            now_ms = self._now_ms()
            theirs = self._encoder.blocks(option.charges, now_ms)
            blocks = theirs + self._encoder.blocks(shared, now_ms)
            keys = [f"{self._prefix}r:{rid}", self._due, self._cool(option.name), *self._subjects(blocks)]
            how = f"{int(force)}{int(unasked)}"
            head = (rid, hop, how, ADOPTED_S * 1000, len(theirs))
            answer = await self._run("move", keys, (*head, *[block.text for block in blocks]))
            if answer[0] != _WRONG_CALENDAR:
                break
        else:
            raise LedgerUnavailable("the ledger's clock jumps: no calendar period holds it")
        status, now_ms, state, *numbers = answer
        told = readings((*option.charges, *shared), iter(numbers), now_ms / 1000)[1]
        until_s, recovering = _cooling(state)
        return OptionReading(status == 1, until_s, told, True, recovering)

    async def late(self, reservation_id: str, debt: Late) -> bool:
        """Count what was served while the store was away, at the time when it was; the first time it is told."""
        rid = hashed(reservation_id)
        theirs = self._encoder.blocks(debt.charges, debt.at_ms)
        blocks = theirs + self._encoder.blocks(debt.shared, debt.at_ms)
        keys = [f"{self._prefix}r:{rid}", self._due, f"{self._prefix}y:{rid}", *self._subjects(blocks)]
        option = -1 if debt.option is None else debt.option
        head = (rid, debt.at_ms, length_ms(debt.deadline_s), _LATE_KNOWN_MS, option, len(theirs))
        answer = await self._link.run(self._scripts["late"], keys, (*head, *[block.text for block in blocks]))
        return bool(answer == 1)

    async def settle(self, reservation_id: str, actual: Mapping[str, int], *, pinning: Pinning | None = None) -> bool:
        used = "".join(f"{LETTERS[unit]}{min(max(0, amount), LARGEST_CHARGE)}," for unit, amount in actual.items())
        if pinning is None:
            return await self._finish(reservation_id, "settle", used)
        more = pins.written(pinning, self._encoder.name(pinning.pin.target))
        return await self._finish(reservation_id, "settle", used, (self._pin(pinning.key),), more)

    async def release(self, reservation_id: str, *, attempted: bool = False) -> bool:
        return await self._finish(reservation_id, "release", "1" if attempted else "0")

    async def renew(self, reservation_id: str, deadline_s: float, *, attempted: bool = False) -> bool:
        return await self._finish(reservation_id, "attempt" if attempted else "renew", str(length_ms(deadline_s)))

    async def cool_down(self, name: str, seconds: float) -> None:
        milliseconds = round(seconds * 1000)
        if milliseconds > 0:
            await self._link.run(self._scripts["cool_down"], [self._cool(name)], [milliseconds])

    async def recovered(self, name: str, well: bool = True) -> None:
        await self._link.run(self._scripts["recovered"], [self._cool(name)], [int(well)])

    async def read(self, windows: Sequence[Window]) -> tuple[Reading, ...]:
        charges = [Charge(window, 0) for window in windows]
        return (await self.reserve(charges, (), reservation_id="", deadline_s=1, dry_run=True)).shared

    async def reserved(self, windows: Sequence[Window]) -> tuple[int, ...]:
        places: list[str] = []
        for begin in range(0, len(windows), _SUMMED_PER_CALL):
            places += map(self._encoder.place, windows[begin : begin + _SUMMED_PER_CALL])
            # Tens of thousands take half a second, in which this worker would serve nobody.
            await asyncio.sleep(0)
        subjects = sorted({place[:SUBJECT_LENGTH] for place in places})
        rids = await self._link.run(self._scripts["open"], [self._nothing, self._due], [MOST_OPEN]) if subjects else ()
        sums: Counter[str] = Counter()
        for begin in range(0, len(rids), _SUMMED_PER_CALL):
            # One call holds up everybody else on the server for as long as it takes.
            keys = [f"{self._prefix}r:{rid.decode()}" for rid in rids[begin : begin + _SUMMED_PER_CALL]]
            answer = iter(await self._link.run(self._scripts["reserved"], keys, subjects))
            for place, amount in zip(answer, answer, strict=True):
                sums[place.decode()] += amount
        return tuple(sums[place] for place in places)

    async def announce(self, windows: Sequence[Window]) -> None:
        await self._lists.announce(windows)

    async def listed(self, of: Listing, after: Mark | None = None, most: int = MOST_LISTED) -> Listed:
        return await self._lists.listed(of, after, most)

    async def survey(self, every_s: float) -> bool:
        return await self._lists.survey(every_s)

    async def known(self, cursor: int = 0, most: int = 100) -> tuple[int, tuple[Known, ...]]:
        return await self._lists.known(cursor, most)

    async def rank(self, found: Sequence[Ranked], minute: int, *, last: bool = False) -> None:
        await self._lists.rank(found, minute, last)

    async def health(self) -> Health:
        try:
            answer = await self._link.run(*self._health)
        except LedgerUnavailable:
            return Health(self._link.kind, False, self._epoch_s, None, None, None)
        now_ms, epoch_ms, open_reservations, expired, workers = answer
        if self._epoch_s is not None and epoch_ms / 1000 > self._epoch_s:
            _log.error("the ledger began empty at %.3f: everything counted before is lost", epoch_ms / 1000)
        self._epoch_s = epoch_ms / 1000
        told = Health(self._link.kind, True, self._epoch_s, open_reservations, expired, now_ms / 1000)
        return told._replace(workers=workers or None)

    def work_as(self, worker: str) -> None:
        """From now on `health` announces this worker."""
        self._health[2][1] = worker  # type: ignore[index]

    def now_s(self) -> float:
        """The ledger's clock, as well as it is known here: Unix seconds."""
        return self._now_ms() / 1000

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        await self._link.close()

    # --- the pieces -------------------------------------------------------------------------------------------------

    async def _finish(
        self,
        reservation_id: str,
        verb: str,
        argument: str,
        keys: tuple[str, ...] = (),
        more: tuple[str | int, ...] = (),
    ) -> bool:
        rid = hashed(reservation_id)
        keys = (f"{self._prefix}r:{rid}", self._due, *keys)
        return bool(await self._link.run(self._scripts["finish"], keys, (rid, verb, argument, *more)) == 1)

    async def _run(self, name: str, keys: Sequence[str], args: Sequence[str | int]) -> Any:
        answer = await self._link.run(self._scripts[name], keys, args)
        self._ahead_ms = answer[1] - time.time_ns() // 1_000_000
        if self._link.connected != self._connected:
            # A new connection may be a new server, or an empty one: the epoch tells.
            self._connected = self._link.connected
            self._asking = asyncio.get_running_loop().create_task(self.health())
        return answer

    def _now_ms(self) -> int:
        """The ledger's clock, as well as it is known here; the scripts decide by their own."""
        return time.time_ns() // 1_000_000 + self._ahead_ms

    def _subjects(self, blocks: Sequence[Block]) -> list[str]:
        start = self._prefix + "w:"
        return [start + block.subject for block in blocks]

    def _pin(self, key: str) -> str:
        return f"{self._prefix}p:{hashed(key)}"

    def _cool(self, name: str) -> str:
        return f"{self._prefix}x:{self._encoder.name(name)}"


def _cooling(state: int) -> tuple[float | None, bool]:
    """Until when an option cools down, and whether it still has to be found well; see lua/cooling.lua."""
    return abs(state) / 1000 if state not in (0, -1) else None, state < 0


def prefix(realm: str) -> str:
    """What every key of a realm begins with. The braces put all of them into one slot of a cluster."""
    return f"gov:{{{realm}}}:"
