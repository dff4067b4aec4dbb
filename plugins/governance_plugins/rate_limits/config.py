"""What a rate limit says, and what is wrong with it. Semantics: the policy reference, `rate_limits`."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ConfigDict, RootModel

from governance.limits import Limit, limit_problems
from governance.model import Unit, Window
from governance.model.amounts import Count, Rate, Rates


class RateLimit(Limit):
    """At most so much in any period, and at most so many at once."""

    requests: Rates = ()
    tokens: Rates = ()
    input_tokens: Rates = ()
    output_tokens: Rates = ()
    concurrent: Count | None = None

    @property
    def rates(self) -> tuple[tuple[Unit, tuple[Rate, ...]], ...]:
        """What is counted in windows of time."""
        return (
            ("requests", self.requests),
            ("tokens", self.tokens),
            ("input_tokens", self.input_tokens),
            ("output_tokens", self.output_tokens),
        )

    def windows_of(self, subject: str) -> Iterator[Window]:
        for unit, rates in self.rates:
            for rate in rates:
                yield self._window(subject, unit, rate.amount, rate.period_s)
        if self.concurrent is not None:
            yield self._window(subject, "concurrent", self.concurrent, None)


class RateLimitsConfig(RootModel[tuple[RateLimit, ...]]):
    """The section `rate_limits`: a list of limits."""

    model_config = ConfigDict(frozen=True)

    def problems(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Mistakes that no single field shows: where, and what is wrong."""
        yield from limit_problems(self.root)
        for i, limit in enumerate(self.root):
            if limit.concurrent is None and not any(rates for _, rates in limit.rates):
                units = ", ".join(f"`{unit}`" for unit, _ in limit.rates)
                message = f"limits nothing; give it at least one of {units} and `concurrent`"
                yield (i,), message
            for unit, rates in limit.rates:
                if len({rate.period_s for rate in rates}) < len(rates):
                    yield (i, unit), "has two amounts for the same period; only the smaller one would matter"
