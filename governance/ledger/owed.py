"""What a ledger is owed that was away: by reservation, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, NamedTuple

from governance.ledger import Option
from governance.model import Charge, Window

MOST_OWED: Final = 50_000  # reservations of one process; what would be more is refused


class Late(NamedTuple):
    """A request was served that the ledger does not know of.

    Args:
        at_ms: when, Unix milliseconds by the ledger's clock.
        option: index of the option it was served by; None where there were none.
    """

    at_ms: int
    deadline_s: float
    option: int | None
    shared: tuple[Charge, ...]
    charges: tuple[Charge, ...]


class Moved(NamedTuple):
    """It went on to another target."""

    hop: int
    option: Option
    shared: tuple[Charge, ...]
    unasked: bool


class Settled(NamedTuple):
    """It used so much, by unit."""

    actual: Mapping[str, int]


class Released(NamedTuple):
    """It ended without an answer."""

    attempted: bool


Debt = Late | Moved | Settled | Released


class Owed:
    """The debts of one process, the oldest reservation first."""

    def __init__(self) -> None:
        self._debts: dict[str, list[Debt]] = {}
        self.lost = 0

    def __len__(self) -> int:
        return len(self._debts)

    def __contains__(self, reservation_id: str) -> bool:
        return reservation_id in self._debts

    @property
    def full(self) -> bool:
        return len(self._debts) >= MOST_OWED

    def add(self, reservation_id: str, debt: Debt) -> bool:
        """False for one that is of no use any more: the reservation has been settled, or released twice."""
        debts = self._debts.setdefault(reservation_id, [])
        last = debts[-1] if debts else None
        if isinstance(last, Settled) or (isinstance(last, Released) and isinstance(debt, Released)):
            return False
        debts.append(debt)
        if len(self._debts) > MOST_OWED:
            # What was reserved before is given back by its deadline; what was served unknown to the ledger is not.
            known = (each for each, of in self._debts.items() if not isinstance(of[0], Late))
            del self._debts[next(known, next(iter(self._debts)))]
            self.lost += 1
        return True

    def first(self, most: int) -> list[str]:
        """The reservations that have waited longest."""
        return [reservation_id for reservation_id, _ in zip(self._debts, range(most), strict=False)]

    def next(self, reservation_id: str) -> Debt | None:
        """What is to be paid next for this reservation."""
        debts = self._debts.get(reservation_id)
        return debts[0] if debts else None

    def paid(self, reservation_id: str) -> None:
        """That has been paid."""
        debts = self._debts[reservation_id]
        del debts[0]
        if not debts:
            del self._debts[reservation_id]


def written(reservation_id: str, debt: Debt) -> dict[str, Any]:
    """A debt as JSON can say it; see `read_back`."""
    told: dict[str, Any] = {"id": reservation_id, "debt": type(debt).__name__.lower()}
    if isinstance(debt, Late):
        told |= {"at_ms": debt.at_ms, "deadline_s": debt.deadline_s, "option": debt.option}
        told |= {"shared": _charges(debt.shared), "charges": _charges(debt.charges)}
    elif isinstance(debt, Moved):
        told |= {"hop": debt.hop, "option": debt.option.name, "unasked": debt.unasked}
        told |= {"shared": _charges(debt.shared), "charges": _charges(debt.option.charges)}
    elif isinstance(debt, Settled):
        told["actual"] = dict(debt.actual)
    else:
        told["attempted"] = debt.attempted
    return told


def read_back(told: Mapping[str, Any]) -> tuple[str, Debt]:
    """The reservation and its debt. Raises KeyError, TypeError or ValueError for what `written` has not made."""
    kind = told["debt"]
    debt: Debt
    if kind == "late":
        shared, charges = _read_charges(told["shared"]), _read_charges(told["charges"])
        debt = Late(told["at_ms"], told["deadline_s"], told["option"], shared, charges)
    elif kind == "moved":
        option = Option(told["option"], _read_charges(told["charges"]))
        debt = Moved(told["hop"], option, _read_charges(told["shared"]), told["unasked"])
    elif kind == "settled":
        debt = Settled(told["actual"])
    elif kind == "released":
        debt = Released(told["attempted"])
    else:
        raise ValueError(f"`{kind}` is no debt")
    return str(told["id"]), debt


def _charges(charges: Sequence[Charge]) -> list[dict[str, Any]]:
    told = []
    for charge in charges:
        window = asdict(charge.window)
        kept = ("limit", "subject", "unit", "amount", "period", "timezone", "mode")
        told.append({"amount": charge.amount, "window": {key: window[key] for key in kept}})
    return told


def _read_charges(told: Sequence[Mapping[str, Any]]) -> tuple[Charge, ...]:
    return tuple(Charge(Window(**each["window"]), each["amount"]) for each in told)
