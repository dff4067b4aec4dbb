"""What happens at this gateway: the last hour by minute, from the decisions that are kept."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from governance.telemetry.recent import CHUNK, Recent

MINUTES: Final = 60
OUTCOMES: Final = ("route", "pass", "refuse", "failed")
# What came since the last look; more than these at once are not counted, and that is told.
_MOST_NEW: Final = 5_000
_MOST_TARGETS: Final = 100


@dataclass
class Minute:
    """What was told in one minute.

    Args:
        at_s: Unix seconds at which it begins.
        targets: attempts that reached a provider, by target and whether it answered.
    """

    at_s: int
    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    targets: Counter[tuple[str, bool]] = field(default_factory=Counter)
    usd_micros: int = 0


@dataclass(frozen=True)
class Strip:
    """One target: for each minute how often it answered and how often it failed."""

    target: str
    minutes: tuple[tuple[int, int], ...]

    @property
    def answered(self) -> int:
        """In all minutes."""
        return sum(ok for ok, _ in self.minutes)

    @property
    def failed(self) -> int:
        """In all minutes."""
        return sum(failed for _, failed in self.minutes)


@dataclass(frozen=True)
class Overview:
    """Args:
    minutes: `MINUTES` of them, the oldest first.
    refusals: by code and limit, the most frequent first.
    incomplete: more was decided than could be read.
    """

    minutes: tuple[Minute, ...]
    refusals: tuple[tuple[str, str, int], ...]
    strips: tuple[Strip, ...]
    incomplete: bool

    @property
    def outcomes(self) -> Counter[str]:
        """Of all minutes."""
        return sum((minute.outcomes for minute in self.minutes), Counter[str]())

    @property
    def usd_micros(self) -> int:
        """What all of it cost, as far as prices are known."""
        return sum(minute.usd_micros for minute in self.minutes)

    def report(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "minutes": [
                {"at_s": minute.at_s, "usd_micros": minute.usd_micros, **{o: minute.outcomes[o] for o in OUTCOMES}}
                for minute in self.minutes
            ],
            "refusals": [{"code": code, "limit": limit or None, "count": n} for code, limit, n in self.refusals],
            "targets": [
                {"target": strip.target, "answered": strip.answered, "failed": strip.failed} for strip in self.strips
            ],
            "incomplete": self.incomplete,
        }


class Pulse:
    """Keeps the last hour; each look reads only what was told since the one before."""

    def __init__(self) -> None:
        self._minutes: dict[int, Minute] = {}
        self._until: tuple[int, int] | None = None
        self._incomplete = False
        self._looking = asyncio.Lock()

    async def look(self, recent: Recent | None, now_s: float) -> Overview:
        """What is known now. Raises LedgerUnavailable."""
        last = int(now_s) // 60 * 60
        first = last - (MINUTES - 1) * 60
        async with self._looking:
            if recent is not None:
                await self._read(recent, first)
            self._minutes = {at_s: minute for at_s, minute in self._minutes.items() if at_s >= first}
            minutes = tuple(self._minutes.get(at_s) or Minute(at_s) for at_s in range(first, last + 1, 60))
            return Overview(minutes, tuple(_refusals(minutes)), tuple(_strips(minutes)), self._incomplete)

    async def _read(self, recent: Recent, first_s: int) -> None:
        position: str | None = None
        newest: tuple[int, int] | None = None
        for read in range(0, _MOST_NEW, CHUNK):
            kept = await recent.before(position, CHUNK)
            for each in kept:
                position = each.position
                at = _place(position)
                newest = newest or at
                if (self._until is not None and at <= self._until) or at[0] < first_s * 1000:
                    break
                self._count(orjson.loads(each.record), at[0] // 60_000 * 60)
            else:
                if len(kept) == CHUNK:
                    self._incomplete = self._incomplete or read + CHUNK >= _MOST_NEW
                    await asyncio.sleep(0)  # requests have their turn
                    continue
            break
        self._until = newest or self._until

    def _count(self, record: Mapping[str, Any], minute_s: int) -> None:
        minute = self._minutes.setdefault(minute_s, Minute(minute_s))
        attempts = [attempt for attempt in record["attempts"] if attempt["outcome"] in ("ok", "failed")]
        failed = bool(attempts) and not any(attempt["outcome"] == "ok" for attempt in attempts)
        if "mirror_of" not in record:
            minute.outcomes["failed" if failed else record["outcome"]] += 1
        if record["refusal"]:
            minute.refusals[record["refusal"]["code"], record["refusal"]["limit"] or ""] += 1
        for attempt in attempts:
            minute.targets[attempt["target"], attempt["outcome"] == "ok"] += 1
        minute.usd_micros += (record["usage"] or {}).get("cost_usd_micros") or 0


def _place(position: str) -> tuple[int, int]:
    ms, _, number = position.partition("-")
    return int(ms), int(number or 0)


def _refusals(minutes: tuple[Minute, ...]) -> Iterator[tuple[str, str, int]]:
    for (code, limit), count in sum((minute.refusals for minute in minutes), Counter[tuple[str, str]]()).most_common(
        20
    ):
        yield code, limit, count


def _strips(minutes: tuple[Minute, ...]) -> Iterator[Strip]:
    tried: Counter[str] = Counter()
    for minute in minutes:
        for (target, _), count in minute.targets.items():
            tried[target] += count
    for target, _ in tried.most_common(_MOST_TARGETS):
        yield Strip(target, tuple((m.targets[target, True], m.targets[target, False]) for m in minutes))
