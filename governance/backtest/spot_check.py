"""Whether the engine decides as the fast way says it would: a difference is no report, it is raised."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from governance.backtest.columns import Columns
from governance.backtest.done import Done
from governance.backtest.lane import Lane
from governance.backtest.lanes import Setting
from governance.backtest.parallel import in_processes
from governance.model.errors import GovernanceError
from governance.traffic import TraceLine


class Disagreement(GovernanceError):
    """The fast way and the engine do not decide alike: a fault of this program, whose figures nobody should believe."""


def spot_check(
    setting: Setting, columns: Columns, active: Sequence[int], candidate: Sequence[int], processes: int
) -> int:
    """Let the engine decide these requests, of which the fast way says that each is served as it was recorded.

    Args:
        active, candidate: rows, by whose policy; in the order of their arrival.

    Returns:
        How many it has decided.

    Raises:
        Disagreement: says which request, and what the engine makes of it.
    """

    def differs(which: int) -> str | None:
        lane = Lane((setting.active, setting.candidate)[which], setting.catalog, setting.elsewhere)
        return _first_difference(lane, map(columns.line, (active, candidate)[which]))

    for name, difference in zip(("active", "candidate"), in_processes(differs, [0, 1], processes), strict=True):
        if difference is not None:
            raise Disagreement(f"the engine disagrees with the fast way about the {name} policy: {difference}")
    return len(active) + len(candidate)


def _first_difference(lane: Lane, lines: Iterable[TraceLine]) -> str | None:
    for line, one in _decided(lane, lines):
        if not _as_recorded(line, one):
            told = f"{one.code} by {one.limit}" if one.refused else f"{one.outcome} to {one.final}"
            return f"request {line.id} was {line.told.outcome} to {line.told.target}, and the engine says {told}"
    return None


def _decided(lane: Lane, lines: Iterable[TraceLine]) -> Iterator[tuple[TraceLine, Done]]:
    """Each line and what came of it, once nothing more comes of it: so few of them are anywhere at a time."""
    under_way: deque[tuple[TraceLine, Done]] = deque()
    for line in lines:
        under_way.append((line, lane.arrive(line)))
        while under_way and under_way[0][1].served:
            yield under_way.popleft()
    lane.finish()
    yield from under_way


def _as_recorded(line: TraceLine, done: Done) -> bool:
    cost = line.used.usd_micros if line.used is not None else None
    return (
        done.outcome == line.told.outcome
        and done.target == line.told.target
        and done.served == line.served
        and done.cost == (cost, cost, cost)
    )
