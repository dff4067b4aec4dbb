"""One policy over recorded arrivals: the real engine on a ledger of its own, by a clock that goes from event to event.

Events are arrivals, the end of each attempt, and the deadlines of reservations, which the ledger keeps itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

from governance.backtest.arrivals import beforehand, request_of
from governance.backtest.as_recorded import recorded_fate, recorded_spent
from governance.backtest.done import Done
from governance.backtest.doubts import Doubts
from governance.backtest.elsewhere import Elsewhere
from governance.backtest.fates import Fate, Scenario, Spent
from governance.backtest.unattended import ByEvent, Habit, Silent, played
from governance.backtest.watch import Watch
from governance.catalog import Catalog
from governance.engine.decision import Decision
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.levels import REFRESH_S
from governance.ledger import Ledger
from governance.ledger.memory import MemoryLedger
from governance.ledger.reservation import Key, key_of
from governance.model import Failure, Refusal, Target, Usage, codes
from governance.traffic import TraceLine

_MICROS: Final = 1_000_000
_PLACE: Final[dict[Scenario, int]] = {"low": 0, "mid": 1, "high": 2}
_NO_SCATTER: Final[Mapping[str, int]] = {}
# LiteLLM goes through its list of fallbacks once.
_MOST_HOPS: Final = 20
# What the SDKs of providers do by themselves.
_MOST_RETRIES: Final = 3


@dataclass(slots=True, eq=False)
class _Trying:
    """One admitted request on its way through its targets."""

    line: TraceLine
    decision: Decision
    done: Done
    targets: list[Target]
    position: int = 0
    asked: dict[str, int] = field(default_factory=dict)
    as_recorded: bool = True
    fate: Fate | None = None


class Lane:
    """A policy, decided for.

    Args:
        catalog: what the proxy serves.
        elsewhere: what comes of requests at targets that they were not sent to.
        scenario: which end of a range is taken where there is one.
        habits: what answers teach that are not played here, by their ends.
    """

    def __init__(
        self,
        host: Host,
        catalog: Catalog,
        elsewhere: Elsewhere,
        scenario: Scenario = "mid",
        habits: Iterable[Habit] = (),
    ) -> None:
        self.now_us = 0
        self.host = host
        self.watch = Watch()
        self._come_back = elsewhere.assumptions.newly_refused == "retries"
        self._catalog = catalog
        self._elsewhere = elsewhere
        self._place = _PLACE[scenario]
        self.ledger: Ledger = MemoryLedger(self.clock)
        self.engine = Engine(host, self.ledger, clock=self.clock)
        self.engine.alerts = Silent(self.ledger, host.policy.revision, lambda alert: None, clock=self.clock)
        self.engine.levels = ByEvent(clock=self.clock)
        self._reads_percent = host.reads_percent
        self._looked_us = 0
        self._events: list[tuple[int, int, _Trying | tuple[TraceLine, Done]]] = []
        self._order = count()
        self._habits = iter(habits)
        self._next = next(self._habits, None)
        # Windows that count something that did not happen so, and cool-downs that nobody has seen.
        self._touched: set[Key] = set()
        self._doubts = Doubts()
        self._guessed_failures = self._guessed = False

    def clock(self) -> float:
        """Unix seconds of the event that is played."""
        return self.now_us / _MICROS

    def arrive(self, line: TraceLine) -> Done:
        """Decide a line; what comes of it follows as later ones arrive. Lines come in the order of their arrival."""
        self.advance(line.at_us)
        if beforehand(line):
            return Done("refuse", code=line.told.code, beforehand=True, end_us=line.at_us)
        done = Done("refuse")
        self._decide(line, done)
        return done

    def _decide(self, line: TraceLine, done: Done) -> None:
        if self._reads_percent and self.now_us - self._looked_us >= REFRESH_S * _MICROS:
            self._looked_us = self.now_us
            played(self.engine.levels.refresh(self.ledger))
        models = self._catalog.for_team(line.who.team)
        decision = played(self.engine.admit(request_of(line, models), may_call=may_call_of(line)))
        trace = decision.trace
        self.watch.see(line, self.now_us, trace.windows, refused=decision.refusal)
        done.outcome, done.target = decision.outcome, decision.target.name if decision.target else None
        done.rule, done.profile = trace.notes.get("rule"), trace.notes.get("profile")
        done.full = tuple(reading for reading, _ in trace.windows if not reading.fits)
        done.doubt = self._doubts.chance(trace.windows, self.clock(), refused=decision.refusal is not None)
        if done.doubt or (self._touched and any(key_of(reading.window) in self._touched for reading in done.full)):
            done.exact = False
        if self._guessed_failures and any(c.reason == codes.COOLING_DOWN for c in trace.candidates):
            done.exact = False
        if decision.refusal is not None:
            self._refused(line, done, decision.refusal)
            return
        done.code = done.limit = done.retry_after_s = None
        first = [decision.target] if decision.target else []
        self._try(_Trying(line, decision, done, [*first, *decision.fallbacks]))

    def _refused(self, line: TraceLine, done: Done, refusal: Refusal) -> None:
        done.code, done.limit, done.retry_after_s = refusal.code, refusal.limit, refusal.retry_after_s
        done.subject = next((r.window.subject for r in done.full if r.window.limit == refusal.limit), "")
        done.end_us = self.now_us
        wait_s = refusal.retry_after_s
        if not self._come_back or wait_s is None or done.came_back >= _MOST_RETRIES or line.told.outcome == "refuse":
            return
        done.came_back += 1
        heappush(self._events, (self.now_us + wait_s * _MICROS, next(self._order), (line, done)))

    def advance(self, until_us: int) -> None:
        """Play what happens before this moment."""
        while self._events and self._events[0][0] <= until_us:
            at_us, _, event = heappop(self._events)
            self._learn(at_us)
            self.now_us = max(self.now_us, at_us)
            if isinstance(event, _Trying):
                self._ended(event)
            else:
                self._decide(*event)
        self._learn(until_us)
        self.now_us = max(self.now_us, until_us)

    def _learn(self, until_us: int) -> None:
        while self._next is not None and self._next.end_us <= until_us:
            told, self._next = self._next, next(self._habits, None)
            used = Usage(told.input_tokens, told.output_tokens)
            for model in told.models:
                self.engine.habits.note(
                    model, told.request_type, told.prompt, used, choices=told.choices, allowed=told.most
                )

    def finish(self) -> None:
        """Play everything that is still under way."""
        while self._events:
            self.advance(self._events[0][0])

    @property
    def guesses(self) -> bool:
        """Whether anything that did not happen has been counted."""
        return self._guessed

    # --- attempts ---------------------------------------------------------------------------------------------------

    def _try(self, trying: _Trying) -> None:
        """Begin the next attempt that may be made; none left = the request ends without an answer."""
        decision, line, done = trying.decision, trying.line, trying.done
        while trying.position < min(len(trying.targets), _MOST_HOPS):
            target = trying.targets[trying.position]
            trying.position += 1
            call_name = decision.call_name(target)
            if played(self.engine.attempt(decision, call_name, may_call_of(line))) is not None:
                skipped = decision.trace.attempts[-1]
                done.hops.append((target.name, "skipped", skipped.error or "", 0))
                continue
            nth = trying.asked.get(target.name, 0)
            trying.asked[target.name] = nth + 1
            fate = self._fate(trying, target, nth)
            trying.fate = fate
            played(self.engine.reached(decision, call_name, fate.served))
            ends_after_us = fate.ends_after_us
            if ends_after_us is None:
                return
            lasts_s = ends_after_us / _MICROS
            if lasts_s >= self.engine.deadline_s and decision.counted:
                # A live proxy renews it again and again.
                played(self.ledger.renew(decision.id, lasts_s + 1, attempted=True))
            heappush(self._events, (self.now_us + ends_after_us, next(self._order), trying))
            return
        played(self.engine.release(decision))
        done.end_us = self.now_us

    def _fate(self, trying: _Trying, target: Target, nth: int) -> Fate:
        line = trying.line
        recorded = recorded_fate(line, target.name, nth)
        if recorded is not None:
            return recorded[1]
        if not line.hops and line.told.outcome != "refuse" and line.told.target == target.name:
            # Nobody was asked: the proxy had an answer, or its caller left.
            took_us = line.end_us
            return Fate("ok", None, took_us, exact=True)
        if not line.hops and line.told.outcome == "pass":
            return Fate("ok", None, line.end_us, exact=True)
        trying.done.exact_cost = False
        return self._elsewhere.fate(line, target.name, self.now_us)

    def _ended(self, trying: _Trying) -> None:
        decision, done, fate, line = trying.decision, trying.done, trying.fate, trying.line
        target = trying.targets[trying.position - 1]
        if fate is None:
            return
        took_ms = 0 if fate.took_us is None else fate.took_us // 1000
        if fate.outcome == "failed":
            done.hops.append((target.name, "failed", fate.error or "unknown", took_ms))
            self._guessed_failures = self._guessed_failures or not fate.exact
            failure = Failure(fate.error or "unknown", fate.status, fate.retry_after_s)
            recovery = played(self.engine.fail(decision, failure))
            if recovery.try_next and trying.position < len(trying.targets):
                self._touch(decision, target, _NO_SCATTER, exact=fate.exact)
                self._try(trying)
                return
            played(self.engine.release(decision))
            done.end_us = self.now_us
            return
        done.hops.append((target.name, "ok", "", took_ms))
        spent = self._spent(trying, target, fate)
        done.served, done.end_us = target.name, self.now_us
        done.cost, done.variance = spent.usd_micros, spent.variance
        done.exact_cost = done.exact_cost and spent.exact
        cost = None if spent.usd_micros is None else spent.usd_micros[self._place]
        usage = Usage(spent.input_tokens, spent.output_tokens, cost)
        if line.used is None and spent.exact:
            done.cost = (0, 0, 0)
            played(self.engine.release(decision))
        else:
            played(self.engine.settle(decision, decision.call_name(target), usage))
            if decision.trace.usage is not None and spent.usd_micros is None:
                assumed = decision.trace.usage.cost_usd_micros or (line.counted if spent.exact else None)
                done.cost = (assumed, assumed, assumed) if assumed else None
        self._touch(decision, target, spent.scatter, exact=fate.exact and spent.exact)

    def _spent(self, trying: _Trying, target: Target, fate: Fate) -> Spent:
        line = trying.line
        if fate.exact and (line.served == target.name or (line.served is None and not line.hops)):
            return recorded_spent(line)
        models = trying.decision.request.models
        spent = self._elsewhere.spent(line, trying.decision.request, target.name, models)
        return spent._replace(output_tokens=spent.outputs[self._place]) if spent.outputs else spent

    def _touch(self, decision: Decision, target: Target, scatter: Mapping[str, int], *, exact: bool) -> None:
        """Windows that count what did not happen so are known for it; requests are counted alike whatever is used."""
        if exact:
            return
        self._guessed = True
        charges = (*decision.shared, *target.charges)
        self._touched.update(
            key_of(charge.window) for charge in charges if charge.window.unit != "requests" or self._guessed_failures
        )
        for reading, counted in decision.trace.windows if scatter else ():
            if counted:
                self._doubts.note(reading, scatter.get(reading.window.unit, 0), decision.trace.at_s)


def may_call_of(line: TraceLine) -> Any:
    """Whether the caller's key may use a model, as far as the record tells: it was let, unless it says otherwise."""
    barred = {name for name, code in line.told.passed_over.items() if code == codes.MODEL_NOT_ALLOWED}

    async def may_call(name: str) -> bool:
        return name not in barred

    return may_call
