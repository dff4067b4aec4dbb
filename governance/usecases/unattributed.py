"""What budgets have settled and nobody is named for: the ledger's sum less that of the store, window by window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from governance.engine.engine import Engine
from governance.ledger.calendar import CALENDAR, period_ms
from governance.ledger.listing import MOST_LISTED, Listing
from governance.model import Window
from governance.store import Store
from governance.store.spend import DAY_S
from governance.traffic.spent import HOUR_S, Sums
from governance.usecases.entries import shown_written
from governance.usecases.spend_kept import HOURS_FOR_DAYS
from governance.usecases.usage import readings

_COLUMN: Final = {"team": "team", "virtual_key": "key", "user": "user"}


@dataclass(frozen=True)
class Compared:
    """One budget's window.

    Args:
        from_s: when it began, Unix seconds.
        settled_usd_micros: what the ledger has counted, without what is reserved by requests under way.
        attributed_usd_micros: what the store has, with what stays counted as it was reserved.
    """

    limit: str
    subject: str
    period: str
    from_s: int
    settled_usd_micros: int
    attributed_usd_micros: int

    @property
    def unattributed_usd_micros(self) -> int:
        """Positive: the ledger has more, such as the last second of a worker that was killed."""
        return self.settled_usd_micros - self.attributed_usd_micros


async def settled(engine: Engine, clock: Callable[[], float]) -> list[tuple[Window, int, int]]:
    """The windows that can be compared, what each has counted and when it began. Raises LedgerUnavailable.

    Those of money in a period of the calendar that begins with an hour, for everybody, a team, a key or a user, of
    limits that count all of their requests.
    """
    ledger = engine.ledger
    health = await ledger.health()
    now_s = clock() if health.now_s is None else health.now_s
    if not health.reachable:
        return []
    page = await ledger.listed(Listing())
    known = [each for each in page.windows[:MOST_LISTED] if _comparable(engine, each.window)]
    reserved = await ledger.reserved([each.window for each in known])
    found = []
    for reading, held in zip(await readings(ledger, engine.host.overlay, known), reserved, strict=True):
        window = reading.window
        from_s = period_ms(str(window.period), window.timezone, round(now_s * 1000))[0] // 1000
        if from_s % HOUR_S == 0 and now_s - from_s < HOURS_FOR_DAYS * DAY_S:
            found.append((window, max(0, reading.used - held), from_s))
    return found


def compared(store: Store, windows: list[tuple[Window, int, int]]) -> list[Compared]:
    """The same beside what the store has. Raises StoreUnavailable."""
    found = []
    with store.read() as work:
        for window, counted, from_s in windows:
            kind, _, id = window.subject.partition(":")
            where = {_COLUMN[kind]: id} if kind in _COLUMN else {}
            # What mirrors get is charged to nobody, and asked for by nobody.
            (sums,) = [sums for _, sums in work.spend.sums((), from_s, 2**53, where)] or [Sums()]
            attributed = sums.usd_micros + sums.kept_usd_micros
            found.append(Compared(window.limit, window.subject, str(window.period), from_s, counted, attributed))
    return sorted(found, key=lambda each: (-abs(each.unattributed_usd_micros), each.limit, each.subject))


def told(one: Compared) -> dict[str, Any]:
    """For programs."""
    return {
        "limit": one.limit,
        "subject": one.subject,
        "period": one.period,
        "from_s": one.from_s,
        "settled_usd_micros": one.settled_usd_micros,
        "attributed_usd_micros": one.attributed_usd_micros,
        "unattributed_usd_micros": one.unattributed_usd_micros,
    }


def _comparable(engine: Engine, window: Window) -> bool:
    if window.unit != "usd_micros" or window.period not in CALENDAR:
        return False
    kind, colon, _ = window.subject.partition(":")
    if " && " in window.subject or (colon and kind not in _COLUMN):
        return False
    found = engine.host.policy.limits_by_name.get(window.limit.lower())
    return found is not None and not shown_written(found[1]).value.get("match")
