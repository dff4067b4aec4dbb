"""Where windows are counted. One Protocol, two stores: memory (embedded) and Redis (shared by all proxies).

Life of a reservation: `reserve` counts all shared charges and those of the first target that fits, or nothing.
Each failed attempt `move`s it to the next target. It ends `settle`d (what was used) or `release`d; an
`settle` wins over a `release` in any order, and every call may be repeated without counting twice.
A reservation that its deadline finds open is released by whoever comes next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from governance.ledger.listing import Lists
from governance.ledger.pins import Asked, Pin, Pinning
from governance.model import Charge, Window

OnUnavailable = Literal["refuse", "allow", "share"]
Away = Literal["", "allow", "share"]


class Reading(NamedTuple):
    """One window at one moment.

    Args:
        used: counted now, open reservations included, before the amount asked for.
        amount: the amount asked for.
        fits: whether `used + amount` stays within the limit; a window in shadow mode is told, not enforced.
        room_at_s: Unix seconds by the ledger's clock at which the amount will fit if nothing else is counted;
            `now_s` when it fits; None when it never will (the amount is over the limit) or when nobody can
            know (concurrent: room comes when a request ends).
        resets_at_s: Unix seconds at which everything counted until now will have left the window; None for concurrent.
    """

    window: Window
    used: int
    amount: int
    fits: bool
    room_at_s: float | None
    resets_at_s: float | None


class Option(NamedTuple):
    """A target as the ledger sees it: a name to cool down, and what serving from it costs."""

    name: str
    charges: Sequence[Charge] = ()


class OptionReading(NamedTuple):
    """Whether an option has room now, and until when it cools down (Unix seconds; None = it does not).

    Args:
        available: False when the store did not answer; `fits` then follows `on_unavailable` of each window.
        recovering: its cool-down has ended, and nobody has found out yet whether it is well again. Whoever is charged
            for it now is its probe, and it cools down for everybody else until that is known, a minute at most; so
            where it also cools down, a probe is under way.
    """

    fits: bool
    cooling_until_s: float | None
    windows: tuple[Reading, ...]
    available: bool = True
    recovering: bool = False


class Reserved(NamedTuple):
    """The ledger's answer.

    Args:
        granted: every shared charge fits, and so does one option (or there were no options).
        chosen: index of the option that was charged; None when refused or when there were no options.
        shared, options: readings in the order of the request, for every window, taken before anything was counted.
        now_s: the ledger's clock, Unix seconds.
        available: False when the store did not answer. What is granted then is counted when it answers again
            (`uncounted`); what is refused is refused for that reason alone, whatever the readings say (503
            `ledger_unavailable`). What is full as last seen is refused as if the store had said it (True).
        uncounted: the windows of a granted reservation that are counted afterwards, because the store was away and
            `on_unavailable` of each says `allow` or `share` (or it is in shadow mode).
        away: which of both let it through: `share` where any of them says so; "" = the store answered.
        pin: who has answered the conversation last, where that was asked.
    """

    granted: bool
    chosen: int | None
    shared: tuple[Reading, ...]
    options: tuple[OptionReading, ...]
    now_s: float
    available: bool = True
    uncounted: tuple[Window, ...] = ()
    pin: Pin | None = None
    away: Away = ""


class Health(NamedTuple):
    """What operators ask of a ledger.

    Args:
        kind: `memory`, `redis`, `sentinel`, `cluster` or `fake`.
        reachable: it answered; the numbers are None when it did not.
        epoch_s: Unix seconds at which this ledger began empty. A later value than last time: all counts were lost.
        open_reservations: neither settled nor released, nor found past their deadline.
        expired: reservations that were released because their deadline had passed, since `epoch_s`.
        allowed: requests that this process let through while the store was away, `shared` of them within its share.
        refused: requests that this process refused because the store was away.
        owed: reservations whose charges, settles and releases wait in this process until the store answers again.
        lost: those that could not wait any longer.
        late: requests that were served while the store was away and have been counted since.
        workers: that count in this ledger, as this process last heard; None where nobody has said it.
        spool_error: why what is owed cannot be kept on disk; None when it can, or nobody asked for it.
    """

    kind: str
    reachable: bool
    epoch_s: float | None
    open_reservations: int | None
    expired: int | None
    now_s: float | None
    allowed: int = 0
    refused: int = 0
    owed: int = 0
    lost: int = 0
    shared: int = 0
    late: int = 0
    workers: int | None = None
    spool_error: str | None = None


class Ledger(Lists, Protocol):
    """Calls raise `LedgerUnavailable` when the store does not answer in time.

    What `open_ledger` returns does not: while the store is away it answers `reserve` and `move` by `on_unavailable`
    of the windows (`available` is False), keeps settles and releases and sends them later, and forgets cool-downs.
    Only what reads (`read`, `reserved`, `listed`), announces and surveys raises.
    """

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
        """Charge everything shared and the first option that fits and is not cooling down, together, or nothing.

        Where there is none, the first that fits and is being probed: the probe is waited for elsewhere, or not at all.

        Repeated with an id that is known, it counts nothing and answers as the first time, with fresh readings.
        So the id must be the gateway's own and new for each request: never one that a caller can choose.
        Raises ValueError for a charge that cannot be counted: a negative amount, an unknown period or time zone.

        Args:
            deadline_s: seconds from now after which an open reservation is released.
            dry_run: answer the same and count nothing.
            pinned: the conversation it belongs to: who has answered that last goes before the others.
        """

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
        """Hop `hop` (1, 2, …) of a reservation: give back the charges of the target before, charge this one.

        The `requests` of the attempt that failed stay counted, its tokens, money and concurrency do not. `shared`
        are further charges that this attempt costs every subject (its request); their readings follow the option's.
        Charged when all of it fits and the option does not cool down; otherwise nothing of it is charged, and the
        reservation holds no target until the next move. Repeated, it charges nothing and `fits` says whether it did.
        A reservation that its deadline has ended is opened again, one that is not known is begun with this option,
        so that a target's windows hold at every attempt; one that was settled or released stays so (`fits` False).

        Args:
            force: charge it in any case: the attempt is already a fact.
            unasked: the target before was asked nothing: its `requests` are given back too.
        """

    async def settle(self, reservation_id: str, actual: Mapping[str, int], *, pinning: Pinning | None = None) -> bool:
        """Replace the reserved amounts by what was used, by unit; units not named stay as they were reserved.

        The difference goes to the time at which the amount was counted; what has left its window since changes nothing.
        What was used is counted even above the limit, and after a release or the deadline too, while the reservation
        is remembered (15 minutes after its end). The targets of failed attempts are left as `move` left them.
        True the first time, False when it was settled before or is not known (any more).

        Args:
            pinning: who has answered a conversation, to be written with it the first time.
        """

    async def release(self, reservation_id: str, *, attempted: bool = False) -> bool:
        """Give everything back; when a provider was `attempted`, all but the requests.

        The requests of attempts before the last `move` stay counted in any case. After the deadline gave everything
        back, `attempted` counts the requests again.

        True the first time, False when it was settled or released before or is not known (any more).
        """

    async def renew(self, reservation_id: str, deadline_s: float, *, attempted: bool = False) -> bool:
        """Put the deadline of an open reservation `deadline_s` seconds from now, for a stream that lasts.

        Args:
            attempted: a provider is being asked for the current hop: its request stays counted, even if this process
                dies and the deadline gives everything else back.

        False when it is not open (any more).
        """

    async def cool_down(self, name: str, seconds: float) -> None:
        """Keep the option of this name from being chosen for so long; a longer one that runs already stays.

        Afterwards one request at a time probes it, until one of them has `recovered` it; for an hour.
        """

    async def recovered(self, name: str, well: bool = True) -> None:
        """The probe of this option is over: it is well, or nothing is known, and the next request probes it."""

    async def read(self, windows: Sequence[Window]) -> tuple[Reading, ...]:
        """The state of these windows now."""

    async def reserved(self, windows: Sequence[Window]) -> tuple[int, ...]:
        """How much of what each of these windows has counted now belongs to open reservations.

        Nothing keeps this sum, so that `reserve` need not: it is added up from the records of open reservations, of
        at most 10,000, those whose deadline comes last; with more of them it is too low. Read at another instant than
        `read`, so it may be the larger of the two for a moment.
        """

    async def health(self) -> Health:
        """Counters for health pages and metrics; the only call that never raises."""

    async def close(self) -> None:
        """Let go of connections."""


def open_ledger(
    url: str,
    *,
    realm: str = "default",
    on_unavailable: OnUnavailable = "refuse",
    timeout_s: float = 0.25,
    failures: int = 5,
    probe_s: float = 0.05,
    spool: Path | None = None,
) -> Ledger:
    """The ledger at `url`. Connects at the first call, and only then.

    Raises ValueError for a URL or realm that names no ledger.

    Args:
        url: `memory://`, `redis://`, `rediss://`, `unix://`, `redis+sentinel://` or `redis+cluster://`
            (the last two also as `rediss+…`); see docs/ledger.md.
        realm: everything in one realm is decided together, on one shard; realms do not see each other.
        on_unavailable: for windows that do not say themselves what happens while the store does not answer.
        timeout_s: how long a call waits for a store that is silent.
        failures: so many in a row, each at a moment of its own, and no call waits any more.
        probe_s: how often it is then asked whether it is well; after two seconds less and less often.
        spool: a folder for what was served while the store was away, so that a restart does not forget it.
    """
    # The memory ledger must not need what only Redis needs, nor wait for its import.
    if url.startswith("memory:"):
        from governance.ledger.memory import MemoryLedger

        return MemoryLedger()
    from governance.ledger.address import directory
    from governance.ledger.guard import Guarded
    from governance.ledger.link import Wire
    from governance.ledger.redis import RedisLedger, prefix

    wire = Wire(directory(url), prefix(realm), timeout_s, failures=failures, probe_s=probe_s)
    return Guarded(RedisLedger(wire, realm), on_unavailable, spool)


def split_counts(url: str, workers: int) -> str | None:
    """What is wrong with this ledger for so many worker processes; None when nothing is.

    Each process would count for itself: every limit would be `workers` times as high as it says.
    """
    if workers <= 1 or not url.startswith("memory:"):
        return None
    return (
        f"ledger.url is {url} and the proxy runs {workers} workers: each would count for itself, so that every limit "
        f"and budget would be up to {workers} times what the policy says; use redis://, or one worker"
    )
