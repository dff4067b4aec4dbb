"""Parts of the traffic that have nothing to do with each other: each is counted or goes through the engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import fields
from math import ceil
from typing import Final, NamedTuple

from governance.backtest.arrivals import even
from governance.backtest.as_recorded import recorded_done
from governance.backtest.columns import Columns
from governance.backtest.counted import CountedLane, Uncountable, is_countable
from governance.backtest.done import Done
from governance.backtest.elsewhere import Scenario
from governance.backtest.lanes import AnyLane, Both, Habits, Setting, both, of_engine
from governance.backtest.parallel import in_processes
from governance.backtest.plain import is_plain
from governance.backtest.spot_check import Disagreement
from governance.backtest.tally import Played
from governance.backtest.templates import Template
from governance.backtest.watch import Watch
from governance.ledger.reservation import Key
from governance.traffic import TraceLine

# Below so many requests a second process costs more than it saves.
WORTH_IT: Final = 2_000


class Parts(NamedTuple):
    """How lines hang together.

    Args:
        of_class: of each class, which part it is of. countable: parts that need no engine.
        templates: of both policies, by class. contended: windows that may be full.
    """

    of_class: Sequence[int]
    countable: Set[int]
    templates: tuple[Mapping[int, Template], Mapping[int, Template]]
    contended: Set[Key]


class _Bin(NamedTuple):
    """Whole parts, to be played in one process. `classes`: of each row."""

    counted: bool
    rows: list[int]
    classes: list[int]


# What either lane made of a row; None: as it was recorded.
_Told = tuple["Done | None", "Done | None", "Done | None", "Done | None"]


class _Found(NamedTuple):
    """What was played, and how many of them the engine has decided as well."""

    played: list[_Told]
    active: Watch
    candidate: Watch
    retries: int
    checked: int


def play(
    setting: Setting, columns: Columns, rows: Sequence[int], parts: Parts, habits: Habits, processes: int
) -> tuple[Both, int]:
    """The same as `both`, part by part; and how many requests that were counted the engine has decided as well.

    Args:
        rows: in the order of their arrival. habits: what answers teach that are not among them.

    Raises:
        Disagreement: the engine decides otherwise than was counted.
    """
    most = 1 if len(rows) < WORTH_IT else processes
    bins = _bins(columns, rows, parts, most)

    def work(some: _Bin) -> _Found:
        lines = [columns.line(row) for row in some.rows]
        found = _counted(setting, lines, some.classes, parts) if some.counted else None
        one, checked = found or (both(setting, lines, of_engine(setting, habits)), 0)
        # A line can be made again, and most of them came out as they were recorded.
        return _Found([_told(each) for each in one.played], one.active, one.candidate, one.retries, checked)

    found = in_processes(work, bins, most)
    played = [pair for some, one in zip(bins, found, strict=True) for pair in zip(some.rows, one.played, strict=True)]
    played.sort(key=lambda pair: pair[0])
    active, candidate = Watch(), Watch()
    for one in found:
        active.take(one.active)
        candidate.take(one.candidate)
    retries, checked = sum(one.retries for one in found), sum(one.checked for one in found)
    return Both(_played(columns, played), active, candidate, retries), checked


def _told(played: Played) -> _Told:
    line, active, candidate, low, high = played
    if is_plain(line):
        recorded = recorded_done(line)
        return (
            None if active.same(recorded) else active,
            None if candidate.same(recorded) else candidate,
            low,
            high,
        )
    return active, candidate, low, high


def _played(columns: Columns, told: Iterable[tuple[int, _Told]]) -> Iterator[Played]:
    for row, (active, candidate, low, high) in told:
        line = columns.line(row)
        yield Played(line, active or recorded_done(line), candidate or recorded_done(line), low, high)


def _counted(
    setting: Setting, lines: Sequence[TraceLine], classes: Sequence[int], parts: Parts
) -> tuple[Both, int] | None:
    """None where only the engine knows what comes of one of them."""
    ids = {line.id: number for line, number in zip(lines, classes, strict=True)}

    def lane(which: int, scenario: Scenario) -> AnyLane:
        return CountedLane(parts.templates[which], ids, parts.contended, setting.catalog, setting.elsewhere)

    try:
        found = both(setting, lines, lane)
    except Uncountable:
        return None
    return found, _check(setting, list(found.played), [parts.of_class[number] for number in classes])


def _check(setting: Setting, played: Sequence[Played], parts: Sequence[int]) -> int:
    """Let the engine decide the first requests of some parts; how many they were. Raises Disagreement."""
    most = ceil(setting.elsewhere.assumptions.spot_check * len(played))
    by_part: dict[int, list[Played]] = defaultdict(list)
    for each, part in zip(played, parts, strict=True):
        by_part[part].append(each)
    checked = 0
    for some in sorted(by_part.values(), key=lambda some: even(some[0].line.id)):
        first = some[: most - checked]
        if not first:
            break
        checked += len(first)
        for each, one in zip(first, both(setting, [each.line for each in first]).played, strict=True):
            for name in ("active", "candidate"):
                if difference := _difference(getattr(each, name), getattr(one, name)):
                    raise Disagreement(
                        f"the engine disagrees with the fast way about the {name} policy: request {each.line.id}: "
                        f"{difference}"
                    )
    return checked


def _difference(counted: Done, engine: Done) -> str:
    # Of what is full, windows that only watch are not counted here.
    names = [each.name for each in fields(Done) if each.name != "full"]
    differing = [name for name in names if getattr(counted, name) != getattr(engine, name)]
    return "; ".join(f"{name} {getattr(counted, name)}, by the engine {getattr(engine, name)}" for name in differing)


def _bins(columns: Columns, rows: Sequence[int], parts: Parts, most: int) -> list[_Bin]:
    """Whole parts in so many bins, each about as full; the rows of a bin in their order."""
    by_part: dict[int, list[int]] = defaultdict(list)
    for row, number in zip(rows, columns.kind[rows].tolist(), strict=True):
        by_part[parts.of_class[number]].append(row)
    counted: list[list[int]] = []
    others: list[list[int]] = []
    for part, some in by_part.items():
        fits = part in parts.countable and all(columns.is_plain(row) or is_countable(columns.line(row)) for row in some)
        (counted if fits else others).append(some)
    return [*_balanced(columns, others, most, counted=False), *_balanced(columns, counted, most, counted=True)]


def _balanced(columns: Columns, parts: list[list[int]], most: int, *, counted: bool) -> Iterator[_Bin]:
    filled: list[list[int]] = [[] for _ in range(max(1, most))]
    for part in sorted(parts, key=lambda part: (-len(part), part[0])):
        min(filled, key=len).extend(part)
    for each in filled:
        if each:
            each.sort()
            yield _Bin(counted, each, columns.kind[each].tolist())
