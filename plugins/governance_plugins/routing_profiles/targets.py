"""One target of a profile, made ready: what it answers to a request, with its charges or with the reason why not."""

from __future__ import annotations

from collections.abc import Iterator

from governance.catalog import screen
from governance.model import NO_FACTS, Rejection, Request, Target, Unit, Window, codes
from governance.model.amounts import Rate
from governance.model.labels import required
from governance_plugins.routing_profiles.config import Profile, ProfileTarget
from governance_plugins.routing_profiles.price import too_dear

# Base models come from callers, so what is remembered of them is bounded.
_MOST_NAMES = 1024


class Offer:
    """One target of one profile. Everything that does not depend on the request is worked out once."""

    def __init__(self, profile: Profile, given: ProfileTarget) -> None:
        self.priority = given.priority
        self.weight = given.weight
        self._given = given
        self._alias = given.alias
        self._limit = f"{profile.name}: {given.virtual_model or '*'}"
        self._max_price = profile.max_price
        self._grant = profile.access.grant if profile.access else None
        self._require = required(profile.require, f"profile {profile.name}")
        self._capabilities = None if given.capabilities is None else frozenset(given.capabilities)
        self._limited = any(self._windows_of("provider/model"))
        self._windows: dict[str, tuple[Window, ...]] = {}

    def answer(self, base: str, request: Request) -> Target:
        """This target for a request of the model `base`."""
        given = self._given
        target = Target(
            given.name(base),
            self._capabilities,
            when_full=given.limits.when_full,
            grant=self._grant,
            labels=given.labels,
            require=self._require,
        )
        rejection = self._rejection(base, request)
        if rejection:
            return target.but(rejected=rejection)
        target = screen(request, target)
        target = target if target.rejected or not self._limited else self._charged(target, request)
        if self._max_price and not target.rejected:
            return target.but(rejected=too_dear(self._max_price, request, target.name))
        return target

    def windows_of(self, provider: str, model: str) -> tuple[Window, ...]:
        """What is counted of this provider and model here; nothing when it is another target."""
        given = self._given
        if given.provider is None:
            return ()
        same = provider.lower() == given.provider.lower() and (given.model or model).lower() == model.lower()
        return self._counted(f"{given.provider}/{given.model or model}") if same and self._limited else ()

    def _rejection(self, base: str, request: Request) -> Rejection | None:
        given = self._given
        if not given.enabled:
            return Rejection(codes.TARGET_DISABLED)
        if self._alias is not None and self._alias != base.lower():
            return Rejection(codes.VIRTUAL_MODEL_MISMATCH, f"serves the alias {given.virtual_model}")
        if given.model is None and not _fits_headers(base):
            return Rejection(codes.NOT_CONFIGURED, "LiteLLM writes the name into HTTP headers, which cannot hold it")
        if given.request_types is not None and request.request_type not in given.request_types:
            serves = ", ".join(given.request_types)
            return Rejection(codes.REQUEST_TYPE_MISMATCH, f"is {request.request_type}, serves {serves}")
        return None

    def _charged(self, target: Target, request: Request) -> Target:
        windows = self._counted(target.name)
        facts = request.models.facts(target.name) if request.models else NO_FACTS
        charges = tuple(filter(None, request.charges(windows, facts, target.name)))
        if len(charges) < len(windows):
            detail = "its price is unknown, so its cost limit cannot be kept"
            return target.but(rejected=Rejection(codes.UNPRICED, detail))
        return target.but(charges=charges, screened=True)

    def _counted(self, name: str) -> tuple[Window, ...]:
        windows = self._windows.get(name)
        if windows is None:
            if len(self._windows) >= _MOST_NAMES:
                self._windows.clear()
            windows = self._windows[name] = tuple(self._windows_of(name))
        return windows

    def _windows_of(self, name: str) -> Iterator[Window]:
        # A caller may write the model in any case; it is one target, with one count, all the same.
        limits, subject = self._given.limits, f"target:{name.lower()}"
        rates: tuple[tuple[Unit, tuple[Rate, ...]], ...] = (
            ("requests", limits.requests),
            ("tokens", limits.tokens),
            ("input_tokens", limits.input_tokens),
            ("output_tokens", limits.output_tokens),
            ("usd_micros", limits.cost),
        )
        away = limits.on_unavailable
        for unit, unit_rates in rates:
            for rate in unit_rates:
                yield Window(self._limit, subject, unit, rate.amount, rate.period_s, on_unavailable=away)
        if limits.concurrent is not None:
            yield Window(self._limit, subject, "concurrent", limits.concurrent, None, on_unavailable=away)


def _fits_headers(name: str) -> bool:
    """Whether LiteLLM can answer for a model of this name. Source: RFC 9110, section 5.5 (Latin-1 at most)."""
    try:
        name.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
