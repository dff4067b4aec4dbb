"""The fast way: requests that no window and no failure can touch are counted, the others go through the engine."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from governance.backtest.arrivals import even
from governance.backtest.classed import Classed, Kind
from governance.backtest.columns import Columns
from governance.backtest.counted import can_be_counted
from governance.backtest.elsewhere import Answers, Elsewhere, place_of
from governance.backtest.hard import Hard
from governance.backtest.lanes import Setting
from governance.backtest.plain import NONE
from governance.backtest.play import Parts
from governance.backtest.prompts import SUMS
from governance.backtest.tally import Tally
from governance.backtest.unattended import Habit

_MINUTE_US = 60_000_000
# Binary digits of a prompt's tokens: 31 at most, and none.
_SIZES = 32
_AT_ONCE = 250_000
_OF_SIZE = frozenset({"tokens", "input_tokens", "output_tokens", "usd_micros"})


class Plan:
    """Who is counted and who is simulated.

    Args:
        hard: for each row, whether it is simulated. parts: which of these hang together.
    """

    def __init__(self, setting: Setting, columns: Columns, processes: int) -> None:
        self.classed = Classed(setting, columns, processes)
        learn(setting.elsewhere, self.classed, columns)
        found = Hard(setting, self.classed, columns)
        self.hard = found.rows
        self._contended = found.contended
        self.parts = _together(self.classed.kinds, found, setting)

    def habits(self) -> Iterator[Habit]:
        """What the answers of all that are not simulated teach, by their ends, where that decides what is reserved."""
        if not any(key[2] in _OF_SIZE for key in self._contended):
            return
        classed = self.classed
        names = {
            name
            for indexes in self._contended.values()
            for i in indexes
            for kind in (classed.kinds[i],)
            for template in (kind.active, kind.candidate)
            for name in (kind.what.line.asked.model, template.model, *template.names)
        }
        rows, whose = [], []
        for index, kind in enumerate(classed.kinds):
            if kind.easy and not names.isdisjoint((kind.active.model, *kind.active.names[:1])):
                soft = kind.rows[~self.hard[kind.rows]]
                rows.append(soft)
                whose.append(np.full(len(soft), index, dtype=np.int32))
        if not rows:
            return
        all_rows, all_whose = np.concatenate(rows), np.concatenate(whose)
        ends = classed.at_us[all_rows] + 1000 * classed.end_ms[all_rows].astype(np.int64)
        for at in np.argsort(ends, kind="stable"):
            row, kind = all_rows[at], classed.kinds[all_whose[at]]
            most = int(classed.most[row])
            yield Habit(
                int(ends[at]),
                tuple(dict.fromkeys((kind.active.model, kind.active.names[0]))),
                kind.what.line.asked.type,
                int(classed.prompt[row]),
                int(classed.used_in[row]),
                int(classed.used_out[row]),
                kind.what.line.asked.choices,
                None if most < 0 else most,
            )

    def count(self, tally: Tally, from_us: int, otherwise: Any) -> int:
        """Add up those that came out as recorded and came from then on; returns how many came before.

        Args:
            otherwise: rows that were simulated and came out otherwise.
        """
        early = 0
        soft: list[Any] = []
        alike = np.ones(len(self.hard), dtype=bool)
        alike[otherwise] = False
        for kind in self.classed.kinds:
            rows = kind.rows[alike[kind.rows]]
            if not len(rows):
                continue
            warm = rows[self.classed.at_us[rows] >= from_us]
            early += len(rows) - len(warm)
            if len(warm):
                soft.append(warm)
                tally.add_alike(kind.what.line, len(warm), int(self.classed.usd[warm].sum(dtype=np.int64)))
        for rows in _together_at_once(soft):
            waits, counts = np.unique(self.classed.end_ms[rows], return_counts=True)
            tally.add_waits(Counter(dict(zip(waits.tolist(), counts.tolist(), strict=True))))
        return early

    def sample(self, share: float) -> dict[int, bool]:
        """Rows that are counted and that the engine shall decide as well: of whole teams, and not more than this share
        of all; each with whether the active policy decides (else the candidate).
        """
        most = int(share * len(self.classed.at_us))
        teams: dict[str, list[Any]] = {}
        for kind in self.classed.kinds:
            soft = kind.rows[~self.hard[kind.rows]]
            if len(soft):
                who = kind.what.line.who
                teams.setdefault(who.team or who.key, []).append(soft)
        chosen: dict[int, bool] = {}
        for position, team in enumerate(sorted(teams, key=even)):
            rows = np.concatenate(teams[team])
            rows = rows[np.argsort(self.classed.at_us[rows], kind="stable")][: most - len(chosen)]
            chosen.update(dict.fromkeys(rows.tolist(), position % 2 == 0))
            if len(chosen) >= most:
                break
        return chosen


def learn(elsewhere: Elsewhere, classed: Classed, columns: Columns) -> None:
    """What answers at each target were like, of all that are plain; the others were learned as they were read."""
    places: dict[tuple[str, str, str], int] = {}
    place_of_kind = np.full(len(columns.classes), NONE, dtype=np.int64)
    for number, what in enumerate(columns.classes):
        if what.plain:
            found = place_of(what.line.hops[0].target, what.line)[:3]
            place_of_kind[number] = places.setdefault(found, len(places))
    sums = np.zeros((len(places) * _SIZES, 4 + SUMS), dtype=np.int64)
    lengths: Counter[int] = Counter()
    choices = np.array([max(1, what.line.asked.choices) for what in columns.classes], dtype=np.int64)
    kinds = columns.kind
    for begin in range(0, len(kinds), _AT_ONCE):
        some = slice(begin, begin + _AT_ONCE)
        place = place_of_kind[kinds[some]]
        plain = np.flatnonzero(place != NONE) + begin
        prompts = classed.prompt[plain].astype(np.int64)
        # The number of binary digits, as `int.bit_length` counts them.
        sizes = np.frexp(prompts.astype(np.float64))[1]
        code = place[plain - begin] * _SIZES + np.where(prompts > 0, sizes, 0)
        outputs = classed.used_out[plain].astype(np.int64) // choices[kinds[plain]]
        most = classed.most[plain]
        cut = (most != NONE) & (outputs >= most)
        for key, count in zip(*np.unique((code << 33) | (outputs << 1) | cut, return_counts=True), strict=True):
            lengths[int(key)] += int(count)
        costs, inputs = classed.usd[plain].astype(np.int64), classed.used_in[plain].astype(np.int64)
        known = (inputs > 0) & (prompts > 0)
        inputs, prompts = inputs * known, prompts * known
        for column, values in enumerate(
            (
                np.ones_like(outputs),
                costs,
                costs * costs,
                classed.end_ms[plain].astype(np.int64),
                known.astype(np.int64),
                inputs,
                prompts,
                inputs * inputs,
                inputs * prompts,
                prompts * prompts,
            )
        ):
            np.add.at(sums[:, column], code, values)
    ended: dict[int, dict[int, int]] = defaultdict(dict)
    cuts: dict[int, dict[int, int]] = defaultdict(dict)
    for key, count in lengths.items():
        (cuts if key & 1 else ended)[key >> 33][(key >> 1) & 0xFFFFFFFF] = count
    for named, number in places.items():
        for size in range(_SIZES):
            at = number * _SIZES + size
            count, cost, squares, took_ms, *prompts = sums[at].tolist()
            if count:
                answers = Answers((*named, size), count, ended[at], cuts[at], (cost, squares), took_ms, tuple(prompts))
                elsewhere.learn_alike(answers)
    for target in {target for target, _, _, _ in columns.failures}:
        rows = [kind.rows for kind in classed.kinds if kind.what.plain and kind.what.line.hops[0].target == target]
        if rows:
            minutes, counts = np.unique(classed.at_us[np.concatenate(rows)] // _MINUTE_US, return_counts=True)
            for minute, count in zip(minutes.tolist(), counts.tolist(), strict=True):
                elsewhere.learn_minute(target, minute, count)


def _together_at_once(parts: Sequence[Any]) -> Iterator[Any]:
    """These arrays behind each other, so many numbers at a time."""
    some: list[Any] = []
    for part in parts:
        some.append(part)
        if sum(map(len, some)) >= _AT_ONCE:
            yield np.concatenate(some)
            some = []
    if some:
        yield np.concatenate(some)


def _together(kinds: Sequence[Kind], hard: Hard, setting: Setting) -> Parts:
    of_class = _parts(kinds, hard)
    contended = frozenset(hard.contended)
    both = [{i: getattr(kind, name) for i, kind in enumerate(kinds)} for name in ("active", "candidate")]
    # Whoever comes back comes back when told to, and is an arrival that was not recorded.
    countable = set(of_class) if setting.elsewhere.assumptions.newly_refused == "gone" else set()
    for index, kind in enumerate(kinds):
        if not len(kind.rows) or not hard.rows[kind.rows].any():
            continue
        if not all(can_be_counted(each, contended, hard.ill) for each in (kind.active, kind.candidate)):
            countable.discard(of_class[index])
    return Parts(of_class, countable, (both[0], both[1]), contended, [kind.rows for kind in kinds])


def _parts(kinds: Sequence[Kind], hard: Hard) -> list[int]:
    """For each class the number of the part that it is simulated in: classes that share a window that may be full, a
    target that may cool down, or what decides how much is reserved, are of one part.
    """
    parent = list(range(len(kinds)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    def join(indexes: Sequence[int]) -> None:
        for index in indexes[1:]:
            parent[root(index)] = root(indexes[0])

    for indexes in hard.contended.values():
        join(indexes)
    groups: dict[Any, list[int]] = {}
    sized = {i for key, indexes in hard.contended.items() if key[2] in _OF_SIZE for i in indexes}
    for index, kind in enumerate(kinds):
        if not len(kind.rows) or not hard.rows[kind.rows].any():
            continue
        groups.setdefault(("same", kind.what.line.who, kind.what.line.asked), []).append(index)
        for template in (kind.active, kind.candidate):
            names = dict.fromkeys((*template.names, *(hop.target for hop in kind.what.line.hops)))
            for name in names:
                if name in hard.ill or not template.fixed:
                    groups.setdefault(("target", name), []).append(index)
                if sized:
                    groups.setdefault(("habit", name), []).append(index)
            if sized:
                groups.setdefault(("habit", template.model), []).append(index)
    for indexes in groups.values():
        join(indexes)
    return [root(index) for index in range(len(kinds))]
