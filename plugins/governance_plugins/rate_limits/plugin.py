"""Charges every rate limit that applies to a request, whoever set it and whatever it counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from governance.catalog import Catalog
from governance.hookspecs import hookimpl
from governance.limits import LimitBook, limit_effects, limit_reach, limit_warnings
from governance.model import Charge, Request, Ruling, Target, Window
from governance.model.labels import Require
from governance.model.turns import in_turns
from governance_plugins.rate_limits.config import RateLimitsConfig


class RateLimits:
    """Plugin `rate_limits`."""

    Config = RateLimitsConfig
    on_error = "refuse"
    effects = staticmethod(limit_effects)
    reach = staticmethod(limit_reach)

    def __init__(self, config: RateLimitsConfig) -> None:
        # What a caller costs is charged once for all targets, what a target costs only when it serves.
        self._callers = LimitBook([limit for limit in in_turns(config.root) if not limit.subject.served])
        self._served = LimitBook([limit for limit in in_turns(config.root) if limit.subject.served])
        self.reads_percent = self._callers.reads_percent or self._served.reads_percent
        self.facts_read = self._callers.facts_read | self._served.facts_read

    def let_go(self) -> None:
        """Another policy decides."""
        self._callers.let_go()
        self._served.let_go()

    def warnings(self, catalog: Catalog, claimed: Callable[[str], bool]) -> Iterator[str]:
        """Limits that can never count or degrade; see `governance check`."""
        return limit_warnings((*self._callers.limits, *self._served.limits), catalog, claimed)

    def windows(self, request: Request) -> Iterator[Window]:
        """Those that may count this request, were it served by the model that it asks for."""
        for _, found in self._callers.round(request).of_caller():
            yield from found
        for _, found in self._served.round(request).of_target(Target(request.model)):
            yield from found

    def demands(self) -> Iterator[Require]:
        """What each limit requires."""
        return self._callers.demands

    def limit_on(self, request: Request) -> str | None:
        """The name of a limit that may bind this caller, whatever it asks for."""
        limit = self._callers.first_on(request) or self._served.first_on(request)
        return limit.name if limit else None

    @hookimpl
    def pre_request(self, request: Request) -> Ruling | None:
        refusal = self._callers.refusal(request) or self._served.refusal(request)
        if refusal:
            return Ruling(refusal=refusal)
        require = self._callers.required(request) if self._callers.requires else ()
        if not self._callers.limits:
            return None
        windows = [window for _, found in self._callers.round(request).of_caller() for window in found]
        charges = _charges(request, windows, request.model)
        return Ruling(charges=tuple(charges), require=require) if charges or require else None

    @hookimpl
    def charge_targets(self, request: Request, targets: Sequence[Target]) -> list[Target] | None:
        if not self._served.limits:
            return None
        limits = self._served.round(request)
        charged = []
        for target in targets:
            found = limits.of_target(target) if target.rejected is None else ()
            charges = _charges(request, [window for _, windows in found for window in windows], target.name)
            charged.append(target.but(charges=(*target.charges, *charges)) if charges else target)
        return charged if any(new is not old for new, old in zip(charged, targets, strict=True)) else None


def _charges(request: Request, windows: Iterable[Window], model: str) -> list[Charge]:
    return [charge for charge in request.charges(windows, model=model) if charge is not None]
