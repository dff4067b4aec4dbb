"""Rows by class, how both policies decide each class, and how large its requests are at most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, Final

import numpy as np

from governance.backtest.columns import Class, Columns
from governance.backtest.lanes import Setting
from governance.backtest.parallel import in_processes
from governance.backtest.plain import NONE
from governance.backtest.screen import Demand
from governance.backtest.templates import Corner, Template, Templates
from governance.model import Window
from governance.model.quantities import Quantities
from governance.model.sizes import TYPICAL_OUTPUT_TOKENS

Numbers = Any
# What is typical is a mean and a deviation: of numbers up to the largest at most (1 + sqrt 2) / 2 times that.
_TYPICAL_AT_MOST: Final = 1.2072
# A prompt is taken to have up to twice the tokens of its estimate (`governance.engine.habits`).
_PROMPT_AT_MOST: Final = 2
_FOREVER_MS: Final = 10**12
# Below so many classes a second process costs more than it saves.
_WORTH_IT: Final = 500


@dataclass(slots=True)
class Kind:
    """A class with its rows, in the order of their arrival.

    Args:
        easy: both policies send each of its requests where it was sent, as long as no window is full.
    """

    what: Class
    rows: Numbers
    active: Template
    candidate: Template
    easy: bool
    dearest: int | None = None


class Classed:
    """All columns, class by class.

    Args:
        setting: both policies, and what the proxy serves. processes: at most so many at once.
    """

    def __init__(self, setting: Setting, columns: Columns, processes: int) -> None:
        self.at_us, self.end_ms = columns.at_us, columns.end_ms
        self.prompt, self.most = columns.prompt, columns.most
        self.used_in, self.used_out, self.usd = columns.used_in, columns.used_out, columns.usd_micros
        self._rows = _by_class(columns)
        self._setting = setting
        self._typical = max(TYPICAL_OUTPUT_TOKENS, ceil(_TYPICAL_AT_MOST * int(self.used_out.max(initial=0))))
        self._longest_ms = int(self.end_ms.max(initial=0))
        pairs = in_processes(
            lambda host: _templates(Templates(host, setting.catalog), columns, self._corners),
            (setting.active, setting.candidate),
            1 if len(columns.classes) < _WORTH_IT else processes,
        )
        self.kinds = [
            self._kind(what, rows, active, candidate)
            for what, rows, active, candidate in zip(columns.classes, self._rows, *pairs, strict=True)
        ]

    def _corners(self, numbers: Sequence[int]) -> list[Corner]:
        """The smallest and largest requests of these classes, at the first and last moment of all."""
        of_these = [self._rows[number] for number in numbers]
        mosts: list[int | None] = [*_ends(most[most != NONE] for most in (self.most[rows] for rows in of_these))]
        mosts += [None] if any((self.most[rows] == NONE).any() for rows in of_these) else []
        prompts = _ends(self.prompt[rows] for rows in of_these)
        times = _ends(self.at_us[rows[[0, -1]]] for rows in of_these)
        found = [Corner(p, m, times[(i + j) % 2]) for i, p in enumerate(prompts) for j, m in enumerate(mosts)]
        return list(dict.fromkeys(found))

    def _kind(self, what: Class, rows: Numbers, active: Template, candidate: Template) -> Kind:
        told = what.line.told
        easy = (
            what.plain
            and active.fixed
            and candidate.fixed
            and active.outcome == candidate.outcome == told.outcome
            and active.target == candidate.target == told.target
        )
        kind = Kind(what, rows, active, candidate, easy)
        kind.dearest = self._dearest(kind)
        return kind

    def _outputs(self, kind: Kind, rows: Numbers) -> Numbers:
        most = self.most[rows].astype(np.int64)
        return np.where(most == NONE, self._typical, most) * max(1, kind.what.line.asked.choices)

    def _dearest(self, kind: Kind) -> int | None:
        """What any of its requests is billed at most by any of its targets; None where a price is unknown."""
        models = self._setting.catalog.for_team(kind.what.line.who.team)
        inputs = _PROMPT_AT_MOST * int(self.prompt[kind.rows].max())
        outputs = int(max(self._outputs(kind, kind.rows).max(), 2 * int(self.used_out[kind.rows].max())))
        inputs = max(inputs, 2 * int(self.used_in[kind.rows].max()))
        tier = kind.what.line.asked.params.get("service_tier", "")
        dearest = 0
        for name in dict.fromkeys((*kind.active.names, *kind.candidate.names)):
            facts = models.facts(name)
            for each in {"", tier}:
                cost = facts.billed(Quantities(inputs, outputs), each)
                if cost is None:
                    return None
                dearest = max(dearest, cost)
        return dearest

    def demand(self, window: Window, kinds: list[Kind]) -> Demand | None:
        """What these classes ask of one window at most; None where nobody can say."""
        parts = [self._demand(window.unit, kind) for kind in kinds]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        at_ms, end_ms, used, reserved = (np.concatenate(each) for each in zip(*known, strict=True))
        order = np.argsort(at_ms, kind="stable")
        return Demand(at_ms[order], end_ms[order], used[order], reserved[order])

    def _demand(self, unit: str, kind: Kind) -> tuple[Numbers, Numbers, Numbers, Numbers] | None:
        rows = kind.rows
        at_ms = self.at_us[rows] // 1000
        took_ms = self.end_ms[rows].astype(np.int64)
        if not kind.what.plain:
            took_ms = np.full(len(rows), _FOREVER_MS)
        elif not kind.easy:
            took_ms = np.maximum(took_ms, 2 * self._longest_ms + 1000)
        end_ms = at_ms + took_ms + 2
        hops = 1 if kind.easy else 1 + len(kind.active.names) + len(kind.candidate.names)
        ones = np.ones(len(rows), dtype=np.int64)
        if unit in ("requests", "concurrent"):
            return at_ms, end_ms, hops * ones, (ones if unit == "concurrent" else 0 * ones)
        inputs, outputs = _PROMPT_AT_MOST * self.prompt[rows].astype(np.int64), self._outputs(kind, rows)
        used_in, used_out = self.used_in[rows].astype(np.int64), self.used_out[rows].astype(np.int64)
        if not kind.easy:
            # What has not happened so may be twice as long, or as long as may be reserved.
            used_in, used_out = np.maximum(2 * used_in, inputs), np.maximum(2 * used_out, outputs)
        if unit == "usd_micros":
            if kind.dearest is None:
                return None
            used = self.usd[rows].astype(np.int64) if kind.easy else kind.dearest * ones
            return at_ms, end_ms, used, kind.dearest * ones
        if unit == "input_tokens":
            return at_ms, end_ms, used_in, inputs
        if unit == "output_tokens":
            return at_ms, end_ms, used_out, outputs
        return at_ms, end_ms, used_in + used_out, inputs + outputs


def _by_class(columns: Columns) -> list[Numbers]:
    """The rows of each class, in the order of their arrival, in which all of them are."""
    order = np.argsort(columns.kind, kind="stable").astype(np.int32)
    ends = np.cumsum(np.bincount(columns.kind, minlength=len(columns.classes)))
    return np.split(order, ends[:-1])


def _ends(parts: Iterable[Numbers]) -> list[int]:
    """The smallest and the largest number of all of these; nothing where there is none."""
    ends = [(int(part.min()), int(part.max())) for part in parts if len(part)]
    return [min(low for low, _ in ends), max(high for _, high in ends)] if ends else []


def _templates(ask: Templates, columns: Columns, corners_of: Callable[[Sequence[int]], list[Corner]]) -> list[Template]:
    """How one policy decides each class: asked once for each, and at their corners once for all that go the same way.

    Sizes decide who may serve by what the targets take and cost, whoever asks.
    """
    known: dict[Any, Template] = {}
    groups: dict[Any, list[int]] = defaultdict(list)
    found: list[Template] = []
    for number, what in enumerate(columns.classes):
        line = what.line
        # Nothing that decides looks at whether an answer is streamed.
        asked = replace(line.asked, streaming=False)
        key = (line.who, asked, line.told.task)
        template = known.get(key)
        if template is None:
            template = known[key] = ask.of(line)
        found.append(template)
        groups[asked, line.told.task, template.names, template.outcome, template.model].append(number)
    for numbers in groups.values():
        first = numbers[0]
        held = ask.held(columns.classes[first].line, found[first], corners_of(numbers))
        for number in numbers:
            found[number] = found[number]._replace(
                fixed=found[number].fixed and held.fixed, as_asked=found[number].as_asked and held.as_asked
            )
    return found
