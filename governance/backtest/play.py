"""Parts of the traffic that have nothing to do with each other: each is counted or goes through the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import fields
from math import ceil
from typing import Any, Final, NamedTuple

import numpy as np

from governance.backtest.arrivals import even
from governance.backtest.between import Between
from governance.backtest.columns import Columns
from governance.backtest.counted import Uncountable, is_countable
from governance.backtest.done import Done
from governance.backtest.in_columns import InColumns
from governance.backtest.lanes import Both, Habits, Setting, both, of_engine
from governance.backtest.otherwise import Otherwise, merged, of_played, only
from governance.backtest.parallel import in_processes
from governance.backtest.spot_check import Disagreement
from governance.backtest.tally import Played
from governance.backtest.templates import Template
from governance.backtest.watch import Watch
from governance.ledger.reservation import Key

Rows = Any

# Below so many requests a second process costs more than it saves.
WORTH_IT: Final = 2_000
# So many are counted at a time, or one part: what is made of each is not small, and no process has all of it.
_COUNTED_AT_ONCE: Final = 1_000


class Parts(NamedTuple):
    """How lines hang together.

    Args:
        of_class: of each class, which part it is of. countable: parts that need no engine.
        templates: of both policies, by class. contended: windows that may be full.
        rows: of each class, in the order of their arrival.
    """

    of_class: Sequence[int]
    countable: Set[int]
    templates: tuple[Mapping[int, Template], Mapping[int, Template]]
    contended: Set[Key]
    rows: Sequence[Rows]


class Decided(NamedTuple):
    """What was played.

    Args:
        both: of what came out otherwise than it was recorded. rows: which these are, in their order.
        checked: how many requests that were counted the engine has decided as well.
    """

    both: Both
    rows: Rows
    checked: int


class _Bin(NamedTuple):
    """Whole parts, to be played in one process.

    Args:
        check: how many of the first requests of which parts the engine decides as well.
    """

    counted: bool
    rows: Rows
    check: Mapping[int, int]


class _Found(NamedTuple):
    """`otherwise`: those that did not come out as recorded."""

    otherwise: Otherwise
    active: Watch
    candidate: Watch
    retries: int
    checked: int


def play(setting: Setting, columns: Columns, rows: Rows, parts: Parts, habits: Habits, processes: int) -> Decided:
    """The same as `both`, part by part.

    Args:
        rows: in the order of their arrival. habits: what answers teach that are not among them.

    Raises:
        Disagreement: the engine decides otherwise than was counted.
    """
    most = 1 if len(rows) < WORTH_IT else processes

    in_columns = InColumns(setting, columns, parts.templates, parts.contended)

    def work(some: _Bin) -> _Found:
        if some.counted:
            # Only the engine knows what comes of one that is not.
            with suppress(Uncountable):
                return _counted(in_columns, parts, some)
        one = both(setting, [columns.line(row) for row in some.rows.tolist()], of_engine(setting, habits))
        return _Found(of_played(some.rows, list(one.played)), one.active, one.candidate, one.retries, 0)

    found = in_processes(work, _bins(setting, columns, rows, parts, most), most)
    active, candidate = Watch(), Watch()
    for one in found:
        active.take(one.active)
        candidate.take(one.candidate)
    retries, checked = sum(one.retries for one in found), sum(one.checked for one in found)
    told = [one.otherwise for one in found]
    otherwise = np.sort(np.concatenate([each.rows for each in told])) if told else np.zeros(0, dtype=np.int64)
    between = Between(columns, parts.rows, otherwise)
    return Decided(Both(_played(columns, told, between), active, candidate, retries), otherwise, checked)


def _played(columns: Columns, told: Sequence[Otherwise], between: Between) -> Iterator[Played]:
    for row, otherwise, place in merged(told):
        line = columns.line(row)
        each = otherwise.played(place, line)
        yield each._replace(apart=between.before(line.who, row)) if each.candidate.refused else each


def _counted(in_columns: InColumns, parts: Parts, some: _Bin) -> _Found:
    columns = in_columns.columns
    found, active, candidate, retries = in_columns.play(some.rows)
    if some.check:
        whose = np.array(parts.of_class)[columns.kind[some.rows]]
        first = [np.flatnonzero(whose == part)[:most].tolist() for part, most in some.check.items()]
        _check(
            in_columns.setting,
            [[found.played(place, columns.line(int(some.rows[place]))) for place in places] for places in first],
        )
    return _Found(only(found), active, candidate, retries, sum(some.check.values()))


def _check(setting: Setting, parts: Sequence[Sequence[Played]]) -> None:
    """Let the engine decide the first requests of some parts. Raises Disagreement."""
    for first in parts:
        for each, one in zip(first, both(setting, [each.line for each in first]).played, strict=True):
            for name in ("active", "candidate"):
                if difference := _difference(getattr(each, name), getattr(one, name)):
                    raise Disagreement(
                        f"the engine disagrees with the fast way about the {name} policy: request {each.line.id}: "
                        f"{difference}"
                    )


def _difference(counted: Done, engine: Done) -> str:
    # Of what is full, windows that only watch are not counted here.
    names = [each.name for each in fields(Done) if each.name != "full"]
    differing = [name for name in names if getattr(counted, name) != getattr(engine, name)]
    return "; ".join(f"{name} {getattr(counted, name)}, by the engine {getattr(engine, name)}" for name in differing)


def _bins(setting: Setting, columns: Columns, rows: Rows, parts: Parts, most: int) -> list[_Bin]:
    """Whole parts, those for the engine in so many bins; the rows of a bin in their order."""
    of_class, plain = np.array(parts.of_class), np.array([what.plain for what in columns.classes])
    numbers = of_class[columns.kind[rows]]
    order = np.argsort(numbers, kind="stable")
    found, begins = np.unique(numbers[order], return_index=True)
    counted: dict[int, Rows] = {}
    others: list[Rows] = []
    for part, some in zip(found.tolist(), np.split(rows[order], begins[1:]), strict=False):
        odd = some[~plain[columns.kind[some]]].tolist()
        if part in parts.countable and all(is_countable(columns.line(row)) for row in odd):
            counted[part] = some
        else:
            others.append(some)
    return [*_balanced(others, most), *_small(counted, _to_check(setting, columns, counted))]


def _balanced(parts: list[Rows], most: int) -> Iterator[_Bin]:
    """In so many bins, each about as full: what is to be known for one part of the engine's is known for all."""
    filled: list[list[Rows]] = [[] for _ in range(max(1, most))]
    sizes = [0] * len(filled)
    for part in sorted(parts, key=lambda part: (-len(part), part[0])):
        least = sizes.index(min(sizes))
        filled[least].append(part)
        sizes[least] += len(part)
    for each in filled:
        if each:
            yield _Bin(False, np.sort(np.concatenate(each)), {})


def _small(parts: Mapping[int, Rows], check: Mapping[int, int]) -> Iterator[_Bin]:
    """In small bins, the largest first; the same ones, however many processes there are."""
    some: list[int] = []
    size = 0
    for part in sorted(parts, key=lambda part: (-len(parts[part]), part)):
        if some and size + len(parts[part]) > _COUNTED_AT_ONCE:
            yield _bin(parts, some, check)
            some, size = [], 0
        some.append(part)
        size += len(parts[part])
    if some:
        yield _bin(parts, some, check)


def _bin(parts: Mapping[int, Rows], some: Sequence[int], check: Mapping[int, int]) -> _Bin:
    rows = np.sort(np.concatenate([parts[part] for part in some]))
    return _Bin(True, rows, {part: check[part] for part in some if part in check})


def _to_check(setting: Setting, columns: Columns, parts: Mapping[int, Rows]) -> dict[int, int]:
    """How many of the first requests of which parts are a share of all."""
    left = ceil(setting.elsewhere.assumptions.spot_check * sum(map(len, parts.values())))
    found = {}
    for part in sorted(parts, key=lambda part: even(columns.id(int(parts[part][0])))):
        if left > 0:
            found[part] = min(left, len(parts[part]))
            left -= found[part]
    return found
