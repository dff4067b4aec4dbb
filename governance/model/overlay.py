"""What is in force beside the policy for a while: small typed entries, each with an end, an author and a reason."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from governance.model.amounts import LARGEST_AMOUNT
from governance.model.codes import DRAINED
from governance.model.limits import Window
from governance.model.request import Request
from governance.model.target import Rejection, group_of, member_of
from governance.model.units import Unit

# A process reads all of them once a second.
MOST_ENTRIES: Final = 100
LONGEST_REASON: Final = 500
EVERY_MODEL: Final = "/*"


class Entry(BaseModel):
    """What every entry says.

    Args:
        at_s: when it was made, Unix seconds.
        until_s: when it ends, Unix seconds; None = when somebody withdraws it.
        author_kind: as in the audit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    at_s: float
    until_s: float | None
    author: str
    author_kind: str
    reason: str

    def in_force(self, now_s: float) -> bool:
        """Whether it has not ended yet."""
        return self.until_s is None or now_s < self.until_s


class ActiveProfile(Entry):
    """`auto` means this task profile."""

    kind: Literal["profile"] = "profile"
    profile: str


class Increase(Entry):
    """A limit or budget is higher: by a factor, or in one of its windows up to an amount.

    Args:
        section: of the policy, where the limit stands.
        unit: only what counts this; None = whatever it counts.
        period: of the window that has the `amount`; None there = in flight.
    """

    kind: Literal["increase"] = "increase"
    section: str
    limit: str
    unit: Unit | None = None
    factor: Decimal | None = None
    amount: int | None = None
    period: int | str | None = None

    def amount_of(self, window: Window) -> int:
        """What a window may count under this entry; never less than what it may without."""
        if self.unit not in (None, window.unit):
            return window.amount
        if self.factor is not None:
            return max(window.amount, min(LARGEST_AMOUNT, int(window.amount * self.factor)))
        return max(window.amount, self.amount or 0) if window.period == self.period else window.amount


class Stop(Entry):
    """A limit or budget is not enforced: it counts on and refuses nobody."""

    kind: Literal["stop"] = "stop"
    section: str
    limit: str


class Drain(Entry):
    """No new request goes to this target: `provider/model`, `provider/*`, or `group:NAME`."""

    kind: Literal["drain"] = "drain"
    target: str


class Freeze(Entry):
    """The policy is not changed."""

    kind: Literal["freeze"] = "freeze"


OverlayEntry = Annotated[ActiveProfile | Increase | Stop | Drain | Freeze, Field(discriminator="kind")]
AnyEntry = ActiveProfile | Increase | Stop | Drain | Freeze
_ENTRY: Final[TypeAdapter[AnyEntry]] = TypeAdapter(OverlayEntry)


def written(entry: AnyEntry) -> str:
    """An entry as it is kept."""
    return entry.model_dump_json()


def read_back(text: str | bytes) -> AnyEntry | None:
    """What was `written`; None for what a later version wrote in a form that is not known here."""
    try:
        return _ENTRY.validate_json(text)
    except ValueError:
        return None


class Over(NamedTuple):
    """What is in force beside the policy for one limit."""

    increases: tuple[Increase, ...] = ()
    stop: Stop | None = None

    def window(self, stated: Window) -> Window:
        """The window as it counts now, in place of the one that the policy states."""
        amount = max((each.amount_of(stated) for each in self.increases), default=stated.amount)
        ids = [each.id for each in self.increases if each.amount_of(stated) == amount > stated.amount]
        ids += [self.stop.id] if self.stop else []
        if not ids:
            return stated
        mode, route_to = ("shadow", None) if self.stop else (stated.mode, stated.route_to)
        return Window(
            stated.limit,
            stated.subject,
            stated.unit,
            amount,
            stated.period,
            stated.timezone,
            mode,
            stated.on_unavailable,
            stated.alert_at,
            route_to,
            stated.name_of_subject,
            tuple(ids),
            stated,
        )


class Drains:
    """The targets that no new request goes to."""

    def __init__(self, entries: Iterable[Drain]) -> None:
        self._entries = tuple((entry, entry.target.strip().lower()) for entry in entries)

    def __bool__(self) -> bool:
        return bool(self._entries)

    def rejection(self, request: Request, name: str) -> Rejection | None:
        """Why a target of this name may not serve; None while it may, which a group may by any of its members."""
        whole, member = member_of(name)
        if member is not None:
            return self._matching((member.lower(), whole.lower()))
        found = self._matching((name.lower(),))
        if found or request.models is None:
            return found
        behind = request.models.served_by(group_of(name) or name)
        rejections = [self._matching((f"{provider}/{model}".lower(),)) for provider, model in behind]
        return rejections[0] if rejections and all(rejections) else None

    def _matching(self, names: Iterable[str]) -> Rejection | None:
        for entry, pattern in self._entries:
            if any(_means(pattern, name) for name in names):
                return Rejection(DRAINED, f"kept free by overlay {entry.id}", entry.until_s, entry.id)
        return None


def _means(pattern: str, name: str) -> bool:
    return name == pattern or (pattern.endswith(EVERY_MODEL) and name.startswith(pattern[:-1]))
