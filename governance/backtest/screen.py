"""Which windows can never refuse anybody, whatever is admitted: by an upper bound of what they ever count.

With everything admitted, a rolling window has counted at most what was used by those who came in the last two of its
periods (a bucket may span one, and leaves with its newest charge), and what those under way have reserved. A calendar
window has counted at most its period's. Where that stays within the limit, nobody was ever refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np

from governance.ledger.calendar import period_ms
from governance.ledger.windows import Rolling, counter
from governance.model import Window

Numbers = Any

_MILLI: Final = 1000


class Demand(NamedTuple):
    """Requests that one window counts, in the order of their arrival.

    Args:
        at_ms: when they came, rounded down. end_ms: when they were over at the latest, rounded up.
        used: what each counts in the end, at most; reserved: what it counts while it is under way, at most. In the
            unit of the window.
    """

    at_ms: Numbers
    end_ms: Numbers
    used: Numbers
    reserved: Numbers


def peak(window: Window, demand: Demand) -> int:
    """The most that this window can have counted when a request was added to it, that request included."""
    if not len(demand.at_ms):
        return 0
    under_way = _under_way(demand)
    if window.period is None:
        return int(under_way.max())
    if isinstance(window.period, str):
        return int((_of_calendar(window, demand) + under_way).max())
    sums = np.concatenate(([0], np.cumsum(demand.used)))
    first = np.searchsorted(demand.at_ms, demand.at_ms - 2 * _MILLI * window.period - 1, side="left")
    last = np.searchsorted(demand.at_ms, demand.at_ms, side="right")
    return int((sums[last] - sums[first] + under_way).max())


def holds_all(window: Window, at_us: Iterable[int]) -> bool:
    """Whether a rolling window of requests has room for each of these arrivals, in their order: played by the ledger's
    own, where the bound says too little. Unix microseconds.
    """
    counts = counter(window)
    if not isinstance(counts, Rolling):
        return False
    for each in at_us:
        counts.roll(each // 1000)
        if counts.used >= window.amount:
            return False
        counts.charge(-(-each // 1000), 1, window.amount)
    return True


def _under_way(demand: Demand) -> Numbers:
    """At each arrival what all that are not over have reserved, those of the same moment included."""
    begun = np.concatenate(([0], np.cumsum(demand.reserved)))
    order = np.argsort(demand.end_ms, kind="stable")
    ended = np.concatenate(([0], np.cumsum(demand.reserved[order])))
    over = np.searchsorted(demand.end_ms[order], demand.at_ms, side="left")
    return begun[np.searchsorted(demand.at_ms, demand.at_ms, side="right")] - ended[over]


def _of_calendar(window: Window, demand: Demand) -> Numbers:
    """At each arrival what its whole period has."""
    counted = np.zeros(len(demand.at_ms), dtype=np.int64)
    start = 0
    while start < len(demand.at_ms):
        _, end_ms = period_ms(str(window.period), window.timezone, int(demand.at_ms[start]))
        stop = int(np.searchsorted(demand.at_ms, end_ms, side="left"))
        stop = max(stop, start + 1)
        counted[start:stop] = demand.used[start:stop].sum()
        start = stop
    return counted
