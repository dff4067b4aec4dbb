"""Turns `fast/glm-4.7` into the ordered targets of the profile `fast`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from governance.catalog import Catalog, provider_and_model
from governance.hookspecs import hookimpl
from governance.model import Refusal, Request, Selection, Target, Window, codes
from governance.model.conversation import Stick
from governance_plugins.routing_profiles.changes import profile_effects, profile_reach
from governance_plugins.routing_profiles.config import Profile, RoutingProfilesConfig
from governance_plugins.routing_profiles.draw import by_draw, by_priority
from governance_plugins.routing_profiles.measured import by_cost, by_wait
from governance_plugins.routing_profiles.mirror import mirrored
from governance_plugins.routing_profiles.remarks import warnings
from governance_plugins.routing_profiles.targets import Offer


class RoutingProfiles:
    """Plugin `routing_profiles`."""

    Config = RoutingProfilesConfig
    on_error = "refuse"
    effects = staticmethod(profile_effects)
    reach = staticmethod(profile_reach)

    def __init__(self, config: RoutingProfilesConfig) -> None:
        self._by_provider: dict[str, tuple[Profile, list[Offer]]] = {
            profile.virtual_provider.lower(): (profile, [Offer(profile, target) for target in profile.targets])
            for profile in config.root
            if profile.enabled
        }

    @property
    def reads_speeds(self) -> bool:
        """Whether a profile asks who is fast."""
        return any(profile.strategy == "fastest" for profile, _ in self._by_provider.values())

    @hookimpl
    def select_targets(self, request: Request, targets: Sequence[Target]) -> Selection | None:
        if targets:
            # A plugin that is asked before has decided where this request goes.
            return None
        prefix, slash, base = request.model.partition("/")
        found = self._by_provider.get(prefix.strip().lower()) if slash else None
        if found is None:
            return None
        profile, offers = found
        stick = profile.affinity.of(request) if profile.affinity else None
        proposed = _in_order(profile, offers, base.strip(), request, stick)
        if profile.mode == "shadow":
            would = [target.name for target in proposed if not target.rejected]
            shadow = {"name": profile.name, "would": {"model": would[0] if would else None, "fallbacks": would[1:]}}
            return Selection(shadow=(shadow,))
        notes = {"profile": profile.name, "virtual_provider": profile.virtual_provider}
        if not base.strip() or not base.isprintable():
            message = f"`{request.model}` names no model; ask for {profile.virtual_provider}/<model>"
            return Selection(refusal=Refusal(400, codes.NO_ELIGIBLE_TARGET, message), notes=notes)
        mirror = mirrored(profile, base.strip(), request)
        return Selection(targets=proposed, notes=notes, stick=stick, mirror=mirror)

    def windows(self, request: Request) -> Iterator[Window]:
        """Those of the target that the request asks for by its own name."""
        provider, model = provider_and_model(request.model)
        for profile, offers in self._by_provider.values():
            for offer in offers if profile.mode == "enforce" else ():
                yield from offer.windows_of(provider, model)

    def warnings(self, catalog: Catalog, claimed: Callable[[str], bool]) -> Iterator[str]:
        """Targets that nobody serves or that stand there twice, and names taken from the proxy; see `check`."""
        return warnings([profile for profile, _ in self._by_provider.values()], catalog)

    def virtual_models(self, served: Sequence[str]) -> tuple[str, ...]:
        """The virtual models that can be listed, given the names the proxy serves.

        A named alias is itself; a target for any model lends its provider's models to the virtual provider.
        """
        names: dict[str, None] = {}
        for profile, _ in self._by_provider.values():
            for target in profile.targets if profile.mode == "enforce" else ():
                if not target.enabled:
                    continue
                if target.alias:
                    names[f"{profile.virtual_provider}/{target.virtual_model}"] = None
                    continue
                if target.provider is None:
                    continue
                prefix = f"{target.provider}/"
                bases = (name.removeprefix(prefix) for name in served if name.startswith(prefix) and "*" not in name)
                names.update(dict.fromkeys(f"{profile.virtual_provider}/{base}" for base in bases))
        return tuple(names)


def _in_order(
    profile: Profile, offers: list[Offer], base: str, request: Request, stick: Stick | None
) -> tuple[Target, ...]:
    answers = [(offer, offer.answer(base, request)) for offer in offers]
    able = [entry for entry in answers if entry[1].rejected is None]
    ordered: tuple[Target, ...]
    if profile.strategy == "weighted":
        ordered = by_draw(able, request.draw, stick)
    elif profile.strategy == "cheapest":
        ordered = by_cost(able, request)
    elif profile.strategy == "fastest":
        ordered = by_wait(able, request)
    else:
        ordered = by_priority(able)
    return (*ordered, *(target for _, target in answers if target.rejected))
