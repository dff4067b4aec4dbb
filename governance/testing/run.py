"""Runs tests: each request is decided by the engine, and its record compared with what is expected."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final, NamedTuple

from governance.catalog import Catalog, installed_prices
from governance.engine.decision import Decision
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.simulation import may_call_of, simulate, unix_s, with_levels
from governance.ledger.memory import MemoryLedger
from governance.model import Usage
from governance.model.errors import GovernanceError
from governance.policy.litellm_file import read_catalog
from governance.testing.document import Asked, Settled, Turn
from governance.testing.expectation import Difference, Expectation
from governance.testing.read import Suite

# A test that states no clock and no draws is decided alike today and tomorrow all the same.
UNSTATED_AT: Final = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
_UNSTATED_DRAWS: Final = 64


class TestsTakeTooLong(GovernanceError):
    """They were broken off."""

    __test__ = False  # pytest takes it for a test otherwise


class Result(NamedTuple):
    """What came of one test. `records`: of its requests, in order."""

    name: str
    line: int
    seconds: float
    differences: tuple[Difference, ...]
    records: tuple[dict[str, Any], ...]

    @property
    def passed(self) -> bool:
        return not self.differences


def catalog_of(host: Host, config: Path | None) -> Catalog:
    """What the proxy serves, without what this machine has discovered: tests come out alike everywhere.

    Raises:
        PolicyError: the proxy's file cannot be read.
    """
    return read_catalog(config, host.policy.core.catalog.known(installed_prices()))


async def run(
    host: Host, suite: Suite, catalog: Catalog, pattern: str = "", *, within_s: float | None = None
) -> list[Result]:
    """Run the tests of a suite whose names contain `pattern`, in the order of the file.

    Raises:
        TestsTakeTooLong: they have not ended after so many seconds.
    """
    results = []
    clock = _Clock(str(suite.file), within_s, time.perf_counter())
    for case, line in zip(suite.cases, suite.lines, strict=True):
        if pattern.lower() not in case.name.lower():
            continue
        began = time.perf_counter()
        asked = case.request.over(suite.defaults)
        differences: list[Difference] = []
        records: list[dict[str, Any]] = []
        clock.check()
        if case.sequence is None:
            decision = await simulate(host, _repeatable(asked), catalog)
            records.append(decision.trace.record())
            differences += _differences(case.expect, records[0])
        else:
            await _Sequence(host, catalog, asked, clock).play(case.sequence, records, differences)
        results.append(Result(case.name, line, time.perf_counter() - began, tuple(differences), tuple(records)))
    return results


class _Clock(NamedTuple):
    """How long the tests of one file may still take."""

    file: str
    within_s: float | None
    began_s: float

    def check(self) -> None:
        if self.within_s is not None and time.perf_counter() - self.began_s > self.within_s:
            raise TestsTakeTooLong(
                f"{self.file}: the tests take longer than {self.within_s:g} s; run fewer, or fewer times"
            )


class _Sequence:
    """Requests one after the other: one engine, one ledger that counts, one clock that the turns move."""

    def __init__(self, host: Host, catalog: Catalog, asked: Asked, clock: _Clock) -> None:
        self._clock = clock
        self._now_s = unix_s(asked.at or UNSTATED_AT)
        self._engine = Engine(host, MemoryLedger(lambda: self._now_s), clock=lambda: self._now_s)
        self._catalog = catalog
        self._asked = asked

    async def play(self, turns: tuple[Turn, ...], records: list[dict[str, Any]], differences: list[Difference]) -> None:
        """Add the record of each request, and what is not as a turn expects it."""
        try:
            for i, turn in enumerate(turns):
                self._now_s = unix_s(turn.at) if turn.at else self._now_s + (turn.after_s or 0)
                for nth in range(turn.times):
                    self._clock.check()
                    decision = await self._decide(turn)
                    unused = await self._end(decision, turn)
                    record = decision.trace.record()
                    records.append(record)
                    place = f"sequence[{i}]" + (f" (time {nth + 1})" if turn.times > 1 else "")
                    for found in (*_differences(turn.expect, record), *unused):
                        differences.append(found._replace(path=f"{place}.{found.path}"))
        finally:
            await self._engine.close()

    async def _decide(self, turn: Turn) -> Decision:
        asked = _repeatable(turn.request.over(self._asked))
        request = await with_levels(self._engine, asked, self._catalog, self._now_s)
        return await self._engine.admit(request, may_call=may_call_of(asked))

    async def _end(self, decision: Decision, turn: Turn) -> Iterator[Difference]:
        """What the proxy does with a decision: try one target after the other, until one answers or none is left."""
        failures = list(turn.fail)
        answered_by = None
        for target in (decision.target, *decision.fallbacks) if decision.target else ():
            name = decision.call_name(target)
            if await self._engine.attempt(decision, name) is not None:
                continue
            await self._engine.reached(decision)
            if not failures:
                answered_by = name
                break
            if not (await self._engine.fail(decision, failures.pop(0).failure)).try_next:
                break
        if answered_by is None:
            if not decision.refusal:
                await self._engine.release(decision)
        elif turn.settle:
            await self._engine.settle(decision, answered_by, self._usage(decision, answered_by, turn.settle))
        return _unused(turn, failures, answered_by)

    def _usage(self, decision: Decision, name: str, settled: Settled) -> Usage:
        cost = settled.cost_usd_micros
        if cost is None and settled.input_tokens is not None and settled.output_tokens is not None:
            facts = self._catalog.facts(decision.target_named(name).name)
            cost = facts.cost_usd_micros(settled.input_tokens, settled.output_tokens)
        return Usage(settled.input_tokens, settled.output_tokens, cost, cached_tokens=settled.cached_tokens)


def _unused(turn: Turn, failures: list[Any], answered_by: str | None) -> Iterator[Difference]:
    """A turn that says how its request ends is about a request that gets so far."""
    if failures:
        made = len(turn.fail) - len(failures)
        yield Difference("fail", f"{len(turn.fail)} attempts that fail", f"{made} attempts")
    elif turn.settle and answered_by is None:
        yield Difference("settle", "an answer", "no target was left to answer")


def _differences(expected: Expectation | None, record: dict[str, Any]) -> Iterator[Difference]:
    return iter(()) if expected is None else expected.differences(record)


def _repeatable(asked: Asked) -> Asked:
    stream = random.Random(len(asked.draw))  # noqa: S311 - a draw among targets is no secret
    unstated = tuple(stream.random() for _ in range(_UNSTATED_DRAWS))
    return asked.model_copy(update={"at": asked.at or UNSTATED_AT, "draw": (*asked.draw, *unstated)})
