"""The recent decisions: the newest few thousand, to be looked up by id or searched."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

import orjson

log = logging.getLogger("governance.telemetry")

CHUNK: Final = 100  # as many are read between two turns of the loop
_FASTEST: Final = 1  # of the levels of zlib
_SHORTEST_ID: Final = 8
_SHORTEST_TEXT: Final = 8
# One search looks at no more than this; its cursor goes on from there.
MOST_LOOKED_AT: Final = 2_000
# A place is the milliseconds, and in so many bits below them the number: one integer is half of what two take.
_NUMBER_BITS: Final = 48
_NUMBERS: Final = (1 << _NUMBER_BITS) - 1


class Kept(NamedTuple):
    """One decision. `position`: `milliseconds-number`, rising with the time at which it was told."""

    position: str
    record: bytes


# Of one decision, as JSON; a function makes it when somebody asks, which of most decisions nobody does.
Line = bytes | Callable[[], bytes]


class Recent(Protocol):
    """Keeps the newest decisions, each as one line of JSON."""

    kind: str
    dropped: int
    error: str | None

    def put(self, decision_id: str, record: Line) -> None:
        """Keep this one, soon. Needs a running event loop; never fails."""

    async def before(self, position: str | None, count: int) -> Sequence[Kept]:
        """The newest ones, or those before a position; newest first. Raises LedgerUnavailable."""

    async def find(self, decision_id: str) -> bytes | None:
        """The record of one. Raises LedgerUnavailable."""

    async def close(self) -> None:
        """Keep what has still to be kept, and let go."""


class RecentHere:
    """The decisions of this process. What was looked at once is kept as compressed JSON, so that a search that is
    repeated makes no record anew.
    """

    kind = "memory"
    dropped = 0
    error: str | None = None

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._order: deque[str] = deque()
        self._records: dict[str, tuple[int, bytes | Callable[[], bytes]]] = {}
        self._number = 0

    def put(self, decision_id: str, record: Line) -> None:
        kept = record if callable(record) else zlib.compress(record, _FASTEST)
        known = self._records.get(decision_id)
        if known is not None:
            # Told once more: an answer came after all.
            self._records[decision_id] = (known[0], kept)
            return
        self._number += 1
        self._records[decision_id] = ((time.time_ns() // 1_000_000 << _NUMBER_BITS) + self._number, kept)
        self._order.append(decision_id)
        if len(self._order) > self._keep:
            self._records.pop(self._order.popleft(), None)

    async def before(self, position: str | None, count: int) -> Sequence[Kept]:
        until = None if position is None else int(position.partition("-")[2])
        found: list[Kept] = []
        for decision_id in reversed(self._order):
            place = self._records[decision_id][0] if decision_id in self._records else 0
            number = place & _NUMBERS
            if not place or (until is not None and number >= until):
                continue
            record = self._made(decision_id)
            if record is not None:
                found.append(Kept(f"{place >> _NUMBER_BITS}-{number}", record))
                if len(found) == count:
                    break
        return found

    async def find(self, decision_id: str) -> bytes | None:
        return self._made(decision_id)

    def _made(self, decision_id: str) -> bytes | None:
        place, record = self._records.get(decision_id, (0, None))
        if not callable(record):
            return record and zlib.decompress(record)
        try:
            line = record()
        except Exception:  # the others can be shown all the same
            log.exception("decision %s has no record", decision_id)
            del self._records[decision_id]
            self.dropped += 1
            return None
        self._records[decision_id] = (place, zlib.compress(line, _FASTEST))
        return line

    async def close(self) -> None:
        """Nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for; None = whatever it is.

    Args:
        team: by id or name.
        target: one that was considered, tried, or asked for.
        reason: why a target was passed over, an attempt failed, or the request was refused.
        since_s: Unix seconds at which it was decided, or later.
        key: the virtual key that asked, by id, by the beginning of it, or by name.
        text: a name that the record mentions, or words of what the caller was told, such as a whole error.
    """

    id: str | None = None
    team: str | None = None
    target: str | None = None
    outcome: str | None = None
    reason: str | None = None
    profile: str | None = None
    rule: str | None = None
    since_s: float | None = None
    key: str | None = None
    text: str | None = None

    def matches(self, record: dict[str, Any]) -> bool:
        """Whether it is one of those."""
        identity = record["identity"]
        return (
            self.id in (None, record["id"])
            and self.outcome in (None, record["outcome"])
            and self.profile in (None, record["profile"])
            and self.rule in (None, record["rule"])
            and (self.team is None or self.team in (identity["team_id"], identity["team_name"]))
            and (self.target is None or self.target in _targets(record))
            and (self.reason is None or self.reason in _reasons(record))
            and (self.key is None or _is_key(self.key, identity))
            and (self.text is None or _mentions(record, self.text))
            and (self.since_s is None or _at_s(record) >= self.since_s)
        )


class Page(NamedTuple):
    """What was found. `cursor`: where to go on; None = there is no more."""

    decisions: list[dict[str, Any]]
    cursor: str | None


async def search(recent: Recent, query: Query, limit: int, cursor: str | None = None) -> Page:
    """The newest decisions that match, newest first. Raises LedgerUnavailable.

    Args:
        cursor: that of the page before. A page may be short, or empty, and yet have one: the search was long.
    """
    found: list[dict[str, Any]] = []
    seen: set[str] = set()  # a batch may have been sent twice
    position = cursor
    for _ in range(MOST_LOOKED_AT // CHUNK):
        chunk = await recent.before(position, CHUNK)
        for kept in chunk:
            position = kept.position
            if query.since_s is not None and int(position.partition("-")[0]) < query.since_s * 1000:
                return Page(found, None)  # told before that, so decided before that
            record = orjson.loads(kept.record)
            if query.matches(record) and record["id"] not in seen:
                seen.add(record["id"])
                found.append(record)
                if len(found) == limit:
                    return Page(found, position)
        if len(chunk) < CHUNK:
            return Page(found, None)
        await asyncio.sleep(0)  # requests have their turn
    return Page(found, position)


def _targets(record: dict[str, Any]) -> set[str]:
    named = {entry["target"] for section in ("candidates", "attempts") for entry in record[section]}
    return named | {record["model"], record["request"]["model"]}


def _reasons(record: dict[str, Any]) -> set[str | None]:
    reasons = {candidate["reason"] for candidate in record["candidates"]}
    reasons |= {attempt.get("error") for attempt in record["attempts"]}
    return reasons | {record["refusal"]["code"]} if record["refusal"] else reasons


def _is_key(key: str, identity: dict[str, Any]) -> bool:
    id = identity["virtual_key_id"]
    return key in (id, identity["virtual_key_name"]) or (len(key) >= _SHORTEST_ID and id.startswith(key.rstrip("…")))


def _mentions(record: dict[str, Any], text: str) -> bool:
    wanted = text.strip().lower()
    names = {*record["identity"].values(), record["rule"], record["profile"], *_targets(record), *_reasons(record)}
    refusal = record["refusal"]
    if refusal:
        names.add(refusal["limit"])
        told, asked = _numberless(refusal["message"]), _numberless(wanted)
        # A number in it says how long, and not why.
        if told in asked or (len(asked) >= _SHORTEST_TEXT and asked in told):
            return True
    names.update(window["limit"] for window in record["windows"])
    return any(name and name.lower() == wanted for name in names) or _is_key(text.strip(), record["identity"])


def _numberless(text: str) -> str:
    return re.sub(r"[0-9]+", "#", text.lower())


def _at_s(record: dict[str, Any]) -> float:
    # Python 3.10 does not read the `Z` of ISO 8601.
    return datetime.fromisoformat(record["at"].replace("Z", "+00:00")).timestamp()
