"""What a team owes for a month, as a document: by model, by key and by day, to the micro-dollar."""

from __future__ import annotations

from typing import Any, Final

from governance.store import Store
from governance.usecases.spend import Asked, NotAsked, counted, moment, month_s, spend, told

# Whoever was served in the last minutes of a month may be told of later.
_SETTLED_AFTER_S: Final = 3600


def statement(store: Store, team: str, month: str, now_s: float) -> dict[str, Any]:
    """The statement of one team, by id or name.

    Args:
        month: `2026-11`; UTC.

    Raises:
        NotAsked: no such month, or no such team has spent anything.
        StoreUnavailable: the store does not answer.
    """
    from_s, to_s = month_s(month)
    with store.read() as work:
        names = work.spend.names("team")
    id = team if team in names else next((id for id, name in sorted(names.items()) if name == team), team)
    parts = {
        part: spend(store, Asked((part,), from_s, to_s, {"team": id})) for part in ("model", "target", "key", "day")
    }
    total = parts["model"].total
    if total.requests == 0 and total.usd_micros == 0:
        raise NotAsked(f"team `{team[:80]}` has asked for nothing in {month}")
    return {
        "team": id,
        "name": names.get(id, id),
        "month": month,
        "from": moment(from_s),
        "to": moment(to_s),
        "final": now_s >= to_s + _SETTLED_AFTER_S,
        "total": counted(total),
        "refused": told(spend(store, Asked(("code",), from_s, to_s, {"team": id})))["rows"],
        **{f"by_{part}": told(report)["rows"] for part, report in parts.items()},
    }
