"""Parts of the traffic that have nothing to do with each other: each is counted or goes through the engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import fields
from math import ceil
from typing import Any, Final, NamedTuple

from governance.backtest.arrivals import even
from governance.backtest.counted import CountedLane, Uncountable, is_countable
from governance.backtest.done import Done
from governance.backtest.elsewhere import Scenario
from governance.backtest.lanes import AnyLane, Both, Habits, Setting, both, of_engine
from governance.backtest.parallel import in_processes
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
    """Whole parts, to be played in one process. `classes`: of each line."""

    counted: bool
    lines: list[TraceLine]
    classes: list[int]


class _Found(NamedTuple):
    """What was played, each request without its line, and how many of them the engine has decided as well."""

    played: list[tuple[Any, ...]]
    active: Watch
    candidate: Watch
    retries: int
    checked: int


def play(
    setting: Setting,
    lines: Sequence[TraceLine],
    classes: Sequence[int],
    parts: Parts,
    habits: Habits,
    processes: int,
) -> tuple[Both, int]:
    """The same as `both`, part by part; and how many requests that were counted the engine has decided as well.

    Args:
        classes: of each line. habits: what answers teach that are not among these lines.

    Raises:
        Disagreement: the engine decides otherwise than was counted.
    """
    most = 1 if len(lines) < WORTH_IT else processes
    bins = _bins(lines, classes, parts, most)

    def work(some: _Bin) -> _Found:
        found = _counted(setting, some, parts) if some.counted else None
        one, checked = found or (both(setting, some.lines, of_engine(setting, habits)), 0)
        # What was given need not be sent back.
        return _Found([each[1:] for each in one.played], one.active, one.candidate, one.retries, checked)

    found = in_processes(work, bins, most)
    played = [
        Played(line, *each)
        for some, one in zip(bins, found, strict=True)
        for line, each in zip(some.lines, one.played, strict=True)
    ]
    played.sort(key=lambda each: (each.line.at_us, each.line.id))
    active, candidate = Watch(), Watch()
    for one in found:
        active.take(one.active)
        candidate.take(one.candidate)
    return Both(played, active, candidate, sum(one.retries for one in found)), sum(one.checked for one in found)


def _counted(setting: Setting, some: _Bin, parts: Parts) -> tuple[Both, int] | None:
    """None where only the engine knows what comes of one of them."""
    ids = {line.id: number for line, number in zip(some.lines, some.classes, strict=True)}

    def lane(which: int, scenario: Scenario) -> AnyLane:
        return CountedLane(parts.templates[which], ids, parts.contended, setting.catalog, setting.elsewhere)

    try:
        found = both(setting, some.lines, lane)
    except Uncountable:
        return None
    return found, _check(setting, found.played, [parts.of_class[number] for number in some.classes])


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


def _bins(lines: Sequence[TraceLine], classes: Sequence[int], parts: Parts, most: int) -> list[_Bin]:
    """Whole parts in so many bins, each about as full; the lines of a bin in the order of their arrival."""
    by_part: dict[int, list[tuple[TraceLine, int]]] = defaultdict(list)
    for line, number in zip(lines, classes, strict=True):
        by_part[parts.of_class[number]].append((line, number))
    counted: list[list[tuple[TraceLine, int]]] = []
    others: list[list[tuple[TraceLine, int]]] = []
    for part, some in by_part.items():
        fits = part in parts.countable and all(is_countable(line) for line, _ in some)
        (counted if fits else others).append(some)
    return [*_balanced(others, most, counted=False), *_balanced(counted, most, counted=True)]


def _balanced(parts: list[list[tuple[TraceLine, int]]], most: int, *, counted: bool) -> Iterator[_Bin]:
    filled: list[list[tuple[TraceLine, int]]] = [[] for _ in range(max(1, most))]
    for part in sorted(parts, key=lambda part: (-len(part), part[0][0].id)):
        min(filled, key=len).extend(part)
    for each in filled:
        each.sort(key=lambda one: (one[0].at_us, one[0].id))
        if each:
            yield _Bin(counted, [line for line, _ in each], [number for _, number in each])
