"""A policy over requests that nothing but windows of requests can refuse: counted by the ledger's own windows.

What the engine would decide of each of them is known but for that: who serves, and which windows are charged one. No
failure, no weight and no estimate has a hand in it. Who is let in now and was not then is told of as the engine's lane
tells it.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
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
from governance.ledger.reservation import Key, check, key_of
from governance.ledger.windows import Concurrent, Counter, Rolling, counter
from governance.model import Charge
from governance.traffic import TraceLine


class Uncountable(Exception):
    """A request of which only the engine knows what comes."""


class _Way(NamedTuple):
    template: Template
    charges: tuple[Charge, ...]
    counters: list[Counter]


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
        templates: of this policy, by class. classes: of each line, by its id.
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
    ) -> None:
        self.watch = Watch()
        self._templates, self._classes, self._contended = templates, classes, contended
        self._catalog, self._elsewhere = catalog, elsewhere
        self._counters: dict[Key, Counter] = {}
        self._ways: dict[int, _Way] = {}

    def advance(self, until_us: int) -> None:
        """Nothing happens between arrivals that windows of requests would notice."""

    def finish(self) -> None:
        """The same after the last one."""

    def arrive(self, line: TraceLine) -> Done:
        """Decide a line. Lines come in the order of their arrival. Raises Uncountable."""
        if beforehand(line):
            return Done("refuse", code=line.told.code, beforehand=True, end_us=line.at_us)
        template, charges, counters = self._way(self._classes[line.id])
        if template.refusal is not None:
            code = template.refusal.code
            return Done("refuse", code=code, rule=template.rule, profile=template.profile, end_us=line.at_us)
        down_ms = line.at_us // 1000
        fits, readings = check(charges, counters, down_ms)
        for window in counters:
            window.asked = 0
        full = tuple(reading for reading in readings if not reading.fits)
        refusal = None if fits else limit_used_up(full, down_ms / 1000)
        self.watch.see(line, line.at_us, [(reading, fits) for reading in readings], refused=refusal)
        if refusal is not None:
            subject = next((each.window.subject for each in full if each.window.limit == refusal.limit), "")
            return Done(
                "refuse",
                code=refusal.code,
                limit=refusal.limit,
                subject=subject,
                retry_after_s=refusal.retry_after_s,
                rule=template.rule,
                profile=template.profile,
                end_us=line.at_us,
                full=full,
            )
        for window, charge in zip(counters, charges, strict=True):
            if not isinstance(window, Concurrent):
                at_ms = -(-line.at_us // 1000) if isinstance(window, Rolling) else down_ms
                window.charge(at_ms, charge.amount, charge.window.amount)
        return self._served(line, template)

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
            way = self._ways[number] = _Way(template, charges, counters)
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
