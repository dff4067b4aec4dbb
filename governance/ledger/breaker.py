"""A circuit breaker: a ledger that hangs costs a few requests its timeout, and then nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from governance.model.errors import LedgerUnavailable

FAILURES: Final = 5
PROBE_S: Final = 0.05
_OFTEN_FOR_S: Final = 2.0
_SELDOM_S: Final = 1.0


class NotAsked(LedgerUnavailable):
    """The store was not even asked, because it did not answer before."""


class Breaker:
    """Opens after some failures in a row, each at a moment of its own; closes when somebody has found the store well.

    A failure is what happened to the store, not to a call: all calls that were under way when one failed have failed
    for the same reason, so that a single lost connection counts once however many waited for it.

    Args:
        failures: so many in a row open it.
        probe_s: how long after each probe the next one is due; it doubles after two seconds, up to a second.
        clock: seconds, monotonic.
        changed: called with True when it opens and False when it closes.
    """

    def __init__(
        self,
        changed: Callable[[bool], None],
        clock: Callable[[], float] = time.monotonic,
        *,
        failures: int = FAILURES,
        probe_s: float = PROBE_S,
    ) -> None:
        self._clock, self._changed = clock, changed
        self._most, self._probe_s = failures, probe_s
        self._failures = 0
        self._failed_at = self._opened_at = float("-inf")
        self._pause_s = probe_s

    @property
    def open(self) -> bool:
        return self._failures >= self._most

    def now(self) -> float:
        """What `failed` has to be told of a call that begins now."""
        return self._clock()

    def succeeded(self) -> None:
        if self._failures:
            was_open, self._failures = self.open, 0
            if was_open:
                self._changed(False)

    def failed(self, began_at: float) -> None:
        """A call that began then has failed."""
        if began_at <= self._failed_at or self.open:
            return
        self._failed_at = self._clock()
        self._failures += 1
        if self.open:
            self._opened_at, self._pause_s = self._failed_at, self._probe_s
            self._changed(True)

    def pause_s(self) -> float:
        """How long to wait before the next probe."""
        if self._clock() - self._opened_at > _OFTEN_FOR_S:
            self._pause_s = min(2 * self._pause_s, max(_SELDOM_S, self._probe_s))
        return self._pause_s
