"""A plugin as it was written before the core had rooms: every import stands where it stood then."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pydantic import BaseModel, PositiveInt

import governance.hookspecs
from governance import GovernanceError
from governance.catalog import Catalog, provider_and_model
from governance.expressions import PERCENTS, Condition, Facts
from governance.hookspecs import PROJECT, hookimpl
from governance.ledger import split_counts
from governance.limits import Limit, LimitBook, limit_problems, limit_warnings
from governance.model import NO_FACTS, Rejection, Request, Ruling, Target, Window


class LargePromptLimit(Limit):
    requests_per_minute: PositiveInt

    def windows_of(self, subject: str) -> Iterator[Window]:
        yield self._window(subject, "requests", self.requests_per_minute, 60)


class LargePromptsConfig(BaseModel, frozen=True, extra="forbid", arbitrary_types_allowed=True):
    when: Condition
    not_at: frozenset[str]
    limits: tuple[LargePromptLimit, ...] = ()

    def problems(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        yield from ((("limits", *path), message) for path, message in limit_problems(self.limits))


class LargePrompts:
    """Some providers get no large prompts, and no team sends many of them."""

    Config = LargePromptsConfig
    on_error = "refuse"

    def __init__(self, config: LargePromptsConfig) -> None:
        if governance.hookspecs.PROJECT != PROJECT:
            raise GovernanceError("two contracts at once")
        self._config = config
        self._book = LimitBook(config.limits)
        self.reads_percent = self._book.reads_percent or not config.when.variables.isdisjoint(PERCENTS)

    def warnings(self, catalog: Catalog, claimed: Callable[[str], bool]) -> Iterator[str]:
        yield from limit_warnings(self._book.limits, catalog, claimed)
        split = split_counts("memory://", 1)
        if split:
            yield split

    @hookimpl
    def pre_request(self, request: Request) -> Ruling | None:
        charges = [
            request.charge(window, NO_FACTS)
            for _, windows in self._book.round(request).of_caller()
            for window in windows
        ]
        return Ruling(charges=tuple(charge for charge in charges if charge is not None))

    @hookimpl
    def charge_targets(self, request: Request, targets: Sequence[Target]) -> list[Target]:
        if not self._config.when.matches(Facts(request, self._config.when.needs)):
            return list(targets)
        return [self._judged(target) for target in targets]

    def _judged(self, target: Target) -> Target:
        provider, _ = provider_and_model(target.name)
        if provider not in self._config.not_at or target.rejected is not None:
            return target
        return replace(target, rejected=Rejection("model_not_allowed", f"no large prompts at {provider}"))
