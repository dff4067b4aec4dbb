"""How full windows are, the soonest empty first: all of them, those of a subject or of a limit, a page at a time."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from governance.engine.engine import Engine
from governance.engine.in_force import InForce
from governance.ledger import Health, Ledger, Reading
from governance.ledger.listing import HAS_ROOM, MOST_LISTED, RUNS_OUT, Known, Listed, Listing, Mark, slices
from governance.limits.usage import rank, row
from governance.policy import Policy
from governance.trace import iso
from governance.usecases.entries import shown_written

# One call holds up everybody else on the ledger for as long as it takes.
READ_PER_CALL: Final = 100
MOST_ROWS: Final = MOST_LISTED
CURSOR: Final = r"^-?[0-9]{1,16}(\.[0-9]{1,20})?~[A-Za-z0-9_-]{28}$"

EVERY: Final = Listing()


@dataclass(frozen=True)
class Usage:
    """A page of windows.

    Args:
        at_s: Unix seconds by the ledger's clock.
        rows: as `governance.limits.usage.row` makes them, with `recent`, how full they were, and
            `origin`, where the policy says so.
        cursor: where the next page begins; None at the end.
        total: how many there are; None where only reading all would tell.
        empty, running_out: of them, those without room, and those that will be empty before they are renewed.
        ordered_at_s: the moment whose order the pages follow, for a list that is too long to be read whole; the
            numbers of each row are of now. None: now.
    """

    at_s: float
    ledger: Health
    rows: list[dict[str, Any]]
    cursor: str | None = None
    total: int | None = 0
    empty: int = 0
    running_out: int = 0
    ordered_at_s: float | None = None


class Found(NamedTuple):
    """A window as it counts now, and where that puts it in a list."""

    mark: Mark
    row: dict[str, Any]

    @property
    def order(self) -> tuple[Any, ...]:
        told = self.row
        return (self.mark.rank, told["limit"], told["subject"], told["unit"], told["window"])


async def usage(
    engine: Engine,
    clock: Callable[[], float],
    of: Listing = EVERY,
    cursor: str | None = None,
    most: int = 100,
) -> Usage:
    """A page of the windows that are asked for, as they count now; reads no others. Raises LedgerUnavailable.

    At most 500 windows are read whole, so that their order is that of now; of more, the page alone.

    Args:
        engine: in force; its overlay may raise what the policy states.
        clock: Unix seconds, for while the ledger tells no time.
        cursor: of the page before, or None. Raises ValueError for what no page gave.
        most: at most so many rows, and no more than 500.
    """
    after, most = None if cursor is None else mark_of(cursor), min(most, MOST_ROWS)
    ledger = engine.ledger
    health = await ledger.health()
    now_s = clock() if health.now_s is None else health.now_s
    if not health.reachable:
        return Usage(now_s, health, [])
    page = await ledger.listed(of, after, most)
    if page.total <= MOST_LISTED:
        if after is not None or page.next is not None:
            page = await ledger.listed(of)
        found = sorted(await rows_of(engine, page.windows, now_s), key=lambda each: each.mark)
        further = [each for each in found if after is None or each.mark > after]
        rows = further[:most]
        return Usage(
            now_s,
            health,
            [each.row for each in sorted(rows, key=lambda each: each.order)],
            _cursor(rows[-1].mark) if len(further) > most else None,
            len(found),
            sum(each.mark.rank < RUNS_OUT for each in found),
            sum(RUNS_OUT <= each.mark.rank < HAS_ROOM for each in found),
        )
    found = await rows_of(engine, page.windows, now_s)
    told = sorted(found, key=lambda each: each.order)
    further_on = None if page.next is None else _cursor(page.next)
    return Usage(now_s, health, [each.row for each in told], further_on, *_counts(of, page))


def mark_of(cursor: str) -> Mark:
    """Where a page begins. Raises ValueError for what no page gave."""
    rank, _, id = cursor.partition("~")
    if not re.fullmatch(CURSOR, cursor) or not math.isfinite(float(rank)):
        raise ValueError("cursor: is not one that this page gave")
    return Mark(float(rank), id)


async def readings(ledger: Ledger, in_force: InForce, known: Sequence[Known]) -> list[Reading]:
    """These windows as they count now."""
    found: list[Reading] = []
    for some in slices(len(known), READ_PER_CALL):
        found += await ledger.read([in_force.window(each.window) for each in known[some]])
    return found


def _counts(of: Listing, page: Listed) -> tuple[int | None, int, int, float | None]:
    narrowed = of.callers is not None or len(of.lists) > 1
    return (None if narrowed else page.total), page.empty, page.running_out, page.surveyed_s


async def rows_of(engine: Engine, known: Sequence[Known], now_s: float) -> list[Found]:
    """These windows as they count now, ready for JSON."""
    if not known:
        return []
    ledger, policy = engine.ledger, engine.host.policy
    reserved = await ledger.reserved([each.window for each in known])
    now = await readings(ledger, engine.host.overlay, known)
    return [
        Found(
            Mark(rank(reading, now_s), each.id),
            {**row(reading, held, now_s), "origin": _origin(policy, each.window.limit), "recent": _recent(each)},
        )
        for each, reading, held in zip(known, now, reserved, strict=True)
    ]


def _origin(policy: Policy, limit: str) -> dict[str, Any] | None:
    """Where the policy in force has a limit, and what it says of it to people."""
    found = policy.limits_by_name.get(limit.lower())
    if found is None:
        return None
    word, written = found
    value = shown_written(written).value
    return {"section": word, "line": written.line, "description": value.get("description") or None}


def _recent(known: Known) -> dict[str, Any] | None:
    if not known.samples:
        return None
    return {"until": iso(known.sampled_minute * 60.0), "percent": list(known.samples)}


def _cursor(mark: Mark) -> str:
    # As many places as tell any two apart.
    return f"{mark.rank:.17g}~{mark.id}"
