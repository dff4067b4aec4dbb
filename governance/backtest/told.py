"""A report of what was added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from governance.backtest.assumptions import Assumptions
from governance.backtest.coverage import Coverage, Fidelity, Inputs, SpotCheck
from governance.backtest.figures import ESTIMATED, EXACT, Label
from governance.backtest.report import Move, Report, Row, Suggestion
from governance.backtest.sums import Sums
from governance.backtest.tally import Tally
from governance.backtest.timelines import timelines
from governance.backtest.watch import Watch
from governance.catalog import Catalog
from governance.catalog.fingerprint import inputs_hash
from governance.engine.host import Host
from governance.engine.overlay import limits_of

_MOST_ROWS: Final = 1_000
_MOST_WORST: Final = 50
_MOST_TIMELINES: Final = 50
# Above this share of what changes, the headline is a range.
_MOSTLY: Final = 0.2


class Found(NamedTuple):
    """Everything that was found out.

    Args:
        active, candidate: what was read of windows.
    """

    tally: Tally
    active: Watch
    candidate: Watch
    suggestions: tuple[Suggestion, ...]
    spot_check: SpotCheck


def report(
    hosts: tuple[Host, Host],
    coverage: Coverage,
    traffic: str,
    found: Found,
    assumptions: Assumptions,
    catalog: Catalog,
) -> Report:
    """The report. The same findings give the same bytes.

    Args:
        traffic: a hash of the lines.
    """
    tally = found.tally
    active, candidate = (host.policy.revision for host in hosts)
    targets = sorted(name for name in tally.targets)
    inputs = Inputs(active, candidate, traffic, inputs_hash(catalog, targets), assumptions.hash)
    from_ms, to_ms = coverage.from_ms or 0, coverage.to_ms or 0
    moves = [Move(a, b, each.figure) for (a, b), each in tally.moves.items()]
    moves.sort(key=lambda move: (-(move.requests.mid or 0), move.active or "", move.candidate or ""))
    return Report(
        inputs,
        coverage,
        Fidelity(tally.compared, tally.other_policy, tally.same, tally.fidelity()),
        _headline(tally.total),
        tally.total.totals(tally.p95_wait()),
        _rows(tally.teams),
        _rows(tally.keys),
        _rows(tally.limits),
        _rows(tally.targets),
        tuple(moves[:_MOST_ROWS]),
        tally.worst(_MOST_WORST),
        timelines(found.active, found.candidate, from_ms, to_ms, _MOST_TIMELINES),
        tuple(changed for _, _, changed in sorted(tally.changed, key=lambda each: (-each[0], each[1]))),
        tally.changed_total,
        found.suggestions,
        found.spot_check,
        tuple(assumptions.words()),
    )


def longest_window_us(hosts: Sequence[Host]) -> int:
    """The longest rolling window of these policies, in microseconds; 0 where they have none."""
    sections = [section for host in hosts for section in host.policy.sections.values()]
    windows = [window for section in sections for limit in limits_of(section) for window in limit.windows_of("")]
    return 1_000_000 * max((window.period for window in windows if isinstance(window.period, int)), default=0)


def _rows(sums: Mapping[str, Sums]) -> tuple[Row, ...]:
    ranked = sorted(sums.items(), key=lambda each: (-each[1].changes, -each[1].requests, each[0]))
    return tuple(Row(id, each.name or id, each.totals()) for id, each in ranked[:_MOST_ROWS])


def _headline(total: Sums) -> Label:
    changes = (total.newly_refused, total.newly_admitted, total.other_target)
    guessed = sum(each.guessed for each in changes)
    return ESTIMATED if guessed > _MOSTLY * sum(each.mid for each in changes) else EXACT
