"""What would have come of a request at a target that it was not sent to: learned from those that were."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from governance.backtest.arrivals import even
from governance.backtest.assumptions import Assumptions
from governance.model import Models, Request
from governance.model.quantities import Quantities
from governance.model.sizes import GENERATES_TEXT, output_tokens
from governance.traffic import Hop, TraceLine

Scenario = Literal["low", "mid", "high"]
_MINUTE_US: Final = 60_000_000
# How sure a mean of so many samples is: two standard errors on either side.
_SURE: Final = 2.0
# Nobody knows, and somebody has to be told something: about a usual answer.
_USUAL_MS: Final = 1_000


class Fate(NamedTuple):
    """How one attempt ends.

    Args:
        took_us: microseconds; None = nobody knows when, it is as if it never ended.
        exact: it has happened so.
        waited_us: before it was begun: what the proxy does with a request first.
    """

    outcome: Literal["ok", "failed"]
    error: str | None
    took_us: int | None
    status: int | None = None
    retry_after_s: float | None = None
    served: str = ""
    exact: bool = True
    waited_us: int = 0

    @property
    def ends_after_us(self) -> int | None:
        """From when its turn has come."""
        return None if self.took_us is None else self.waited_us + self.took_us


class Spent(NamedTuple):
    """What an answer uses. None: nobody knows.

    Args:
        usd_micros: by scenario: low, mid, high. variance: of the middle one, in square micro-dollars.
        outputs: of tokens, by scenario too, where that is not exact.
    """

    input_tokens: int | None
    output_tokens: int | None
    usd_micros: tuple[int, int, int] | None
    variance: int = 0
    exact: bool = True
    outputs: tuple[int, int, int] | None = None


@dataclass(slots=True)
class _Sums:
    # Whole numbers, so that the order in which they are added up changes nothing.
    count: int = 0
    total: int = 0
    squares: int = 0

    def add(self, value: int) -> None:
        self.count += 1
        self.total += value
        self.squares += value * value

    def add_all(self, count: int, total: int, squares: int) -> None:
        self.count += count
        self.total += total
        self.squares += squares

    @property
    def mean(self) -> float:
        return self.total / self.count

    @property
    def variance(self) -> float:
        if self.count < 2:
            return 0.0
        return max(0.0, (self.squares - self.total * self.total / self.count) / (self.count - 1))


@dataclass(slots=True)
class _Ratio:
    count: int = 0
    real: int = 0
    estimated: int = 0

    @property
    def value(self) -> float:
        return self.real / self.estimated


class Answers(NamedTuple):
    """Answers that are alike, added up. `place`: see `place_of`.

    Args:
        number: of answers. outputs, costs: sums and sums of squares, of each answer. took_ms: sum, from the arrival on.
        prompts: how many had an estimate and a report; their reported tokens and their estimated ones.
    """

    place: tuple[str, str, str, int]
    number: int
    outputs: tuple[int, int]
    costs: tuple[int, int]
    took_ms: int
    prompts: tuple[int, int, int]


@dataclass(slots=True)
class _Minute:
    ok: int = 0
    failed: list[Hop] = field(default_factory=list)


class Elsewhere:
    """Everything that answers elsewhere are taken to be like.

    Args:
        assumptions: the switches.
    """

    def __init__(self, assumptions: Assumptions) -> None:
        self.assumptions = assumptions
        self._minutes: dict[tuple[str, int], _Minute] = defaultdict(_Minute)
        self._took: dict[str, _Sums] = defaultdict(_Sums)
        self._outputs: dict[tuple[str, str, str, int], _Sums] = defaultdict(_Sums)
        self._of_target: dict[tuple[str, str], _Sums] = defaultdict(_Sums)
        self._of_type: dict[str, _Sums] = defaultdict(_Sums)
        self._inputs: dict[str, _Ratio] = defaultdict(_Ratio)
        self._costs: dict[tuple[str, str, str, int], _Sums] = defaultdict(_Sums)

    def learn(self, lines: Iterable[TraceLine]) -> None:
        """Look at how attempts ended, and what answers used."""
        for line in lines:
            for hop in line.hops:
                self._learn_hop(line, hop)
            used, served = line.used, line.served
            if used is None or served is None:
                continue
            place = place_of(served, line)
            if used.output_tokens is not None:
                tokens = used.output_tokens // max(1, line.asked.choices)
                for sums in (self._outputs[place], self._of_target[place[:2]], self._of_type[place[1]]):
                    sums.add(tokens)
            if used.input_tokens and line.size.prompt_tokens:
                ratio = self._inputs[served]
                ratio.count += 1
                ratio.real += used.input_tokens
                ratio.estimated += line.size.prompt_tokens
            if used.usd_micros is not None:
                self._costs[place].add(used.usd_micros)

    def learn_alike(self, answers: Answers) -> None:
        """The same of many answers at once, each of them the first and only attempt of its request."""
        target = answers.place[0]
        place = answers.place
        for sums in (self._outputs[place], self._of_target[place[:2]], self._of_type[place[1]]):
            sums.add_all(answers.number, *answers.outputs)
        self._costs[answers.place].add_all(answers.number, *answers.costs)
        self._took[target].add_all(answers.number, answers.took_ms, 0)
        ratio = self._inputs[target]
        ratio.count += answers.prompts[0]
        ratio.real += answers.prompts[1]
        ratio.estimated += answers.prompts[2]

    def learn_minute(self, target: str, minute: int, answered: int) -> None:
        """So many requests that came in this minute, Unix, were answered by a target."""
        self._minutes[target, minute].ok += answered

    def _learn_hop(self, line: TraceLine, hop: Hop) -> None:
        if not hop.reached or hop.outcome not in ("ok", "failed"):
            return
        minute = self._minutes[hop.target, line.at_us // _MINUTE_US]
        if hop.outcome == "ok":
            minute.ok += 1
            self._took[hop.target].add(_whole_ms(line, hop))
        else:
            minute.failed.append(hop)

    def fate(self, line: TraceLine, target: str, at_us: int) -> Fate:
        """How this target would have answered at that time: as it did for those who asked it in the same minute."""
        minute = self._minutes.get((target, at_us // _MINUTE_US))
        if minute is not None and minute.failed and self.assumptions.failures == "by_minute":
            drawn = even(f"{line.id} {target}") * (minute.ok + len(minute.failed))
            if drawn < len(minute.failed):
                hop = minute.failed[int(drawn)]
                return Fate(
                    "failed", hop.error, 1000 * hop.took_ms, hop.status, hop.retry_after_s, hop.served, exact=False
                )
        return Fate("ok", None, self._took_us(line, target), exact=False)

    def _took_us(self, line: TraceLine, target: str) -> int:
        known = self._took.get(target)
        if known is not None and known.count >= self.assumptions.enough_samples:
            return round(1000 * known.mean)
        took_ms = next((_whole_ms(line, hop) for hop in reversed(line.hops) if hop.outcome == "ok"), None)
        if took_ms is not None:
            return 1000 * took_ms
        return round(1000 * known.mean) if known is not None else 1000 * _USUAL_MS

    def spent(self, line: TraceLine, request: Request, target: str, models: Models | None) -> Spent:
        """What this target would have used for the request."""
        inputs = self._input_tokens(line, target)
        place = place_of(target, line)
        mids, variance = self._output_tokens(line, request, target)
        if request.max_output_tokens is not None:
            most = float(request.max_output_tokens)
            mids = (min(mids[0], most), min(mids[1], most), min(mids[2], most))
        outputs = [round(each * request.choices) for each in mids]
        if request.request_type not in GENERATES_TEXT:
            outputs = [line.used.output_tokens or 0] * 3 if line.used else [0] * 3
        costs, of_costs = self._costs_of(place, inputs, outputs, request, target, models)
        if costs and mids[1] > 0 and not of_costs:
            # Of money, as the output's: by what one more token costs.
            slope = (costs[2] - costs[0]) / max(1, outputs[2] - outputs[0])
            of_costs = variance * request.choices * slope * slope
        return Spent(
            inputs, outputs[1], costs, round(of_costs), exact=False, outputs=(outputs[0], outputs[1], outputs[2])
        )

    def _output_tokens(
        self, line: TraceLine, request: Request, target: str
    ) -> tuple[tuple[float, float, float], float]:
        """Of each answer: the least that is expected, the middle and the most, and how much single ones scatter."""
        enough = self.assumptions.enough_samples
        for known in (self._outputs.get(place_of(target, line)), self._of_target.get((target, line.asked.type))):
            if known is not None and known.count >= enough:
                off = _SURE * math.sqrt(known.variance / known.count)
                return (max(0.0, known.mean - off), known.mean, known.mean + off), known.variance
        recorded = line.used.output_tokens if line.used is not None else None
        guess: float
        if recorded is not None:
            guess = recorded / max(1, line.asked.choices)
        else:
            # Nobody has seen an answer to this one: a usual one of this target, else of anybody.
            few = [self._of_target.get((target, line.asked.type)), self._of_type.get(line.asked.type)]
            seen = next((each for each in few if each is not None and each.count), None)
            guess = seen.mean if seen is not None else float(output_tokens(request, target))
        low, mid, high = self.assumptions.spread
        return (low * guess, mid * guess, high * guess), 0.0

    def _costs_of(
        self,
        place: tuple[str, str, str, int],
        inputs: int,
        outputs: list[int],
        request: Request,
        target: str,
        models: Models | None,
    ) -> tuple[tuple[int, int, int] | None, float]:
        known = self._costs.get(place)
        enough = known is not None and known.count >= self.assumptions.enough_samples
        if known is not None and enough and self.assumptions.prices == "recorded":
            off = _SURE * math.sqrt(known.variance / known.count)
            mean = known.mean
            return (max(0, round(mean - off)), round(mean), round(mean + off)), known.variance
        if models is None:
            return None, 0.0
        facts, tier = models.facts(target), request.params.get("service_tier", "")
        low, mid, high = (facts.billed(Quantities(inputs, each), tier) for each in outputs)
        return (None if low is None or mid is None or high is None else (low, mid, high)), 0.0

    def _input_tokens(self, line: TraceLine, target: str) -> int:
        """Of the prompt, by the tokenizer of this target: its estimate times what such estimates came to there."""
        ours = self._inputs.get(target)
        if ours is not None and ours.count >= self.assumptions.enough_samples:
            return round(line.size.prompt_tokens * ours.value)
        if line.used is not None and line.used.input_tokens is not None:
            return line.used.input_tokens
        return line.size.prompt_tokens


def _whole_ms(line: TraceLine, hop: Hop) -> int:
    """How long an answer took with what the proxy does before and after it, where nobody was asked before."""
    return hop.took_ms if len(line.hops) != 1 or line.end_us is None else line.end_us // 1000


def place_of(target: str, line: TraceLine) -> tuple[str, str, str, int]:
    """Target, type, task and about how long the prompt is: answers of one place are alike."""
    task = line.asked.task or line.told.task or ""
    return target, line.asked.type, task, line.size.prompt_tokens.bit_length()
