"""Which limits may apply to a request, found by whom or what they name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from governance.expressions import Expression, Index
from governance.limits.limit import Limit
from governance.limits.subjects import caller_names, served_names
from governance.model import Request, Target
from governance.model.turns import in_turns

# A few are asked sooner than looked up.
_INDEXED_FROM: Final = 32


class Filed:
    """Positions of limits.

    Attributes:
        conditional: those for everybody whose condition names what they are for, by that; None where they are few.
        served: those that name what serves.
    """

    def __init__(self, limits: Sequence[Limit], metadata: Sequence[str]) -> None:
        """`metadata`: the keys by whose values limits count."""
        self._metadata = metadata
        self._always: list[int] = []
        self._by_caller: dict[str, list[int]] = defaultdict(list)
        self._by_served: dict[str, list[int]] = defaultdict(list)
        conditional: list[tuple[Expression, int]] = []
        for position, limit in enumerate(in_turns(limits)):
            place = limit.subject.place
            if place is None and limit.match.needed:
                conditional.append((limit.match, position))
            elif place is None:
                self._always.append(position)
            elif any(part.id != "*" for part in limit.subject.caller):
                self._by_caller[place].append(position)
            else:
                self._by_served[place].append(position)
        self.served = [position for found in self._by_served.values() for position in found]
        self.conditional = Index(conditional) if len(conditional) >= _INDEXED_FROM else None
        self._conditional = [position for _, position in conditional]
        if self.conditional is None:
            self._always = sorted((*self._always, *self._conditional))

    def of_caller(self, request: Request) -> list[int]:
        """Those that may apply whoever serves."""
        return [*self.of_any(request), *(self._conditional if self.conditional else ())]

    def of_any(self, request: Request) -> list[int]:
        """The same, but for those that `conditional` finds."""
        found = list(self._always)
        if self._by_caller:
            for name in caller_names(request, self._metadata):
                found += self._by_caller.get(name, ())
        return found

    def of_served(self, request: Request, target: Target) -> list[int]:
        """Those that name this target, or what serves there."""
        found: list[int] = []
        if self._by_served:
            for name in dict.fromkeys(served_names(request, target.name)):
                found += self._by_served.get(name, ())
        return found
