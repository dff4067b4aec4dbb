"""The smallest amount of a limit under which hardly anybody is refused: counted by the ledger's own windows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Final

from governance.backtest.report import Suggestion
from governance.backtest.watch import Asked, Asks, Watch
from governance.ledger.windows import Concurrent, counter
from governance.model import Window
from governance.trace import period_text

_MILLION: Final = 1_000_000


def suggestions(watch: Watch, refusals: int, ppm: int = 0) -> tuple[Suggestion, ...]:
    """For each limit that refuses somebody: what it would have to be, so that each subject is refused at most so often.

    Args:
        watch: what the candidate's lane has read. refusals: of each. ppm: or so many of a million of its requests.
    """
    by_limit: dict[tuple[str, str, str], list[tuple[int, str, Window, int]]] = defaultdict(list)
    for key, seen in watch.seen.items():
        window = seen.window
        asked = watch.asked.get(key)
        # What is in flight depends on how long answers take, which is what it decides itself.
        if not seen.refused or window.period is None or asked is None:
            continue
        most = max(refusals, len(asked) * ppm // _MILLION)
        found_here = (smallest(window, asked, most), window.subject, window, most)
        by_limit[window.limit, window.unit, period_text(window.period)].append(found_here)
    found = []
    for (limit, unit, period), subjects in sorted(by_limit.items()):
        amount, subject, window, most = max(subjects, key=lambda each: (each[0], each[1]))
        found.append(Suggestion(limit, unit, period, window.amount, amount, most, len(subjects), subject, ppm))
    return tuple(found)


def smallest(window: Window, asked: Sequence[Asked] | Asks, refusals: int) -> int:
    """The smallest amount under which at most so many of these are refused."""
    low, high = 0, max(1, sum(max(each.amount, each.used) for each in asked))
    while low + 1 < high:
        middle = (low + high) // 2
        if is_enough(window, asked, middle, refusals):
            high = middle
        else:
            low = middle
    return high


def is_enough(window: Window, asked: Sequence[Asked] | Asks, amount: int, refusals: int) -> bool:
    """Whether a window of this amount refuses at most so many of these, were it the only one. In the order of their
    arrival.
    """
    counts = counter(window)
    if isinstance(counts, Concurrent):
        raise ValueError(f"{window.limit} counts what is in flight")
    ends: list[tuple[int, int, int, int]] = []
    count = 0
    for number, each in enumerate(asked):
        while ends and ends[0][0] <= each.at_us:
            end_us, _, counted_ms, difference = heappop(ends)
            counts.roll(end_us // 1000)
            counts.adjust(counted_ms, difference, amount, end_us // 1000)
        counts.roll(each.at_us // 1000)
        if counts.used + each.amount > amount:
            count += 1
            if count > refusals:
                return False
            continue
        counted_ms = -(-each.at_us // 1000)
        counts.charge(counted_ms, each.amount, amount)
        if each.used != each.amount:
            heappush(ends, (each.end_us, number, counted_ms, each.used - each.amount))
    return True
