"""Conditions, found by what a request must have for them to match, and not asked one after the other.

A condition that needs `model == "gpt-4o"`, `team_name.startsWith("eu-")`, `"batch" in tags`, or one of several of these
joined by `||`, is filed under each of them. What needs nothing of the kind is a candidate of every request.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from heapq import nlargest
from itertools import chain
from typing import Final, Generic, TypeVar

from governance.expressions.compiled import Expression
from governance.expressions.facts import Facts
from governance.expressions.needed import Needed
from governance.expressions.variables import ENTRIES
from governance.model.turns import in_turns

# To come by one condition and leave it again, besides asking it; and to look for one text.
_ENTRY_NS: Final = 300.0
_LOOKUP_NS: Final = 300.0

T = TypeVar("T")


class _Filed(Generic[T]):
    """What needs one entry of a request: by its whole text, and by the beginning of it, told apart by length."""

    def __init__(self) -> None:
        self.whole: dict[str, list[T]] = defaultdict(list)
        self.begins: dict[int, dict[str, list[T]]] = defaultdict(lambda: defaultdict(list))

    def add(self, needed: Needed, entry: T) -> None:
        by_text = self.begins[len(needed.text)] if needed.how == "begins" else self.whole
        by_text[needed.text].append(entry)

    def found(self, text: str) -> Iterator[list[T]]:
        if text in self.whole:
            yield self.whole[text]
        for length, by_text in self.begins.items():
            if length <= len(text) and text[:length] in by_text:
                yield by_text[text[:length]]


class Index(Generic[T]):
    """Args:
    conditions: each with what it is the condition of, in an order that `candidates` keeps within each list.
    """

    def __init__(self, conditions: Iterable[tuple[Expression, T]]) -> None:
        entries = list(conditions)
        popular = Counter(each for condition, _ in in_turns(entries) for each in chain(*condition.needed))
        self.always: list[T] = []
        self._texts: dict[str, _Filed[T]] = defaultdict(_Filed)
        self._maps: dict[str, dict[str, _Filed[T]]] = defaultdict(lambda: defaultdict(_Filed))
        self._lists: dict[str, dict[str, list[T]]] = defaultdict(lambda: defaultdict(list))
        for condition, entry in in_turns(entries):
            if not condition.needed:
                self.always.append(entry)
                continue
            # Of what it needs, that which tells most conditions apart.
            for each in min(condition.needed, key=lambda several: _likely(several, popular)):
                if each.how == "among":
                    self._lists[each.key[0]][each.text].append(entry)
                elif len(each.key) == 1:
                    self._texts[each.key[0]].add(each, entry)
                else:
                    self._maps[each.key[0]][each.key[1]].add(each, entry)

    def candidates(self, facts: Facts) -> list[list[T]]:
        """Those that may match this request, as lists; one that needs any of several may be in more than one."""
        found = [self.always] if self.always else []
        for name, filed in self._texts.items():
            text = facts.text((name,))
            if text is not None:
                found += filed.found(text)
        for within, by_key in self._maps.items():
            given = facts.given(within)
            # Whichever are fewer: a policy may name ten thousand headers, and so may a request.
            for key in by_key if len(by_key) <= len(given) else given:
                text = facts.text((within, key)) if key in by_key and key in given else None
                if text is not None:
                    found += by_key[key].found(text)
        for name, by_item in self._lists.items():
            found += [by_item[item] for item in dict.fromkeys(facts.listed(name)) if item in by_item]
        return found

    def most_ns(self, cost_ns: Callable[[T], float]) -> float:
        """The longest that asking the candidates of one request can take, by what each of them costs."""

        def of(entries: Iterable[T]) -> float:
            return sum(cost_ns(entry) + _ENTRY_NS for entry in entries)

        def of_texts(filed: _Filed[T]) -> float:
            longest = max(map(of, filed.whole.values()), default=0.0)
            return longest + sum(_LOOKUP_NS + max(map(of, each.values())) for each in filed.begins.values())

        several = chain(self._texts.values(), *(by_key.values() for by_key in self._maps.values()))
        lists = (sum(nlargest(ENTRIES, map(of, by_item.values()))) for by_item in self._lists.values())
        return of(self.always) + sum(_LOOKUP_NS + of_texts(filed) for filed in several) + sum(lists)


def _likely(several: frozenset[Needed], popular: Counter[Needed]) -> tuple[int, bool]:
    return sum(popular[each] for each in several), any(each.how != "is" for each in several)
