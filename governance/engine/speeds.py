"""How long targets kept their callers waiting lately, as this process saw it: the state of strategy `fastest`.

A peak-EWMA: a longer wait counts at once, a shorter one by and by. Source: Finagle's and Linkerd's `PeakEwma`.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple

from governance.model import Request
from governance.model.speeds import UNKNOWN, Wait

_MOST_KEPT: Final = 2_000
# So fast shorter waits take the place of longer ones while answers come in.
_DECAYS_WITHIN_S: Final = 10.0
# So fast a wait is forgotten while none come in: who was slow is tried again. Providers of models are asked a few times
# a minute by many, so what was seen must outlive the time between two requests.
_HALVES_WITHIN_S: Final = 120.0
# A failure tells at once what a caller would have waited for in vain.
_FAILED_S: Final = 10.0
_TOKENS_OF_ONE_WAIT: Final = 100
# A prompt of ten thousand tokens is read more slowly than one of ten, by whomever.
_LENGTHS: Final = (2_000, 16_000, 64_000)

_Kind = tuple[str, bool, int]


class _Seen:
    """The waits of one target for one kind of request."""

    __slots__ = ("at_s", "wait_s")

    def __init__(self, at_s: float, wait_s: float) -> None:
        self.at_s, self.wait_s = at_s, wait_s

    def now(self, at_s: float) -> float:
        return self.wait_s * math.pow(0.5, max(0.0, at_s - self.at_s) / _HALVES_WITHIN_S)

    def note(self, at_s: float, wait_s: float) -> None:
        known = self.now(at_s)
        kept = math.exp(-max(0.0, at_s - self.at_s) / _DECAYS_WITHIN_S)
        self.wait_s = wait_s if wait_s > known else known * kept + wait_s * (1 - kept)
        self.at_s = at_s


class _UnderWay(NamedTuple):
    kind: _Kind
    since_s: float
    told: bool = False


class Measured:
    """What requests of this process met at each target. In memory, bounded, for nobody else.

    Args:
        clock: Unix seconds.

    Attributes:
        measures: whether anything is noted.
    """

    measures: ClassVar = True

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: OrderedDict[_Kind, _Seen] = OrderedDict()
        self._in_flight: Counter[str] = Counter()
        self._of_kind: Counter[_Kind] = Counter()
        self._open: dict[str, _UnderWay] = {}

    def wait(self, target: str, *, streaming: bool, prompt_tokens: int) -> Wait:
        """Of a target, for a request of this kind."""
        kind = _kind(target, streaming, prompt_tokens)
        seen, in_flight = self._seen.get(kind), self._in_flight.get(target, 0)
        if seen is None:
            # What is under way of another kind will tell nothing of this one.
            own = self._of_kind.get(kind, 0)
            return Wait(None, own) if own else UNKNOWN
        return Wait(max(1, round(seen.now(self._clock()) * 1000)), in_flight)

    def begin(self, decision: str, target: str, request: Request) -> None:
        """A request, by the id of its decision, goes to this target, perhaps after another one."""
        self._leave(decision)
        kind = _kind(target, request.streaming, request.prompt_tokens)
        self._open[decision] = _UnderWay(kind, self._clock())
        self._in_flight[target] += 1
        self._of_kind[kind] += 1

    def answering(self, decision: str) -> None:
        """The first token of a stream has come."""
        under_way = self._open.get(decision)
        if under_way and under_way.kind[1] and not under_way.told:
            self._note(under_way.kind, self._clock() - under_way.since_s)
            self._open[decision] = under_way._replace(told=True)

    def end(self, decision: str, output_tokens: int | None = None) -> None:
        """It was answered. A long answer that is no stream is no slow one: each hundred tokens are one wait."""
        under_way = self._leave(decision)
        if under_way and not under_way.told:
            waits = max(1, math.ceil((output_tokens or 0) / _TOKENS_OF_ONE_WAIT))
            took_s = self._clock() - under_way.since_s
            self._note(under_way.kind, took_s if under_way.kind[1] else took_s / waits)

    def fail(self, decision: str, *, its_own: bool) -> None:
        """The attempt failed; `its_own`: by the target's fault, which counts as slow."""
        under_way = self._leave(decision)
        if under_way and its_own:
            self._note(under_way.kind, max(_FAILED_S, self._clock() - under_way.since_s))

    def _leave(self, decision: str) -> _UnderWay | None:
        under_way = self._open.pop(decision, None)
        if under_way:
            _take(self._in_flight, under_way.kind[0])
            _take(self._of_kind, under_way.kind)
        return under_way

    def _note(self, kind: _Kind, wait_s: float) -> None:
        at_s, wait_s = self._clock(), max(0.0, wait_s)
        seen = self._seen.get(kind)
        if seen is not None:
            seen.note(at_s, wait_s)
            self._seen.move_to_end(kind)
            return
        self._seen[kind] = _Seen(at_s, wait_s)
        if len(self._seen) > _MOST_KEPT:
            self._seen.popitem(last=False)


class Unmeasured(Measured):
    """Where no profile asks: nothing is noted."""

    measures = False

    def begin(self, decision: str, target: str, request: Request) -> None:
        """Nothing."""

    def answering(self, decision: str) -> None:
        """Nothing."""

    def end(self, decision: str, output_tokens: int | None = None) -> None:
        """Nothing."""

    def fail(self, decision: str, *, its_own: bool) -> None:
        """Nothing."""


def _take(counter: Counter[Any], key: object) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]


def _kind(target: str, streaming: bool, prompt_tokens: int) -> _Kind:
    return target, streaming, sum(prompt_tokens > length for length in _LENGTHS)
