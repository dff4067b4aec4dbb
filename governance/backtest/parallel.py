"""Work that can be done in several processes at once."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

_ENDING: Final = (signal.SIGTERM, signal.SIGINT)

T = TypeVar("T")
R = TypeVar("R")


def in_processes(work: Callable[[T], R], parts: Sequence[T], processes: int) -> list[R]:
    """What `work` makes of each part, in their order.

    Args:
        processes: at most so many at once; where processes cannot be forked, or one is enough, it is done here.
    """
    return list(in_order(work, parts, processes))


def in_order(work: Callable[[T], R], parts: Sequence[T], processes: int) -> Iterator[R]:
    """The same one after the other, as each is ready."""
    if processes <= 1 or len(parts) <= 1 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(work, parts)
        return
    with _pool(work, parts, processes) as pool:
        yield from pool.imap(_work, range(len(parts)))


@contextmanager
def _pool(work: Any, parts: Sequence[Any], processes: int) -> Iterator[Any]:
    """Processes that end by themselves when all is done: to a signal they might answer as this one does."""
    _give_back()
    # To look for garbage writes to whatever is there, and what is written to is no longer shared.
    gc.freeze()
    # Until it has handlers of its own, one that is ended would answer with those of the process it is a copy of.
    heeded = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        pool = multiprocessing.get_context("fork").Pool(min(processes, len(parts)), _begin, (work, parts))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heeded)
    try:
        yield pool
        pool.close()
    except BaseException:  # whatever it was, nobody else will end them
        pool.terminate()
        raise
    finally:
        pool.join()
        gc.unfreeze()
        _give_back()


def _give_back() -> None:
    """Memory that was let go of, and that glibc keeps."""
    with suppress(AttributeError):  # others give it back by themselves, or never
        ctypes.CDLL(None).malloc_trim(0)


_GIVEN: list[Any] = []


def _begin(work: Any, parts: Any) -> None:
    # Whoever handles signals in the process that was forked is not here.
    signal.set_wakeup_fd(-1)
    for number in _ENDING:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    # What knows its policies cannot be sent to a process, but a process that is forked has it.
    _GIVEN[:] = [work, parts]


def _work(index: int) -> Any:
    work, parts = _GIVEN
    return work(parts[index])


def cores() -> int:
    """How many processes may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
