"""What a run must have come to, by what the workers served and by nothing that the ledger says of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.chaos.faults import Fault
from tests.chaos.worker import TIGHT
from tests.chaos.world import PROXIES, WORKERS

# One request of each client can be on its way when somebody counts: a worker has as many clients as requests at once.
CLIENTS = PROXIES * WORKERS


class Outcome(NamedTuple):
    """What came of one fault in one mode; times in seconds.

    Args:
        asked, served: requests of the wide window during the fault and two seconds after it.
        away_s: from the first to the last moment at which one of these was refused because Redis was away; 0 = never.
        longest_s: that one of these waited for its answer.
        tight: requests that were served of the window of 200.
        tight_before: those of it that had been served when the fault began.
        money: micro-dollars that were used, `counted` those that the ledger has at the end.
        late: requests that were counted afterwards.
    """

    fault: Fault
    mode: str
    asked: int
    served: int
    away_s: float
    longest_s: float
    tight: int
    tight_before: int
    money: int
    counted: int
    counted_requests: int
    served_requests: int
    late: int
    lost: int

    @property
    def over(self) -> int:
        """Requests above the limit."""
        return max(0, self.tight - TIGHT.amount)

    @property
    def most_over(self) -> int:
        """The bound that docs/ledger.md states."""
        room = max(0, TIGHT.amount - self.tight_before)
        forgotten = TIGHT.amount if self.fault.forgets else 0
        if self.mode == "allow":
            return forgotten + (CLIENTS - 1) * room
        # What others admitted between a worker's last look and the fault, of 20 a second, and what Redis admitted after
        # it until the last worker had found it well, a second at most, and told what it had served.
        return forgotten + (CLIENTS * (1 + 20) if self.mode == "share" else 0)


def broken(of: Outcome) -> Iterator[str]:
    """The promises that were not kept."""
    if of.over > of.most_over:
        yield f"{of.over} requests over the limit, {of.most_over} are promised"
    if not of.fault.forgets and abs(of.counted_requests - of.served_requests) > CLIENTS:
        yield f"{of.served_requests} requests were served and {of.counted_requests} are counted"
    if not of.fault.forgets and of.counted < of.money - CLIENTS * 1_000:
        yield f"{of.money} micro-dollars were used and {of.counted} are counted"
    if of.mode != "refuse" and not of.fault.forgets and of.served < of.asked:
        yield f"{of.asked - of.served} of {of.asked} requests were refused though their window had room"
    if of.lost:
        yield f"{of.lost} reservations that were owed are lost"


def outcome(
    fault: Fault,
    mode: str,
    requests: Sequence[Sequence[object]],
    began: float,
    ended: float,
    counted: tuple[int, int],
    paid: Sequence[dict[str, int]],
) -> Outcome:
    """Adds up what all workers have told."""
    wide = [r for r in requests if r[1] == "wide"]
    around = [r for r in wide if began <= r[0] < ended + 2.0]  # type: ignore[operator]
    away = sorted(r[0] for r in around if r[2] == "away")  # type: ignore[type-var]
    tight = [r for r in requests if r[1] == "tight" and r[2] == "served"]
    return Outcome(
        fault,
        mode,
        len(around),
        sum(r[2] == "served" for r in around),
        away[-1] - away[0] if away else 0.0,  # type: ignore[operator]
        max((r[3] for r in around), default=0.0),  # type: ignore[type-var]
        len(tight),
        sum(r[0] < began for r in tight),  # type: ignore[operator]
        sum(r[4] for r in wide),  # type: ignore[misc]
        counted[0],
        counted[1],
        sum(r[2] == "served" for r in wide),
        sum(each["late"] for each in paid),
        sum(each["lost"] + each["owed"] for each in paid),
    )
