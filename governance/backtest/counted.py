"""A policy over requests that nothing but windows of requests can refuse: counted by the ledger's own windows.

What the engine would decide of each of them is known but for that: who serves, and which windows are charged one. No
failure, no weight and no estimate has a hand in it. Who is let in now and was not then is told of as the engine's lane
tells it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Set
from typing import NamedTuple

from governance.backtest.arrivals import beforehand, request_of
from governance.backtest.as_recorded import recorded_fate, recorded_spent
from governance.backtest.done import Done
from governance.backtest.elsewhere import Elsewhere
from governance.backtest.plain import is_plain
from governance.backtest.templates import Template
from governance.backtest.watch import Watch
from governance.catalog import Catalog
from governance.engine.refusals import limit_used_up
from governance.ledger import Reading
from governance.ledger.reservation import Key, check, key_of
from governance.ledger.windows import Calendar, Concurrent, Counter, Rolling, counter
from governance.model import Charge, Refusal, Window
from governance.traffic import TraceLine


class Uncountable(Exception):
    """A request of which only the engine knows what comes."""


class _Way(NamedTuple):
    """`counted`: of each charge its window's counter, what that counts at most, and whether at a time rounded up."""

    template: Template
    charges: tuple[Charge, ...]
    counters: list[Counter]
    counted: list[tuple[Rolling | Calendar, Key, Window, bool]]


def can_be_counted(template: Template, contended: Set[Key], ill: Set[str]) -> bool:
    """Whether only windows of requests, which anybody charges, decide of what goes this way.

    Args:
        contended: windows that may be full. ill: targets that have failed.
    """
    if not template.fixed or not template.as_asked:
        return False
    if template.refusal is not None:
        return template.refusal.limit is None and template.refusal.retry_after_s is None
    keys = {
        key_of(charge.window)
        for charge in template.shared
        if charge.window.unit == "requests" and charge.amount == 1 and charge.window.route_to is None
    }
    return template.target is not None and template.target not in ill and template.keys & contended <= keys


def is_countable(line: TraceLine) -> bool:
    """Whether a line is of a request that was answered at once, or refused."""
    return is_plain(line) or (line.told.outcome == "refuse" and not line.hops and line.used is None)


class CountedLane:
    """The same as `Lane` of requests that go such ways.

    Args:
        templates: of this policy, by class. classes: of each line, by its id. asks: see `Watch`.
    """

    guesses = False
    """What did not happen is counted alike, however much it used."""

    def __init__(
        self,
        templates: Mapping[int, Template],
        classes: Mapping[str, int],
        contended: Set[Key],
        catalog: Catalog,
        elsewhere: Elsewhere,
        *,
        asks: bool = True,
    ) -> None:
        self.watch = Watch(asks=asks)
        self._templates, self._classes, self._contended = templates, classes, contended
        self._catalog, self._elsewhere = catalog, elsewhere
        self._counters: dict[Key, Counter] = {}
        self._ways: dict[int, _Way] = {}
        self._refusals: dict[Hashable, Done] = {}

    def advance(self, until_us: int) -> None:
        """Nothing happens between arrivals that windows of requests would notice."""

    def finish(self) -> None:
        """The same after the last one."""

    def arrive(self, line: TraceLine) -> Done:
        """Decide a line. Lines come in the order of their arrival. Raises Uncountable."""
        if beforehand(line):
            return Done("refuse", code=line.told.code, beforehand=True, end_us=line.at_us)
        template, charges, counters, _ = self._way(self._classes[line.id])
        if template.refusal is not None:
            code = template.refusal.code
            return Done("refuse", code=code, rule=template.rule, profile=template.profile, end_us=line.at_us)
        down_ms = line.at_us // 1000
        fits, readings = check(charges, counters, down_ms)
        for window in counters:
            window.asked = 0
        if not fits:
            full = tuple(reading for reading in readings if not reading.fits)
            refusal = limit_used_up(full, down_ms / 1000)
            self.watch.see(line, line.at_us, [(reading, False) for reading in readings], refused=refusal)
            done = _refused(template, full, refusal)
            done.end_us = line.at_us
            return done
        self.watch.see(line, line.at_us, [(reading, True) for reading in readings], refused=None)
        for window, charge in zip(counters, charges, strict=True):
            if not isinstance(window, Concurrent):
                at_ms = -(-line.at_us // 1000) if isinstance(window, Rolling) else down_ms
                window.charge(at_ms, charge.amount, charge.window.amount)
        return self._served(line, template)

    def refuses(self, number: int, at_us: int) -> Done | None:
        """Decide a request that is served as it was recorded, if it is: None, or the refusal, without its end.

        Those that differ in nothing but when they came get the same one.

        Args:
            number: its class. at_us: its arrival.
        """
        way = self._ways.get(number) or self._way(number)
        down_ms = at_us // 1000
        for window, _, of, _ in way.counted:
            if window.gone_ms <= down_ms or not window.used:
                window.roll(down_ms)
            if window.used >= of.amount:
                return self._refusal(way, at_us, down_ms)
        up_ms, see = -(-at_us // 1000), self.watch.see_one
        for window, key, of, rounded_up in way.counted:
            window.charge(up_ms if rounded_up else down_ms, 1, of.amount)
            see(key, of, at_us, window.used)
        return None

    def _refusal(self, way: _Way, at_us: int, down_ms: int) -> Done:
        _, readings = check(way.charges, way.counters, down_ms)
        for window in way.counters:
            window.asked = 0
        full = tuple(reading for reading in readings if not reading.fits)
        refusal = limit_used_up(full, down_ms / 1000)
        template = way.template
        what: list[Hashable] = [template.rule, template.profile, refusal.retry_after_s]
        for (_, key, of, _), reading in zip(way.counted, readings, strict=True):
            self.watch.see_one(key, of, at_us, reading.used, fits=reading.fits)
            if not reading.fits:
                what += key, *reading[1:]
                if of.limit == refusal.limit:
                    self.watch.refuse(key, at_us)
        done = self._refusals.get(tuple(what))
        if done is None:
            done = self._refusals[tuple(what)] = _refused(template, full, refusal)
        return done

    def _way(self, number: int) -> _Way:
        way = self._ways.get(number)
        if way is None:
            template = self._templates[number]
            charges = tuple(
                charge
                for charge in template.shared
                if charge.window.mode == "enforce" and key_of(charge.window) in self._contended
            )
            counters = [self._counters.setdefault(key_of(each.window), counter(each.window)) for each in charges]
            counted = [
                (window, key_of(charge.window), charge.window, isinstance(window, Rolling))
                for window, charge in zip(counters, charges, strict=True)
                if not isinstance(window, Concurrent)
            ]
            way = self._ways[number] = _Way(template, charges, counters, counted)
        return way

    def _served(self, line: TraceLine, template: Template) -> Done:
        target = template.target or ""
        done = Done(template.outcome, target, rule=template.rule, profile=template.profile, served=target)
        recorded = recorded_fate(line, target, 0)
        if recorded is not None:
            fate, spent = recorded[1], recorded_spent(line)
        else:
            models = self._catalog.for_team(line.who.team)
            fate = self._elsewhere.fate(line, target, line.at_us)
            spent = self._elsewhere.spent(line, request_of(line, models), target, models)
        ends_after_us = fate.ends_after_us
        if fate.outcome != "ok" or fate.took_us is None or ends_after_us is None or spent.usd_micros is None:
            raise Uncountable(line.id)
        done.hops.append((target, "ok", "", fate.took_us // 1000))
        done.end_us = line.at_us + ends_after_us
        done.cost, done.variance = spent.usd_micros, spent.variance
        done.exact_cost = fate.exact and spent.exact
        return done


def _refused(template: Template, full: tuple[Reading, ...], refusal: Refusal) -> Done:
    return Done(
        "refuse",
        code=refusal.code,
        limit=refusal.limit,
        subject=next((each.window.subject for each in full if each.window.limit == refusal.limit), ""),
        retry_after_s=refusal.retry_after_s,
        rule=template.rule,
        profile=template.profile,
        full=full,
    )
