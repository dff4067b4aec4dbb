"""Which limits apply to a request, found by whom they name and not one after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Generic, TypeVar

from governance.expressions import PERCENTS, Facts
from governance.expressions.facts import Reads
from governance.limits.claims import Claims
from governance.limits.limit import Limit
from governance.limits.subjects import (
    EACH,
    MOST_TAGS,
    Part,
    caller_names,
    combined,
    known_names,
    name_of,
    served_names,
)
from governance.model import Refusal, Request, Target, Window, codes

# Subjects come from callers, so what is remembered of them is bounded.
_MOST_SUBJECTS: Final = 20_000

_EACH_TAG: Final = Part("tag", EACH)
# What a condition may read and still be asked where nobody knows yet what the caller wants.
_OF_CALLER: Final = frozenset(
    {
        *("virtual_key_id", "virtual_key_name", "user_id", "team_id", "team_name", "customer_id", "customer_name"),
        *("end_user_id", "metadata", "now"),
    }
)

L = TypeVar("L", bound=Limit)


class LimitBook(Generic[L]):
    """The enabled limits of one section, in the order of the policy."""

    def __init__(self, limits: Sequence[L]) -> None:
        self.limits = tuple(limit for limit in limits if limit.enabled)
        self.reads = Reads.union(limit.match.needs for limit in self.limits)
        self.reads_percent = any(not limit.match.variables.isdisjoint(PERCENTS) for limit in self.limits)
        self._each_tag = [
            i for i, limit in enumerate(self.limits) if limit.mode == "enforce" and _EACH_TAG in limit.subject.caller
        ]
        self.within_owner = tuple(limit.within_owner for limit in self.limits)
        # Of these nothing but the owner has a name.
        self.claim_alone = tuple(limit.within_owner and len(limit.subject.caller) == 1 for limit in self.limits)
        self._windows: dict[tuple[int, str, str, str | None], tuple[Window, ...]] = {}
        self._metadata = tuple(dict.fromkeys(key for limit in self.limits for key in limit.subject.metadata))
        self._always: list[int] = []
        self._by_caller: dict[str, list[int]] = defaultdict(list)
        self._by_served: dict[str, list[int]] = defaultdict(list)
        for position, limit in enumerate(self.limits):
            place = limit.subject.place
            if place is None:
                self._always.append(position)
            elif any(part.id != "*" for part in limit.subject.caller):
                self._by_caller[place].append(position)
            else:
                self._by_served[place].append(position)

    def round(self, request: Request) -> Round[L]:
        """The limits of this book for one request."""
        return Round(self, request)

    def first_on(self, request: Request) -> L | None:
        """A limit that may bind whoever sends this request, whatever it asks for; None where there is no such.

        Whatever could serve is taken to serve, and conditions on more than the caller are taken to hold.
        """
        positions = {*self.of_caller(request), *(i for found in self._by_served.values() for i in found)}
        limits = self.round(request)
        for position in sorted(positions):
            limit = self.limits[position]
            known = not limit.match.text or limit.match.variables <= _OF_CALLER
            counts = limits.applies(position) if known else bool(limit.subject.of_caller(request))
            if limit.mode == "enforce" and counts:
                return limit
        return None

    def refusal(self, request: Request) -> Refusal | None:
        """Of a request with more tags than are counted one by one: leaving some out would be a way round a limit."""
        if not self._each_tag or len(request.tags) <= MOST_TAGS:
            return None
        tags, limits = len(set(request.tags)), self.round(request)
        if tags <= MOST_TAGS or not any(map(limits.applies, self._each_tag)):
            return None
        message = f"this request has {tags} tags, and at most {MOST_TAGS} are counted one by one; send fewer"
        return Refusal(400, codes.NO_ELIGIBLE_TARGET, message)

    def windows(
        self, position: int, caller: str, served: str, called: str | None, names: Mapping[str, str]
    ) -> tuple[Window, ...]:
        """The windows of one limit for one subject.

        Args:
            called: what tells callers of the same id and another name apart. names: those of the caller.
        """
        known = self._windows.get((position, caller, served, called))
        if known is None:
            if len(self._windows) >= _MOST_SUBJECTS:
                self._windows.clear()
            name = name_of(caller, names)
            named = combined(name, served) if name else None
            made = self.limits[position].windows_of(combined(caller, served))
            known = tuple(replace(window, name_of_subject=named) for window in made) if named else tuple(made)
            self._windows[position, caller, served, called] = known
        return known

    def of_caller(self, request: Request) -> list[int]:
        """Positions of the limits that may apply whoever serves."""
        found = list(self._always)
        if self._by_caller:
            for name in caller_names(request, self._metadata):
                found += self._by_caller.get(name, ())
        return found

    def of_served(self, request: Request, target: Target) -> list[int]:
        """Positions of those that name what serves."""
        found: list[int] = []
        if self._by_served:
            for name in dict.fromkeys(served_names(request, target.name)):
                found += self._by_served.get(name, ())
        return found


class Round(Generic[L]):
    """One request before the limits of a book; each condition is asked at most once."""

    def __init__(self, book: LimitBook[L], request: Request) -> None:
        self._book = book
        self._request = request
        self._facts: Facts | None = None
        self._claims: Claims | None = None
        self._callers: dict[int, tuple[str, ...]] = {}
        self._names = known_names(request.identity)
        self._positions = sorted(set(book.of_caller(request)))

    def of_caller(self) -> Iterator[tuple[L, tuple[Window, ...]]]:
        """Every limit that applies whoever serves, with its windows for each subject it counts."""
        book = self._book
        for position in self._positions:
            for caller in self._subjects(position):
                yield book.limits[position], self._windows(position, caller, "")

    def of_target(self, target: Target) -> Iterator[tuple[L, tuple[Window, ...]]]:
        """Every limit that applies when this target serves, with its windows for each subject it counts."""
        book = self._book
        more = book.of_served(self._request, target)
        for position in sorted({*self._positions, *more}) if more else self._positions:
            callers = self._subjects(position)
            if not callers:
                continue
            limit = book.limits[position]
            for served in limit.subject.of_served(self._request, target):
                for caller in callers:
                    yield limit, self._windows(position, caller, served)

    def applies(self, position: int) -> bool:
        """Whether a limit counts this caller and this request."""
        return bool(self._subjects(position))

    def _subjects(self, position: int) -> tuple[str, ...]:
        found = self._callers.get(position)
        if found is None:
            limit = self._book.limits[position]
            found = limit.subject.of_caller(self._request, self._claims_of(position))
            if found and limit.match.text and not self._matches(limit):
                found = ()
            self._callers[position] = found
        return found

    def _windows(self, position: int, caller: str, served: str) -> tuple[Window, ...]:
        book, names, claims = self._book, self._names, self._claims
        called = names.get(claims.owner) if claims and book.claim_alone[position] else name_of(caller, names)
        return book.windows(position, caller, served, called, names)

    def _claims_of(self, position: int) -> Claims | None:
        if not self._book.within_owner[position]:
            return None
        if self._claims is None:
            self._claims = Claims(self._request)
        return self._claims

    def _matches(self, limit: L) -> bool:
        if self._facts is None:
            self._facts = Facts(self._request, self._book.reads)
        return limit.match.matches(self._facts)
