"""What the holder of a key may know: his own windows, refusals and models, and nothing of others."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from governance.engine.engine import Engine
from governance.ledger.listing import Known, Listing
from governance.limits.ids import AND, spelled
from governance.limits.subjects import EVERYONE
from governance.model import Identity, Window
from governance.telemetry.recent import Query, Recent, search
from governance.usecases.usage import MOST_ROWS, Usage, rows_of

_REFUSALS: Final = 20
# Kinds of subjects that say nothing of who asks.
_SERVED: Final = frozenset({"provider", "model", "target"})


@dataclass(frozen=True)
class Mine:
    """Args:
    usage: of the windows that count this holder alone or in its team; the soonest empty first.
    refusals: records of the last ones, the newest first; None where no decisions are kept.
    """

    usage: Usage
    refusals: list[dict[str, Any]] | None


async def mine(engine: Engine, clock: Callable[[], float], recent: Recent | None, identity: Identity) -> Mine:
    """Raises LedgerUnavailable."""
    own = subjects_of(identity)
    found = await _usage(engine, clock, own)
    if recent is None or not identity.virtual_key_id:
        return Mine(found, None if recent is None else [])
    page = await search(recent, Query(outcome="refuse", key=identity.virtual_key_id), _REFUSALS)
    return Mine(found, page.decisions)


async def _usage(engine: Engine, clock: Callable[[], float], own: frozenset[str]) -> Usage:
    ledger = engine.ledger
    health = await ledger.health()
    now_s = clock() if health.now_s is None else health.now_s
    if not health.reachable:
        return Usage(now_s, health, [])
    # Lists know callers in any case, so what they tell is compared as it is written.
    callers, known = frozenset(map(str.lower, own)), dict[str, Known]()
    for subject in sorted(own):
        page = await ledger.listed(Listing(subject=subject, callers=callers))
        known |= {each.id: each for each in page.windows if counts(each.window, own)}
    first = sorted(known.values(), key=lambda each: each.rank)[:MOST_ROWS]
    found = sorted(await rows_of(engine, first, now_s), key=lambda each: each.order)
    return Usage(now_s, health, [each.row for each in found], total=len(known))


def subjects_of(identity: Identity) -> frozenset[str]:
    """The names under which a holder is counted."""
    named = {
        "virtual_key": identity.virtual_key_id,
        "user": identity.user_id,
        "team": identity.team_id,
        "customer": identity.customer_id,
    }
    return frozenset(f"{kind}:{spelled(id)}" for kind, id in named.items() if id)


def counts(window: Window, own: Collection[str]) -> bool:
    """Whether a window counts this holder and names nobody else: each part is its own, or says nothing of callers."""
    parts = window.subject.split(AND)
    of_callers = [part for part in parts if part.partition(":")[0] not in _SERVED and part not in ("", EVERYONE)]
    return bool(of_callers) and all(part in own for part in of_callers)
