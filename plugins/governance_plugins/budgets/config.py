"""What a budget says, and what is wrong with it. Semantics: the policy reference, `budgets`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel

from governance.limits import Limit, limit_problems
from governance.model import ModelFacts, Window
from governance.model.amounts import Price, Spends, parse_period_s

CALENDAR = ("hour", "day", "week", "month", "quarter", "year")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise ValueError(f"`{name}` is no time zone; write an IANA name such as Europe/Berlin") from None
    return name


class AssumedPrices(BaseModel):
    """What a model is taken to cost whose price nobody knows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Price
    output: Price


class Assume(BaseModel):
    """Count models without a price at these."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    assume: AssumedPrices


class Budget(Limit):
    """At most so much money in each period."""

    amount: Spends
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    rolling: bool = Field(default=False, description="true: in any period of this length, not in each of the calendar")
    unpriced: Literal["refuse", "allow"] | Assume = "refuse"

    @cached_property
    def assumed(self) -> ModelFacts | None:
        """The prices of models without one; None when there are none to assume."""
        if not isinstance(self.unpriced, Assume):
            return None
        prices = self.unpriced.assume
        return ModelFacts(input_price=prices.input, output_price=prices.output)

    def windows_of(self, subject: str) -> Iterator[Window]:
        for spend in self.amount:
            if self.rolling:
                yield self._window(subject, "usd_micros", spend.usd_micros, parse_period_s(spend.period))
            else:
                yield self._window(subject, "usd_micros", spend.usd_micros, spend.period, self.timezone)


class BudgetsConfig(RootModel[tuple[Budget, ...]]):
    """The section `budgets`: a list of budgets."""

    model_config = ConfigDict(frozen=True)

    def problems(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Mistakes that no single field shows: where, and what is wrong."""
        yield from limit_problems(self.root)
        for i, budget in enumerate(self.root):
            if not budget.amount:
                yield (i, "amount"), "must not be empty"
            for spend in budget.amount:
                if not budget.rolling and spend.period not in CALENDAR:
                    known = ", ".join(CALENDAR)
                    message = f"`{spend.period}` is no period of the calendar ({known}); or set `rolling: true`"
                    yield (i, "amount"), message
            periods = {parse_period_s(spend.period) if budget.rolling else spend.period for spend in budget.amount}
            if len(periods) < len(budget.amount):
                yield (i, "amount"), "has two amounts for the same period; only the smaller one would matter"
            if budget.rolling and budget.timezone != "UTC":
                yield (i, "timezone"), "a rolling budget has no calendar; leave the time zone out"
