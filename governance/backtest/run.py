"""One backtest from end to end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from governance.backtest.arrivals import facts_read
from governance.backtest.assumptions import Assumptions
from governance.backtest.coverage import SpotCheck
from governance.backtest.elsewhere import Elsewhere
from governance.backtest.lanes import Setting, both
from governance.backtest.read import Reader
from governance.backtest.report import Report
from governance.backtest.tally import Tally
from governance.backtest.told import Found, longest_window_us, report
from governance.catalog import Catalog
from governance.engine.host import Host
from governance.policy import Policy
from governance.traffic import Broken, TraceLine

USUAL: Final = Assumptions()


def backtest(
    active: Policy,
    candidate: Policy,
    lines: Iterable[TraceLine | Broken],
    assumptions: Assumptions = USUAL,
    *,
    catalog: Catalog,
) -> Report:
    """What the candidate would have made of recorded traffic, beside what the active policy makes of it.

    Args:
        lines: in any order; what could not be read is named among them.
        catalog: what the proxy serves, with today's prices.

    Raises:
        PluginFault: a plugin of one of the policies cannot be used.
        NotReplayable: a plugin waits for something outside.
    """
    hosts = Host.start(active), Host.start(candidate)
    reader = Reader(facts_read(hosts[0]) | facts_read(hosts[1]))
    taken = reader.take(lines)
    elsewhere = Elsewhere(assumptions)
    elsewhere.learn(taken)
    found = both(Setting(*hosts, catalog, elsewhere), taken)
    tally = Tally(assumptions.changed_at_most, active.revision)
    warm_us = longest_window_us(hosts) if assumptions.warm_up == "longest_window" else 0
    warm = 0
    for each in found.played:
        if each.line.at_us < taken[0].at_us + warm_us:
            warm += 1
        else:
            tally.add(each)
    coverage = reader.coverage(taken, weight=tally.weight, retries=found.retries, warm_up=warm)
    everything = Found(tally, found.active, found.candidate, (), SpotCheck(0, len(taken), 0))
    return report(hosts, coverage, reader.traffic, everything, assumptions, catalog)
