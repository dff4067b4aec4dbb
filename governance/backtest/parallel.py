"""Work that can be done in several processes at once."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


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
