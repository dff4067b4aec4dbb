"""What rules cost one request at most: those of every scope that it is in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from governance.expressions import Expression, Index

WHAT: Final = "the conditions of all rules together"
# A key, a team or a customer goes by its id and by its name, and rules may be for either.
_PLACES: Final = 2


def most_ns(rules: Iterable[tuple[str, str, Expression]]) -> float:
    """Nanoseconds, whoever asks for whatever. `rules`: scope, id there ("" for all) and condition of each."""
    places: dict[tuple[str, str], list[Expression]] = defaultdict(list)
    for scope, id_, condition in rules:
        places[scope, id_].append(condition)
    costs: dict[str, list[float]] = defaultdict(list)
    for (scope, _), found in places.items():
        index = Index((condition, condition) for condition in found)
        costs[scope].append(index.most_ns(lambda condition: condition.cost_ns))
    return sum(sum(sorted(each)[-_PLACES:]) for each in costs.values())
