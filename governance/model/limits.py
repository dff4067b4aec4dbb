"""What is counted: windows, charges in them, and what was used in the end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from governance.model.facts import ModelFacts
from governance.model.quantities import Quantities
from governance.model.units import Mode, Unit


@dataclass(frozen=True, slots=True)
class Window:
    """One live counter: at most `amount` units, for one subject.

    Args:
        limit: name of the limit in the policy.
        subject: whom it counts, as `kind:id`, e.g. `team:research`, `target:cerebras/glm-4.7`.
        amount: the limit itself, in `unit`; money in micro-dollars.
        period: what the count covers: seconds of a rolling window; `hour`, `day`, `week`, `month`,
            `quarter` or `year` of the calendar; None for what is in flight now (unit `concurrent`).
        timezone: IANA name, for calendar periods.
        on_unavailable: what happens when the ledger does not answer; None = the ledger's default.
        alert_at: percent of the amount at which somebody is told, once per window.
        route_to: ask for this model instead of refusing when a request does not fit.
        name_of_subject: what people call the subject, where it is counted by an id and has a name.
        overlay: ids of the entries beside the policy that make it what it is.
        stated: the same window as the policy states it, where there are such.
    """

    limit: str
    subject: str
    unit: Unit
    amount: int
    period: int | str | None
    timezone: str = "UTC"
    mode: Mode = "enforce"
    on_unavailable: Literal["refuse", "allow", "share"] | None = None
    alert_at: tuple[int, ...] = ()
    route_to: str | None = None
    name_of_subject: str | None = None
    overlay: tuple[str, ...] = ()
    stated: Window | None = field(default=None, compare=False, repr=False)

    @property
    def as_stated(self) -> Window:
        """The window without what is in force beside the policy."""
        return self if self.stated is None else replace(self.stated, name_of_subject=self.name_of_subject)


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount to count in one window, in the window's unit.

    Args:
        assumed: the prices that the policy assumes, where none are known; what was used is settled by them.
    """

    window: Window
    amount: int
    assumed: ModelFacts | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer really used, as the provider reported it. None: it did not say, and nobody can know.

    Args:
        implausible: what was reported beyond what the request can have used, and what counts in its place.
        remarks: how the cost came about, where it is not the sum of tokens and pieces at our prices.
        cached_tokens: those of the input that were read from the provider's cache.
        saved_usd_micros: what they would have cost besides, had they not been there; 0 where no price tells.
        quantities: everything that was billed, where more is known than tokens.
    """

    input_tokens: int | None = 0
    output_tokens: int | None = 0
    cost_usd_micros: int | None = 0
    implausible: tuple[str, ...] = ()
    remarks: tuple[str, ...] = field(default=(), compare=False)
    cached_tokens: int = field(default=0, compare=False)
    saved_usd_micros: int = field(default=0, compare=False)
    quantities: Quantities | None = field(default=None, compare=False, repr=False)

    @property
    def amounts(self) -> dict[str, int]:
        """The same, by the units that windows count, without those that are not known.

        Requests are missing too: they were counted when they were reserved.
        """
        both = (
            None if self.input_tokens is None or self.output_tokens is None else self.input_tokens + self.output_tokens
        )
        amounts = {
            "tokens": both,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "usd_micros": self.cost_usd_micros,
        }
        return {unit: amount for unit, amount in amounts.items() if amount is not None}
