"""Which rules can match a request at all, in the order in which they are asked.

Rules are filed by whom they are for and by what their condition needs (`model == "gpt-4o"`), so that the cost of a
request follows the rules that survive this and not their number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from governance.expressions import Facts, Index
from governance.expressions.facts import Reads
from governance.model import Identity
from governance.model.turns import in_turns
from governance_plugins.routing_rules.config import SCOPES, Rule


@dataclass(frozen=True, slots=True, eq=False)
class Filed:
    """A rule with its place in the order of its scope."""

    rank: tuple[int, int]
    rule: Rule


_RANK = attrgetter("rank")


class Rulebook:
    """The enabled rules of a policy."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        filed = sorted((Filed((rule.priority, i), rule) for i, rule in enumerate(rules)), key=_RANK)
        shelves: dict[tuple[str, str], list[Filed]] = defaultdict(list)
        for entry in in_turns(filed):
            shelves[entry.rule.scope, scope_id(entry.rule)].append(entry)
        self._shelves = {
            place: Index((entry.rule.cel_expression, entry) for entry in entries) for place, entries in shelves.items()
        }
        self.rules = tuple(entry.rule for entry in filed)
        self.reads = Reads.union(rule.cel_expression.needs for rule in in_turns(self.rules))

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def candidates(self, facts: Facts) -> Iterator[Filed]:
        """The rules that this request may match, in the order in which they are asked."""
        for scope, ids in scope_chain(facts.request.identity):
            lists: list[list[Filed]] = []
            for name in ids:
                shelf = self._shelves.get((scope, name))
                if shelf:
                    lists += shelf.candidates(facts)
            if len(lists) == 1:
                yield from lists[0]
            elif lists:
                # A rule that needs any of several things may be there more than once.
                yield from sorted(dict.fromkeys(chain.from_iterable(lists)), key=_RANK)


def scope_chain(who: Identity) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The scopes of a caller, from the narrowest to `global`, each with the ids and names that it goes by."""
    known = (
        (who.virtual_key_id, who.virtual_key_name),
        (who.user_id,),
        (who.team_id, who.team_name),
        (who.customer_id, who.customer_name),
    )
    for scope, names in zip(SCOPES, known, strict=False):
        ids = tuple(dict.fromkeys(filter(None, names)))
        if ids:
            yield scope, ids
    yield "global", ("",)


def scope_id(rule: Rule) -> str:
    """Whom the rule is for, within its scope."""
    return "" if rule.scope == "global" else rule.scope_id or ""
