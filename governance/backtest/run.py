"""One backtest from end to end."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Final

from governance.backtest.arrivals import facts_read
from governance.backtest.assumptions import Assumptions
from governance.backtest.coverage import SpotCheck
from governance.backtest.elsewhere import Elsewhere
from governance.backtest.lanes import NOTHING, Both, Ran, Setting, both
from governance.backtest.parallel import cores
from governance.backtest.read import Reader
from governance.backtest.report import Report
from governance.backtest.suggest import suggestions
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
    processes: int | None = None,
    fast: bool = True,
) -> Report:
    """What the candidate would have made of recorded traffic, beside what the active policy makes of it.

    Args:
        lines: in any order; what could not be read is named among them. Files are read faster as `Traffic`.
        catalog: what the proxy serves, with today's prices.
        processes: at most so many at once; left out, one for each core. The answer is the same.
        fast: False lets the engine decide every single request, as does a Python without numpy. The answer is the same.

    Raises:
        PluginFault: a plugin of one of the policies cannot be used.
        NotReplayable: a plugin waits for something outside.
        Disagreement: the fast way and the engine do not decide alike.
    """
    hosts = Host.start(active), Host.start(candidate)
    reader = Reader(facts_read(hosts[0]) | facts_read(hosts[1]))
    setting = Setting(*hosts, catalog, Elsewhere(assumptions))
    tally = Tally(assumptions.changed_at_most, active.revision)
    warm_us = longest_window_us(hosts) if assumptions.warm_up == "longest_window" else 0
    if fast and find_spec("numpy") is not None:
        # Left out where it is not installed: it is an extra.
        from governance.backtest.quick import quick

        played = quick(setting, lines, reader, tally, warm_us, processes or cores())
    else:
        played = _one_by_one(setting, reader.take(lines), warm_us)
    found = played.both
    warm = played.early + _add(tally, found, played.from_us)
    coverage = reader.coverage(*played.span, weight=tally.weight, retries=found.retries, warm_up=warm)
    least = suggestions(found.candidate, assumptions.refusals_at_most, assumptions.refusals_ppm_at_most)
    everything = Found(tally, found.active, found.candidate, least, played.check)
    return report(hosts, coverage, reader.traffic, everything, assumptions, catalog)


def _one_by_one(setting: Setting, taken: list[TraceLine], warm_us: int) -> Ran:
    setting.elsewhere.learn(taken)
    span = (len(taken), taken[0].at_us, taken[-1].at_us) if taken else NOTHING
    return Ran(both(setting, taken), SpotCheck(0, len(taken), 0), 0, span, warm_us)


def _add(tally: Tally, found: Both, from_us: int) -> int:
    early = 0
    for each in found.played:
        if each.line.at_us < from_us:
            early += 1
        else:
            tally.add(each)
    return early
