"""What would have come of a request at a target that it was not sent to: learned from those that were."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from governance.backtest.arrivals import even
from governance.backtest.assumptions import Assumptions
from governance.backtest.fates import Fate, Spent
from governance.backtest.lengths import SURE, Length, Lengths
from governance.backtest.prompts import Prompts, other_tokenizer
from governance.model import Models, Request
from governance.model.quantities import Quantities
from governance.model.sizes import GENERATES_TEXT, output_tokens
from governance.traffic import Hop, TraceLine

_MINUTE_US: Final = 60_000_000
# Bills are rounded up to whole micro-dollars, one that was guessed and the one that comes: each by less than one.
_OF_ROUNDING: Final = 1.0
# Nobody knows, and somebody has to be told something: about a usual answer.
_USUAL_MS: Final = 1_000


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


class Answers(NamedTuple):
    """Answers that are alike, added up. `place`: see `place_of`.

    Args:
        number: of answers. ended, cut: how many were of which length, in tokens, by themselves and because their
            callers allowed no more. costs: sum and sum of squares. took_ms: sum, from the arrival on.
        prompts: what is added up of those that had an estimate and a report, see `Prompts`.
    """

    place: tuple[str, str, str, int]
    number: int
    ended: Mapping[int, int]
    cut: Mapping[int, int]
    costs: tuple[int, int]
    took_ms: int
    prompts: tuple[int, int, int, int, int, int]


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
        self._outputs: dict[tuple[str, str, str, int], Lengths] = defaultdict(Lengths)
        self._of_target: dict[tuple[str, str], Lengths] = defaultdict(Lengths)
        self._of_type: dict[str, Lengths] = defaultdict(Lengths)
        self._prompts: dict[tuple[str, str, str, int], Prompts] = defaultdict(Prompts)
        self._inputs: dict[str, Prompts] = defaultdict(Prompts)
        self._all_inputs = Prompts()
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
                tokens, most = used.output_tokens // max(1, line.asked.choices), line.size.max_output_tokens
                for lengths in (self._outputs[place], self._of_target[place[:2]], self._of_type[place[1]]):
                    lengths.add(tokens, cut=most is not None and tokens >= most)
            if used.input_tokens and line.size.prompt_tokens:
                for prompts in (self._prompts[place], self._inputs[served], self._all_inputs):
                    prompts.add(used.input_tokens, line.size.prompt_tokens)
            if used.usd_micros is not None:
                self._costs[place].add(used.usd_micros)

    def learn_alike(self, answers: Answers) -> None:
        """The same of many answers at once, each of them the first and only attempt of its request."""
        target = answers.place[0]
        place = answers.place
        for lengths in (self._outputs[place], self._of_target[place[:2]], self._of_type[place[1]]):
            lengths.add_all(answers.ended, answers.cut)
        self._costs[answers.place].add_all(answers.number, *answers.costs)
        self._took[target].add_all(answers.number, answers.took_ms, 0)
        for prompts in (self._prompts[place], self._inputs[target], self._all_inputs):
            prompts.add_all(*answers.prompts)

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
        inputs, answer = self._input_tokens(line, target), self._output_tokens(line, request, target)
        outputs = tuple(round(each * request.choices) for each in answer[:3])
        if request.request_type not in GENERATES_TEXT:
            outputs = (line.used.output_tokens or 0 if line.used else 0,) * 3
            answer = Length(*outputs, 0.0)
        low, mid, high = outputs
        scatter = answer.variance * request.choices
        costs, of_costs = self._costs_of(place_of(target, line), inputs, (low, mid, high), scatter, request, models)
        of_units = {
            "input_tokens": round(inputs.variance),
            "output_tokens": round(scatter),
            "tokens": round(inputs.variance + scatter),
            "usd_micros": round(of_costs),
        }
        return Spent(round(inputs.mid), mid, costs, round(of_costs), False, (low, mid, high), of_units)

    def _output_tokens(self, line: TraceLine, request: Request, target: str) -> Length:
        """Of each answer."""
        enough, most = self.assumptions.enough_samples, request.max_output_tokens
        for known in (self._outputs.get(place_of(target, line)), self._of_target.get((target, line.asked.type))):
            if known is not None and known.count >= enough:
                return known.allowed(most)
        recorded = line.used.output_tokens if line.used is not None else None
        if recorded is not None:
            guess = Length(*(recorded / max(1, line.asked.choices),) * 3, 0.0)
        else:
            # Nobody has seen an answer to this one: a usual one of this target, else of anybody.
            few = [self._of_target.get((target, line.asked.type)), self._of_type.get(line.asked.type)]
            seen = next((each for each in few if each is not None and each.count), None)
            typical = float(output_tokens(request, target))
            guess = seen.allowed(most) if seen is not None else Length(typical, typical, typical, 0.0)
        low, mid, high = (times * each for times, each in zip(self.assumptions.spread, guess, strict=False))
        if most is not None:
            low, mid, high = min(low, most), min(mid, most), min(high, most)
        return Length(low, mid, high, 0.0)

    def _costs_of(
        self,
        place: tuple[str, str, str, int],
        inputs: Length,
        outputs: tuple[int, int, int],
        scatter: float,
        request: Request,
        models: Models | None,
    ) -> tuple[tuple[int, int, int] | None, float]:
        """Micro-dollars, low, mid and high, and how much single ones scatter, in square micro-dollars.

        Args:
            scatter: of all output of a request, in square tokens.
        """
        known = self._costs.get(place)
        enough = known is not None and known.count >= self.assumptions.enough_samples
        if known is not None and enough and self.assumptions.prices == "recorded":
            off = SURE * math.sqrt(known.variance / known.count)
            mean = known.mean
            return (max(0, round(mean - off)), round(mean), round(mean + off)), known.variance
        if models is None:
            return None, 0.0
        facts, tier = models.facts(place[0]), request.params.get("service_tier", "")

        def billed(prompt: float, answer: float) -> int | None:
            return facts.billed(Quantities(round(prompt), round(answer)), tier)

        mid = billed(inputs.mid, outputs[1])
        low, high = billed(inputs.low, outputs[0]), billed(inputs.high, outputs[2])
        dearer = billed(inputs.mid + math.sqrt(inputs.variance), outputs[1])
        longer = billed(inputs.mid, outputs[1] + math.sqrt(scatter))
        if low is None or mid is None or high is None or dearer is None or longer is None:
            return None, 0.0
        return (low, mid, high), (dearer - mid) ** 2 + (longer - mid) ** 2 + _OF_ROUNDING

    def _input_tokens(self, line: TraceLine, target: str) -> Length:
        """Of the prompt, by the tokenizer of this target."""
        enough, ours = self.assumptions.enough_samples, self._inputs.get(target)
        recorded = line.used.input_tokens if line.used is not None else None
        if recorded is not None:
            theirs = self._inputs.get(line.served or "")
            if theirs is None or ours is None or min(theirs.count, ours.count) < enough:
                return Length(recorded, recorded, recorded, 0.0)
            return other_tokenizer(recorded, theirs, ours)
        for known in (self._prompts.get(place_of(target, line)), ours, self._all_inputs):
            if known is not None and known.count >= enough:
                return known.of(line.size.prompt_tokens)
        estimated = float(line.size.prompt_tokens)
        return Length(estimated, estimated, estimated, 0.0)


def _whole_ms(line: TraceLine, hop: Hop) -> int:
    """How long an answer took with what the proxy does before and after it, where nobody was asked before."""
    return hop.took_ms if len(line.hops) != 1 or line.end_us is None else line.end_us // 1000


def place_of(target: str, line: TraceLine) -> tuple[str, str, str, int]:
    """Target, type, task and about how long the prompt is: answers of one place are alike."""
    task = line.asked.task or line.told.task or ""
    return target, line.asked.type, task, line.size.prompt_tokens.bit_length()
