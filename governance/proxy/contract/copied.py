"""Running something in a copy of this process: what it loads and remembers is gone when the copy ends."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final, TypeVar

log = logging.getLogger("governance.proxy")

T = TypeVar("T")

# The probes take half a second; a machine may have much else to do while its workers start.
_WITHIN_S: Final = 30.0


def in_copy(work: Callable[[], T], within_s: float = _WITHIN_S) -> T:
    """What `work` returns in a copy of this process, else here: where no copy can be made, or it does not answer.

    Only what asks nobody outside may be done so: connections of the process are the copy's too.

    Args:
        within_s: a lock that another thread held when the copy was made is never let go of in it.
    """
    # On macOS, libraries of the system end a copy that uses them.
    forks = sys.platform != "darwin" and "fork" in multiprocessing.get_all_start_methods()
    if forks and not multiprocessing.current_process().daemon:
        with suppress(OSError, EOFError, _NotAnswered):
            return _copied(work, within_s)
    return work()


class _NotAnswered(Exception):
    pass


def _copied(work: Callable[[], T], within_s: float) -> T:
    context = multiprocessing.get_context("fork")
    hears, tells = context.Pipe(duplex=False)
    copy = context.Process(target=_tell, args=(work, tells), name="governance-contract", daemon=True)
    with hears:
        with tells, warnings.catch_warnings():
            # From 3.12 on Python warns of copies while there are other threads: see `within_s`.
            warnings.simplefilter("ignore", DeprecationWarning)
            copy.start()
        try:
            if not hears.poll(within_s):
                log.warning("a copy of this process did not answer within %.0f s: what it did is done here", within_s)
                raise _NotAnswered
            found: T = hears.recv()
            return found
        finally:
            copy.kill()
            copy.join()


def _tell(work: Callable[[], T], tells: Connection) -> None:
    # What the process does on them is not for its copy to do.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    # A collection would write to every object there is, and so copy nearly all memory.
    gc.disable()
    tells.send(work())
