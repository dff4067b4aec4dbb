"""Which limits apply to a request, found by whom they name and not one after the other."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any, Final, Generic, TypeVar

from governance.expressions import PERCENTS, Facts, Index
from governance.expressions.facts import Reads
from governance.limits.claims import Claims
from governance.limits.filed import Filed
from governance.limits.limit import Limit
from governance.limits.subjects import (
    EACH,
    MOST_TAGS,
    Part,
    combined,
    known_names,
    metadata_values,
    name_of,
)
from governance.model import Refusal, Request, Target, Window, codes
from governance.model.labels import Require, required
from governance.model.turns import in_turns

# Subjects come from callers, so what is remembered of them is bounded.
_MOST_SUBJECTS: Final = 4_096
_MOST_CALLERS: Final = 1_024
_MOST_TARGETS: Final = 64

_EACH_TAG: Final = Part("tag", EACH)
# What a condition may read and still be asked where nobody knows yet what the caller wants.
OF_CALLER: Final = frozenset(
    {
        *("virtual_key_id", "virtual_key_name", "user_id", "team_id", "team_name", "customer_id", "customer_name"),
        *("end_user_id", "metadata", "now"),
    }
)

L = TypeVar("L", bound=Limit)
# Position of a limit, the limit, and its windows for one subject.
Found = tuple[int, L, tuple[Window, ...]]
_POSITION: Final = itemgetter(0)


class LimitBook(Generic[L]):
    """The enabled limits of one section, in the order of the policy."""

    def __init__(self, limits: Sequence[L]) -> None:
        self.limits = tuple(limit for limit in in_turns(limits) if limit.enabled)
        self.reads = Reads.union(limit.match.needs for limit in in_turns(self.limits))
        self.reads_percent = any(not limit.match.variables.isdisjoint(PERCENTS) for limit in in_turns(self.limits))
        self._each_tag = [
            i for i, limit in enumerate(self.limits) if limit.mode == "enforce" and _EACH_TAG in limit.subject.caller
        ]
        self._requiring = [i for i, limit in enumerate(in_turns(self.limits)) if limit.demands]
        named = (f"metadata.{key}" for limit in self.limits for key in limit.subject.metadata)
        self.facts_read = Reads.union(limit.match.reads for limit in in_turns(self.limits)).told | frozenset(named)
        self.within_owner = tuple(limit.within_owner for limit in in_turns(self.limits))
        # Of these nothing but the owner has a name.
        self.claim_alone = tuple(limit.within_owner and len(limit.subject.caller) == 1 for limit in self.limits)
        self._windows: dict[tuple[int, str, str, str | None], tuple[Window, ...]] = {}
        self._callers: dict[tuple[Any, ...], Caller[L]] = {}
        kinds = {part.kind for limit in self.limits for part in limit.subject.caller}
        self._counts_end_users, self._counts_tags = "end_user" in kinds, "tag" in kinds
        self._metadata = tuple(dict.fromkeys(key for limit in self.limits for key in limit.subject.metadata))
        self._filed = Filed(self.limits, self._metadata)
        self.conditional = self._filed.conditional

    def let_go(self) -> None:
        """Forget the callers, who lead back to this book: nobody is decided on by it any more."""
        self._callers.clear()

    def positions_of(self, request: Request) -> list[int]:
        """Positions of the limits that may apply whoever serves, but for those that `conditional` finds."""
        return self._filed.of_any(request)

    def of_served(self, request: Request, target: Target) -> list[int]:
        """Positions of those that name what serves."""
        return self._filed.of_served(request, target)

    def caller(self, request: Request) -> Caller[L]:
        """What is known of whoever sends this request."""
        who = request.identity
        key = (
            *(who.virtual_key_id, who.virtual_key_name, who.user_id, who.team_id, who.team_name),
            *(who.customer_id, who.customer_name),
            who.end_user_id if self._counts_end_users else "",
            *((request.tags, who.tags) if self._counts_tags else ()),
            *([metadata_values(name, request) for name in self._metadata] if self._metadata else ()),
        )
        found = self._callers.get(key)
        if found is None:
            if len(self._callers) >= _MOST_CALLERS:
                self._callers.clear()
            found = self._callers[key] = Caller(self, request)
        return found

    def round(self, request: Request) -> Round[L]:
        """The limits of this book for one request."""
        return Round(self, request)

    def first_on(self, request: Request) -> L | None:
        """A limit that may bind whoever sends this request, whatever it asks for; None where there is no such.

        Whatever could serve is taken to serve, and conditions on more than the caller are taken to hold.
        """
        positions = {*self._filed.of_caller(request), *self._filed.served}
        limits = self.round(request)
        for position in sorted(positions):
            limit = self.limits[position]
            known = not limit.match.text or limit.match.variables <= OF_CALLER
            counts = limits.applies(position) if known else bool(limit.subject.of_caller(request))
            if limit.mode == "enforce" and counts:
                return limit
        return None

    @property
    def requires(self) -> bool:
        """Whether any of its limits requires labels of whoever serves."""
        return bool(self._requiring)

    @property
    def demands(self) -> Iterator[Require]:
        """What each of them requires."""
        return (required(limit.demands, f"limit {limit.name}") for limit in in_turns(self.limits))

    def required(self, request: Request) -> Require:
        """What the limits that apply require of whoever serves."""
        limits, positions = self.round(request), set(self._filed.of_caller(request))
        applying = (self.limits[i] for i in self._requiring if i in positions and limits.applies(i))
        return tuple(each for limit in applying for each in required(limit.demands, f"limit {limit.name}"))

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


class Caller(Generic[L]):
    """What a book knows of one caller, whatever it asks for: worked out once, and kept with the book.

    Conditions have no part in it; they are of the request.
    """

    def __init__(self, book: LimitBook[L], request: Request) -> None:
        self._book = book
        self._names = known_names(request.identity)
        claims = Claims(request)
        self._owner = self._names.get(claims.owner)
        self.positions = sorted(set(book.positions_of(request)))
        self._subjects: dict[int, tuple[str, ...]] = {}
        self._claims = claims
        self._models: weakref.ref[Any] | None = None
        self._by_target: dict[str, list[Found[L]]] = {}
        self._windows: list[Found[L]] | None = None

    def subjects(self, position: int, request: Request) -> tuple[str, ...]:
        """The names under which a limit counts this caller; () where it counts somebody else."""
        found = self._subjects.get(position)
        if found is None:
            book = self._book
            claims = self._claims if book.within_owner[position] else None
            found = self._subjects[position] = book.limits[position].subject.of_caller(request, claims)
        return found

    def windows(self, request: Request) -> list[Found[L]]:
        """Every limit that may apply whoever serves."""
        if self._windows is None:
            self._windows = [found for position in self.positions for found in self._found(position, request, "")]
        return self._windows

    def windows_of(self, target: Target, request: Request) -> list[Found[L]]:
        """Every limit that may apply when this target serves, by what the proxy can call now."""
        known = self._models() if self._models is not None else None
        if known is not request.models or len(self._by_target) >= _MOST_TARGETS:
            self._models = None if request.models is None else weakref.ref(request.models)
            self._by_target.clear()
        found = self._by_target.get(target.name)
        if found is None:
            more = self._book.of_served(request, target)
            found = self._by_target[target.name] = [
                each
                for position in (sorted({*self.positions, *more}) if more else self.positions)
                if self.subjects(position, request)
                for served in self._book.limits[position].subject.of_served(request, target)
                for each in self._found(position, request, served)
            ]
        return found

    def found(self, position: int, request: Request, target: Target | None) -> Iterator[Found[L]]:
        """One limit, where it may apply, also when this target serves."""
        subject = self._book.limits[position].subject
        for served in subject.of_served(request, target) if target else ("",):
            yield from self._found(position, request, served)

    def _found(self, position: int, request: Request, served: str) -> Iterator[Found[L]]:
        book, names = self._book, self._names
        for caller in self.subjects(position, request):
            called = self._owner if book.claim_alone[position] else name_of(caller, names)
            yield position, book.limits[position], book.windows(position, caller, served, called, names)


class Round(Generic[L]):
    """One request before the limits of a book; each condition is asked at most once."""

    def __init__(self, book: LimitBook[L], request: Request) -> None:
        self._book = book
        self._request = request
        self._caller = book.caller(request)
        self._facts: Facts | None = None
        self._matched: dict[int, bool] = {}
        self._candidates: list[int] | None = None

    def of_caller(self) -> Iterator[tuple[L, tuple[Window, ...]]]:
        """Every limit that applies whoever serves, with its windows for each subject it counts."""
        return self._applying(self._caller.windows(self._request), None)

    def of_target(self, target: Target) -> Iterator[tuple[L, tuple[Window, ...]]]:
        """Every limit that applies when this target serves, with its windows for each subject it counts."""
        return self._applying(self._caller.windows_of(target, self._request), target)

    def applies(self, position: int) -> bool:
        """Whether a limit counts this caller and this request."""
        counted = self._caller.subjects(position, self._request)
        return bool(counted) and self._matches(position, self._book.limits[position])

    def _applying(self, found: Iterable[Found[L]], target: Target | None) -> Iterator[tuple[L, tuple[Window, ...]]]:
        if self._book.conditional is not None:
            found = sorted((*found, *self._conditional(self._book.conditional, target)), key=_POSITION)
        for position, limit, windows in found:
            if not limit.match.text or self._matches(position, limit):
                yield limit, windows

    def _conditional(self, index: Index[int], target: Target | None) -> Iterator[Found[L]]:
        if self._candidates is None:
            several = index.candidates(self._seen())
            self._candidates = [each for each in sorted(set().union(*several)) if self.applies(each)]
        for position in self._candidates:
            yield from self._caller.found(position, self._request, target)

    def _matches(self, position: int, limit: L) -> bool:
        matched = self._matched.get(position)
        if matched is None:
            matched = self._matched[position] = not limit.match.text or limit.match.matches(self._seen())
        return matched

    def _seen(self) -> Facts:
        if self._facts is None:
            self._facts = Facts(self._request, self._book.reads)
        return self._facts
