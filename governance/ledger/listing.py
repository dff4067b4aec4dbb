"""Lists of the windows that exist: of all, of a limit and of a subject, each with the soonest empty first.

Lists are kept beside the counts and never by a request: a window enters them when it is announced, and a survey ranks
it anew once a minute. So any part of a list is read without the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final, NamedTuple, Protocol

from governance.ledger.hashing import hashed
from governance.model import Window

# Below: no room now, the more overdrawn the lower. From here: Unix seconds at which it is empty at its pace.
RUNS_OUT: Final = 0.0
# From here: it has room to its end; 1,000 less its percentage is added.
HAS_ROOM: Final = 1e12
# Of a window that no survey has seen yet: as the fullest of those with room. Behind them, it would be the first to make
# room, and one caller's many unused windows would hide everybody's new ones.
UNRANKED: Final = HAS_ROOM + 900
MOST_LISTED: Final = 500  # of one answer; a call on the server lasts as long as it takes everybody else to wait
MOST_SAMPLES: Final = 60

ALL: Final = "all"
_AND: Final = " && "
_SERVED: Final = frozenset({"provider", "model", "target"})
_LEVELS: Final = 63
_NO_SAMPLE: Final = "-"


class Mark(NamedTuple):
    """A place in a list: behind the window of this id, which had this rank."""

    rank: float
    id: str


class Listing(NamedTuple):
    """Which windows are wanted; None: any.

    Args:
        limit: name of the limit, in any case.
        subject: one that the window counts, alone or among others, by id or by name, in any case.
        callers: of the callers it counts, only these: their subjects, in lower case.
    """

    limit: str | None = None
    subject: str | None = None
    callers: frozenset[str] | None = None

    @property
    def lists(self) -> list[str]:
        """The lists that must all have the window."""
        found = [] if self.limit is None else [_of_limit(self.limit)]
        return [*found, *([] if self.subject is None else [_of_subject(self.subject)])] or [ALL]

    @property
    def tags(self) -> list[str] | None:
        """The tags that its windows may have."""
        if self.callers is None:
            return None
        own = sorted(self.callers)
        return [_tag(part) for size in range(1, len(own) + 1) for part in combinations(own, size)]


class Known(NamedTuple):
    """A window that exists.

    Args:
        rank: as of the last survey; see `RUNS_OUT` and `HAS_ROOM`.
        samples: how full it was, in percent and at most 100, one for each minute until `sampled_minute` (Unix minutes);
            None where none was taken.
    """

    window: Window
    id: str
    rank: float = UNRANKED
    samples: tuple[float | None, ...] = ()
    sampled_minute: int = 0


class Listed(NamedTuple):
    """A part of a list, with the soonest empty first.

    Args:
        next: where to go on; None at the end.
        total, empty, running_out: how many windows the shortest of the lists has; of them those without room, and those
            that will be empty before they are renewed, as of the last survey.
        surveyed_s: Unix seconds by the ledger's clock at which the last survey ended; None before the first.
    """

    windows: tuple[Known, ...]
    next: Mark | None
    total: int
    empty: int
    running_out: int
    surveyed_s: float | None


class Ranked(NamedTuple):
    """What a survey says of a window. `percent`: how full it is now."""

    id: str
    rank: float
    percent: float


class Lists(Protocol):
    """The part of a ledger that is about which windows exist. Calls raise `LedgerUnavailable`."""

    async def announce(self, windows: Sequence[Window]) -> None:
        """Let everybody who uses this ledger know that these windows exist, for as long as they can hold something.

        At most 50,000 are known; those that the last survey found emptiest make room, and before the first survey of a
        window it counts as the fullest of those with room. Counting needs none of this: it is for those who want to see
        every window, also of limits for `"*"` subjects. Repeat it every `ANNOUNCED_EVERY_S`. Of a window that is
        announced again, the newest definition is known.
        """

    async def listed(self, of: Listing, after: Mark | None = None, most: int = MOST_LISTED) -> Listed:
        """Windows that were announced and can still hold something, each once, the soonest empty first.

        Reads no others. The order is that of the last survey.

        Args:
            after: what `Listed.next` said; None: from the beginning.
            most: at most so many, and no more than 500.
        """

    async def survey(self, every_s: float) -> bool:
        """Whether it is the caller's turn to look at all windows: once in so many seconds for all together."""

    async def known(self, cursor: int = 0, most: int = 100) -> tuple[int, tuple[Known, ...]]:
        """The next windows of a walk over all that exist, and where it goes on; 0 begins and ends it.

        Windows that exist throughout are met at least once. Forgets those that can hold nothing any more.
        """

    async def rank(self, found: Sequence[Ranked], minute: int, *, last: bool = False) -> None:
        """Put these windows where they belong in their lists, and keep how full they are as the sample of the minute.

        Args:
            minute: Unix minutes, by the ledger's clock.
            last: the survey ends with them.
        """


def id_of(window: Window) -> str:
    """A window among all others: 22 characters by what it is, 6 by which callers it counts."""
    callers = [part for part in window.subject.lower().split(_AND) if part.partition(":")[0] not in _SERVED]
    return hashed("\0".join((window.limit, window.subject, window.unit, str(window.period)))) + _tag(sorted(callers))


def lists_of(window: Window) -> list[str]:
    """The lists that have a window."""
    whole = window.subject.lower()
    parts = whole.split(_AND)
    names = [] if window.name_of_subject is None else window.name_of_subject.lower().split(_AND)
    named = [f"{part.partition(':')[0]}:{name}" for part, name in zip(parts, names, strict=False)]
    return [ALL, _of_limit(window.limit), *map(_of_subject, dict.fromkeys((whole, *parts, *named)))]


def sampled(samples: str, before_minute: int, minute: int, percent: float) -> str:
    """The samples with one more; of one minute the last one stays. See lua/ranked.lua."""
    if minute < before_minute:
        return samples
    kept = samples[:-1] if minute == before_minute else samples
    gap = _NO_SAMPLE * min(MOST_SAMPLES, minute - before_minute - 1) if samples else ""
    return (kept + gap + level(percent))[-MOST_SAMPLES:]


def level(percent: float) -> str:
    """One sample as one character."""
    return chr(48 + round(min(100.0, max(0.0, percent)) * _LEVELS / 100))


def percents(samples: str) -> tuple[float | None, ...]:
    """What was written by `level`."""
    return tuple(None if each == _NO_SAMPLE else round((ord(each) - 48) * 100 / _LEVELS, 1) for each in samples)


def slices(length: int, size: int) -> Iterator[slice]:
    """`length` things, at most `size` at a time."""
    for begin in range(0, length, size):
        yield slice(begin, begin + size)


def _of_limit(name: str) -> str:
    return "l" + hashed(name.lower(), 8)


def _of_subject(subject: str) -> str:
    return "s" + hashed(subject.lower(), 8)


def _tag(callers: tuple[str, ...] | list[str]) -> str:
    return hashed(_AND.join(callers), 4)
