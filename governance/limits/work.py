"""What limits cost one request at most: their conditions, and a window for each that counts it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from governance.expressions import Expression, Index

WORK: Final = "the limits of this section together"
# To charge a window, in this process and in the ledger.
_WINDOW_NS: Final = 4_000.0
# A request has a key, a user, a team, a customer and what serves it, most of them by id and by name, and some tags.
_PLACES: Final = 16


def most_ns(limits: Iterable[tuple[str | None, Expression]]) -> float:
    """Nanoseconds, whoever asks for whatever.

    Args:
        limits: of each the place that it is filed at, as `Subject.place` says, and its condition.
    """
    always: list[Expression] = []
    places: dict[str, float] = defaultdict(float)
    for place, match in limits:
        if place is None:
            always.append(match)
        else:
            places[place] += _cost_ns(match)
    index = Index((match, match) for match in always)
    return index.most_ns(_cost_ns) + sum(sorted(places.values())[-_PLACES:])


def _cost_ns(match: Expression) -> float:
    return match.cost_ns + _WINDOW_NS
