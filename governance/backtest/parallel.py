"""Parts of the traffic that have nothing to do with each other, played in several processes."""

from __future__ import annotations

import multiprocessing
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

from governance.backtest.lanes import Both, Habits, Setting, both
from governance.backtest.tally import Played
from governance.backtest.watch import Watch
from governance.traffic import TraceLine

T = TypeVar("T")
R = TypeVar("R")
# Below so many requests a second process costs more than it saves.
WORTH_IT: Final = 2_000


def in_processes(work: Callable[[T], R], parts: Sequence[T], processes: int) -> list[R]:
    """What `work` makes of each part, in their order.

    Args:
        processes: at most so many at once; where processes cannot be forked, or one is enough, it is done here.
    """
    if processes <= 1 or len(parts) <= 1 or "fork" not in multiprocessing.get_all_start_methods():
        return [work(part) for part in parts]
    with multiprocessing.get_context("fork").Pool(min(processes, len(parts)), _begin, (work, parts)) as pool:
        found: list[R] = pool.map(_work, range(len(parts)), chunksize=1)
        return found


def in_order(work: Callable[[T], R], parts: Sequence[T], processes: int) -> Iterator[R]:
    """The same one after the other, as each is ready."""
    if processes <= 1 or len(parts) <= 1 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(work, parts)
        return
    with multiprocessing.get_context("fork").Pool(min(processes, len(parts)), _begin, (work, parts)) as pool:
        yield from pool.imap(_work, range(len(parts)))


_GIVEN: list[Any] = []


def _begin(work: Any, parts: Any) -> None:
    # What knows its policies cannot be sent to a process, but a process that is forked has it.
    _GIVEN[:] = [work, parts]


def _work(index: int) -> Any:
    work, parts = _GIVEN
    return work(parts[index])


def cores() -> int:
    """How many processes may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def play(setting: Setting, lines: Sequence[TraceLine], parts: Iterable[int], habits: Habits, processes: int) -> Both:
    """The same as `both`, part by part.

    Args:
        parts: of each line, which part it is of.
    """
    by_part: dict[int, list[TraceLine]] = defaultdict(list)
    for line, part in zip(lines, parts, strict=True):
        by_part[part].append(line)
    if len(lines) < WORTH_IT or len(by_part) < 2:
        return both(setting, lines, habits)
    bins = _balanced(list(by_part.values()), processes)
    found = in_processes(lambda some: _sent(both(setting, some, habits)), bins, processes)
    # What was given need not be sent back.
    played = [Played(*each) for some, one in zip(bins, found, strict=True) for each in _with(some, one.played)]
    played.sort(key=lambda each: (each.line.at_us, each.line.id))
    active, candidate = Watch(), Watch()
    for one in found:
        active.take(one.active)
        candidate.take(one.candidate)
    return Both(played, active, candidate, sum(one.retries for one in found))


def _sent(found: Both) -> Both:
    return found._replace(played=[each[1:] for each in found.played])  # type: ignore[misc]


def _with(lines: list[TraceLine], played: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    return ((line, *each) for line, each in zip(lines, played, strict=True))


def _balanced(parts: list[list[TraceLine]], bins: int) -> list[list[TraceLine]]:
    """The parts in so many bins, each about as full; the lines of a bin in the order of their arrival."""
    filled: list[list[TraceLine]] = [[] for _ in range(max(1, bins))]
    for part in sorted(parts, key=lambda part: (-len(part), part[0].id)):
        min(filled, key=len).extend(part)
    for each in filled:
        each.sort(key=lambda line: (line.at_us, line.id))
    return [each for each in filled if each]
