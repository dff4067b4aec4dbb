"""A circuit breaker: a ledger that hangs costs a few requests its timeout, and then nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from governance.model.errors import LedgerUnavailable

FAILURES: Final = 5
PROBE_S: Final = 1.0


class NotAsked(LedgerUnavailable):
    """The store was not even asked, because it did not answer before."""


class Breaker:
    """Opens after 5 failures in a row; then lets one call a second through, and closes when one succeeds.

    Args:
        clock: seconds, monotonic.
        changed: called with True when it opens and False when it closes.
    """

    def __init__(self, changed: Callable[[bool], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._changed = clock, changed
        self._failures = 0
        self._probe_at = 0.0

    @property
    def open(self) -> bool:
        return self._failures >= FAILURES

    def lets_through(self) -> bool:
        """Whether to try this call. While open, True once a second."""
        if self._failures < FAILURES:
            return True
        now = self._clock()
        if now < self._probe_at:
            return False
        self._probe_at = now + PROBE_S
        return True

    def succeeded(self) -> None:
        if self._failures:
            was_open, self._failures = self.open, 0
            if was_open:
                self._changed(False)

    def failed(self) -> None:
        self._failures += 1
        if self._failures == FAILURES:
            self._probe_at = self._clock() + PROBE_S
            self._changed(True)
