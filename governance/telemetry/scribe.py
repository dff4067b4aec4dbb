"""A thread that writes what requests must not wait for."""

from __future__ import annotations

import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

log = logging.getLogger("governance.telemetry")

MOST_WAITING: Final = 4096
_BATCH: Final = 64
# A busy proxy wakes the thread ten times a second and not once for each request.
_LINGER_S: Final = 0.1

T = TypeVar("T")


class Scribe(Generic[T]):
    """Takes things from the event loop, which never waits, and hands them on in a thread of its own.

    What comes while 4,096 are waiting is dropped and counted. At the end of the process, what waits is still written.

    Args:
        write: called in the thread, with a few things at once, in order.
    """

    def __init__(self, write: Callable[[Sequence[T]], None], most_waiting: int = MOST_WAITING) -> None:
        self._write = write
        self._most_waiting = most_waiting
        self._waiting: deque[T] = deque()
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def take(self, thing: T) -> None:
        """Have it written soon."""
        if len(self._waiting) >= self._most_waiting or self._ending.is_set():
            self.dropped += 1
            return
        self._waiting.append(thing)
        if not self._wake.is_set():
            self._wake.set()
        if self._thread is None:
            # Not before: a server may fork after it has imported us, and threads do not come along.
            self._thread = threading.Thread(target=self._run, name="governance-scribe", daemon=True)
            self._thread.start()
            atexit.register(self.close)

    def close(self, within_s: float = 2.0) -> None:
        """Write what waits, for at most so long; what comes later is dropped."""
        if self._ending.is_set():
            return
        self._ending.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(within_s)
            atexit.unregister(self.close)
        self.dropped += len(self._waiting)
        self._waiting.clear()

    def _run(self) -> None:
        while not (self._ending.is_set() and not self._waiting):
            self._wake.wait()
            self._ending.wait(_LINGER_S)
            self._wake.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
                try:
                    self._write(batch)
                except Exception:  # whatever goes wrong with telling, the requests have been decided
                    self.dropped += len(batch)
                    log.exception("%d decisions could not be written", len(batch))
