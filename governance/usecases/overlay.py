"""The overlay: what is in force beside the policy, set and withdrawn by admins, each entry with an end and a reason."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from governance.engine import refusals
from governance.engine.host import Host
from governance.engine.overlay import unknown
from governance.ledger.overlay import RedisOverlay, open_overlay
from governance.model.errors import GovernanceError, StoreUnavailable
from governance.model.overlay import MOST_ENTRIES, ActiveProfile, AnyEntry, Freeze, read_back, written
from governance.policy.truth import sqlite_path
from governance.store import Store, default_url
from governance.trace import iso
from governance.usecases.noted import Author

log = logging.getLogger("governance.usecases")

SET: Final = "overlay_set"
WITHDRAWN: Final = "overlay_withdrawn"

T = TypeVar("T")


class Ask(Protocol):
    """How the store is asked: what a use case makes of it. Raises StoreUnavailable."""

    def __call__(self, use: Callable[[Store], T], /) -> Awaitable[T]: ...


class NoSuchEntry(GovernanceError):
    """Nothing of this id is in force."""


class TooMany(GovernanceError):
    """More than a process should read once a second."""


class PolicyFrozen(GovernanceError):
    """Somebody has frozen the policy."""

    def __init__(self, entry: Freeze) -> None:
        until = "somebody withdraws it" if entry.until_s is None else _minute(entry.until_s)
        super().__init__(
            f"the policy is frozen by {entry.author} until {until}: {entry.reason or 'no reason is given'} "
            f"(`governance overlay withdraw {entry.id}` ends that)"
        )
        self.entry = entry


@dataclass(frozen=True)
class Done:
    """An entry was set or withdrawn.

    Args:
        audited: the audit has it; False where the store did not answer, and the log alone tells.
    """

    entry: AnyEntry
    audited: bool


class Kept(Protocol):
    """Where the entries are. Calls raise LedgerUnavailable or StoreUnavailable.

    Attributes:
        name: `ledger` or `store`.
    """

    name: str

    async def texts(self) -> Sequence[str | bytes]:
        """Every entry, as it is kept."""

    async def put(self, entry: AnyEntry, without: Sequence[str], event: dict[str, Any]) -> bool | None:
        """Keep an entry and tell the audit. Whether that has it; None = nothing was done, there are too many."""

    async def take(self, id: str, event: dict[str, Any]) -> bool | None:
        """Keep an entry no longer and tell the audit. Whether that has it; None = nothing was done, it was not kept."""

    async def close(self) -> None:
        """Let go of what is open."""


class InLedger:
    """In the Redis of the ledger; the audit is told afterwards, for a kill switch must not wait for a database."""

    name = "ledger"

    def __init__(self, overlay: RedisOverlay, ask: Ask) -> None:
        self._overlay, self._ask = overlay, ask

    async def texts(self) -> Sequence[str | bytes]:
        return await self._overlay.read()

    async def put(self, entry: AnyEntry, without: Sequence[str], event: dict[str, Any]) -> bool | None:
        if not await self._overlay.put(entry.id, written(entry), MOST_ENTRIES, without):
            return None
        return await self._told(event)

    async def take(self, id: str, event: dict[str, Any]) -> bool | None:
        return await self._told(event) if await self._overlay.take(id) else None

    async def close(self) -> None:
        await self._overlay.close()

    async def _told(self, event: dict[str, Any]) -> bool:
        try:
            await self._ask(partial(_audit, event=event))
        except StoreUnavailable as error:
            log.error("%s by %s is in no audit, the store does not answer: %s", event["action"], event["actor"], error)
            return False
        return True


class InStore:
    """In the store, where the ledger is memory: entry and audit together, or neither.

    Args:
        there: whether there is a store by now; where nobody has made one, nothing is in it.
    """

    name = "store"

    def __init__(self, ask: Ask, there: Callable[[], bool] = lambda: True) -> None:
        self._ask, self._there = ask, there

    async def texts(self) -> Sequence[str | bytes]:
        return await self._ask(_texts) if self._there() else ()

    async def put(self, entry: AnyEntry, without: Sequence[str], event: dict[str, Any]) -> bool | None:
        return await self._ask(partial(_put, entry=entry, without=without, event=event))

    async def take(self, id: str, event: dict[str, Any]) -> bool | None:
        return await self._ask(partial(_take, id=id, event=event)) if self._there() else None

    async def close(self) -> None:
        """Whoever opened the store closes it."""


async def entries(kept: Kept) -> tuple[AnyEntry, ...]:
    """Every entry that this version understands, ended ones included, in the order in which they were made.

    Raises LedgerUnavailable, StoreUnavailable.
    """
    found = [read_back(text) for text in await kept.texts()]
    if None in found:
        log.warning("%d entries of the overlay are of a later version, and change nothing here", found.count(None))
    return tuple(sorted((each for each in found if each is not None), key=lambda entry: (entry.at_s, entry.id)))


async def set_entry(kept: Kept, entry: AnyEntry, author: Author) -> Done:
    """Put an entry in force.

    Raises:
        TooMany: nothing was done.
        LedgerUnavailable, StoreUnavailable: it is not known whether it was done.
    """
    others = await entries(kept)
    over = [other.id for other in others if not other.in_force(entry.at_s) or _replaces(entry, other)]
    audited = await kept.put(entry, over, _event(SET, entry, author, entry.at_s))
    if audited is None:
        raise TooMany(f"there are {MOST_ENTRIES} entries already; withdraw some, or put lasting changes in the policy")
    log.info("overlay %s by %s: %s", entry.id, entry.author, described(entry))
    return Done(entry, audited)


async def withdraw(kept: Kept, id: str, author: Author, now_s: float) -> Done:
    """End an entry before its time. Raises NoSuchEntry, LedgerUnavailable, StoreUnavailable."""
    known = next((entry for entry in await entries(kept) if entry.id == id and entry.in_force(now_s)), None)
    audited = None if known is None else await kept.take(id, _event(WITHDRAWN, known, author, now_s))
    if known is None or audited is None:
        raise NoSuchEntry(f"there is no entry `{id[:100]}` in force; `governance overlay list` lists them")
    log.info("overlay %s was withdrawn by %s: %s", id, author.name, described(known))
    return Done(known, audited)


async def check_not_frozen(kept: Kept, now_s: float) -> None:
    """Raises PolicyFrozen where the policy may not be changed; LedgerUnavailable, StoreUnavailable."""
    frozen = frozen_by(await entries(kept), now_s)
    if frozen is not None:
        raise PolicyFrozen(frozen)


def frozen_by(known: Sequence[AnyEntry], now_s: float) -> Freeze | None:
    """The entry that freezes the policy the longest; None where none does."""
    frozen = [entry for entry in known if isinstance(entry, Freeze) and entry.in_force(now_s)]
    return max(frozen, key=lambda entry: entry.until_s or float("inf"), default=None)


def row(entry: AnyEntry, stated: Host | None = None) -> dict[str, Any]:
    """An entry as plain values; with a policy, also the `problem` with what it names."""
    fields = entry.model_dump(mode="json", exclude={"at_s", "until_s"}, exclude_none=True)
    problem = {} if stated is None else {"problem": unknown(stated, entry)}
    until = "never" if entry.until_s is None else iso(entry.until_s)
    return {**fields, "at": iso(entry.at_s), "until": until, "what": described(entry), **problem}


def described(entry: AnyEntry) -> str:
    """What an entry does, in a few words."""
    match entry.kind:
        case "profile":
            return f"the active task profile is {entry.profile}"
        case "increase":
            if entry.factor is not None:
                unit = f" of {entry.unit}" if entry.unit else ""
                return f"{entry.limit}: {entry.factor} times as much{unit}"
            return f"{entry.limit}: {refusals.limit(entry.unit or 'requests', entry.amount or 0, entry.period)}"
        case "stop":
            return f"{entry.limit}: counts, and refuses nobody"
        case "drain":
            return f"{entry.target}: gets no new request"
        case "freeze":
            return "the policy is not changed"


def kept_by(ledger_url: str, store_url: str | None, ask: Ask, environment: Mapping[str, str]) -> Kept:
    """Where the overlay of a policy is kept: beside the counters of its ledger, or in its store where those are memory.

    Args:
        ask: how that store is asked.
    """
    overlay = open_overlay(ledger_url)
    if overlay is not None:
        return InLedger(overlay, ask)
    return InStore(ask, partial(is_there, store_url, environment))


def is_there(store_url: str | None, environment: Mapping[str, str]) -> bool:
    """Whether a store can hold anything by now: a file of SQLite is made by whoever needs it first."""
    path = sqlite_path(store_url or default_url(environment))
    return path is None or Path(path).exists()


def _replaces(entry: AnyEntry, other: AnyEntry) -> bool:
    """Whether the other one will never matter again: the latest profile is active, and this one lasts as long."""
    if not (isinstance(entry, ActiveProfile) and isinstance(other, ActiveProfile)):
        return False
    return entry.until_s is None or (other.until_s is not None and other.until_s <= entry.until_s)


def _event(action: str, entry: AnyEntry, author: Author, at_s: float) -> dict[str, Any]:
    kind, side = ("added", "after") if action == SET else ("removed", "before")
    return {
        "at": datetime.fromtimestamp(at_s, timezone.utc),
        "actor": author.name[:200],
        "actor_kind": author.kind,
        "action": action,
        "entries": [{"kind": kind, "path": f"overlay.{entry.id}", side: row(entry)}],
        "reason": entry.reason,
        "request_id": author.request_id[:200],
    }


def _minute(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, timezone.utc):%Y-%m-%d %H:%M} UTC"


def _audit(store: Store, event: dict[str, Any]) -> None:
    with store.write() as work:
        work.events.append_beside(**event)


def _texts(store: Store) -> Sequence[str | bytes]:
    with store.read() as work:
        return work.overlay.read()


def _put(store: Store, entry: AnyEntry, without: Sequence[str], event: dict[str, Any]) -> bool | None:
    with store.write() as work:
        if not work.overlay.put(entry.id, written(entry), MOST_ENTRIES, without):
            return None
        work.events.append_beside(**event)
        return True


def _take(store: Store, id: str, event: dict[str, Any]) -> bool | None:
    with store.write() as work:
        if not work.overlay.take(id):
            return None
        work.events.append_beside(**event)
        return True
