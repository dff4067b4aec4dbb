"""How one request is decided: who may serve it, what that costs, who has room, and what to ask for when nobody has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from governance.catalog import screen
from governance.engine import affinity, groups, held, refusals
from governance.engine.decision import Decision, decided, has_room, note_candidates, note_windows, option_of, refused
from governance.engine.host import Host
from governance.engine.labels import with_proposed
from governance.ledger import Option, OptionReading, Reading, Reserved
from governance.ledger.pins import Asked
from governance.ledger.reservation import Key, key_of
from governance.model import Charge, Refusal, Rejection, Request, Target, Window, codes, once
from governance.trace import Trace

MayCall = Callable[[str], Awaitable[bool]]
# It goes where its path says: nothing else can be asked for in its place.
PASS_THROUGH: Final = "pass_through"  # noqa: S105 - a type of request

AskLedger = Callable[[Trace, Sequence[Charge], Sequence[Option], "Asked | None"], Awaitable["Reserved | Refusal"]]

# Each time another limit is used up; a policy that degrades more often than this goes round in circles.
_MOST_DEGRADED: Final = 8
# Callers write what they like for a fallback, and a virtual name among them stands for many.
_MOST_FALLBACKS: Final = 16
_LONGEST_FALLBACK: Final = 300
# Of one request, over all that might serve it. A caller's tags and fallbacks multiply, and the ledger checks them in
# one call that everybody waits for: so many in about 10 ms. Redis cannot take more than 8,000.
_MOST_CHARGES: Final = 2_000


class Admission:
    """One request between the plugins' first word on it and the decision.

    Args:
        request: as `pre_request` left it. shared: what it costs whoever serves.
        ask: reserves; a refusal when the ledger does not answer.
        may_call: whether the caller's own key may use a model; asked only where the policy grants by targets.
    """

    def __init__(
        self,
        host: Host,
        ask: AskLedger,
        trace: Trace,
        request: Request,
        shared: tuple[Charge, ...],
        may_call: MayCall | None,
    ) -> None:
        self._host = host
        self._ask = ask
        self._trace = trace
        self._request = request
        self._shared = shared
        self._may_call = may_call
        self._full: Reserved | None = None
        self._degraded: set[Key] = set()
        self._watching: dict[Key, Window] = {}

    async def decide(self) -> Decision:
        """Route, refuse or pass; a limit that is used up and says `route_to` has the request ask for that instead."""
        first = decision = await self._told()
        read = list(self._trace.windows)
        for _ in range(_MOST_DEGRADED):
            if decision.refusal is None or not self._ask_for_less():
                break
            decision = await self._told()
        if first.refusal and decision.refusal and decision.refusal.status in (400, 409):
            # Nothing cheaper can serve it, ever; what was asked for can, when there is room again.
            self._trace.windows[:] = read
            return refused(self._trace, decision.request, first.refusal)
        return decision

    async def _told(self) -> Decision:
        decision = await self._once()
        if decision.refusal is None or not self._request.held or not self._trace.candidates:
            return decision
        refusal = held.elsewhere(self._request, self._trace, decision.refusal, self._full)
        return decision if refusal is decision.refusal else refused(self._trace, decision.request, refusal)

    async def _once(self) -> Decision:
        request, trace = self._request, self._trace
        self._full = None
        proposed, refusal = self._host.select_targets(request, trace)
        if refusal:
            trace.consider(proposed or ())
            return refused(trace, request, refusal)
        if proposed and proposed[0].require:
            self._request = request = with_proposed(request, proposed)
        # Nobody speaks for it: it goes where it was going, and its own fallbacks after it.
        own = proposed is None and request.model == trace.request.model
        if own:
            targets: Sequence[Target] = (Target(request.model, asked=True), *await self._caller_fallbacks())
        else:
            named = (Target(request.model),) if proposed is None else proposed
            targets = [await self._screen(request, target) for target in named]
        targets = held.holding(request, targets)
        targets, refusal = self._charge(targets)
        if refusal:
            return refused(trace, request, refusal)
        if own and not targets[0].rejected and not self._shared and not any(t.charges for t in targets):
            return self._passes(targets)
        if all(target.rejected for target in targets):
            trace.consider(targets)
            who = refusals.named(targets, trace.notes)
            waits = refusals.waits_of(targets, trace.at_s)
            return refused(trace, request, refusals.no_target(who, trace.candidates, waits))
        return await self._reserve(targets, own)

    def _passes(self, targets: Sequence[Target]) -> Decision:
        fallbacks = [target for target in targets[1:] if not target.rejected]
        self._trace.model, self._trace.fallbacks = targets[0].name, tuple(t.name for t in fallbacks)
        return decided("pass", self._request, self._trace, targets[0], fallbacks, self._watched(self._shared))

    async def _reserve(self, targets: Sequence[Target], own: bool) -> Decision:
        request, trace = self._request, self._trace
        shared = self._watched(self._shared)
        eligible = [target for target in targets if not target.rejected]
        # Whoever asks for a model by its own name gets it though others have seen it fail lately.
        offered = [groups.choices(target) for target in eligible]
        options = [option_of(choice, cools=not own) for tried in offered for choice in tried]
        charges = len(shared) + sum([len(option.charges) for option in options])
        if charges > _MOST_CHARGES:
            return refused(trace, request, refusals.too_many_windows(charges, _MOST_CHARGES))
        reserved = await self._ask(trace, shared, options, affinity.asked(trace, offered))
        if isinstance(reserved, Refusal):
            return refused(trace, request, reserved)
        note_windows(trace, reserved)
        eligible, reserved = groups.collapsed(eligible, offered, reserved)
        if own and not any(target.charges or target.rejected for target in targets):
            waits = []
        else:
            waits = note_candidates(trace, targets, reserved)
        affinity.tell(trace, reserved)
        if reserved.chosen is None:
            self._full = reserved
            refusal = refusals.used_up(reserved, own) or refusals.no_target(
                refusals.named(targets, trace.notes), trace.candidates, waits
            )
            return refused(trace, request, refusal)
        chosen = eligible[reserved.chosen]
        reading = reserved.options[reserved.chosen]
        if reading.recovering and not _is_probed(reading) and trace.mode == "live":
            trace.probing = chosen.name
        if own and reserved.chosen == 0 and not targets[0].rejected:
            return self._passes((chosen, *targets[1:]))
        fallbacks = await self._fallbacks(eligible, reserved, own)
        trace.model, trace.fallbacks = chosen.name, tuple(t.name for t in fallbacks)
        return decided("route", request, trace, chosen, fallbacks, shared)

    async def _fallbacks(self, eligible: Sequence[Target], reserved: Reserved, own: bool) -> tuple[Target, ...]:
        others = [
            (t, r) for i, (t, r) in enumerate(zip(eligible, reserved.options, strict=True)) if i != reserved.chosen
        ]
        with_room = [target for target, reading in others if has_room(reading)]
        full = [target for target, reading in others if not reading.fits and reading.cooling_until_s is None]
        probed = [target for target, reading in others if reading.fits and _is_probed(reading)]
        chosen = () if reserved.chosen is None else (eligible[reserved.chosen],)
        last = (target for target in full if target.when_full == "last")
        # Nobody is tried twice, however a name is written.
        fallbacks = self._each_once((*chosen, *with_room, *probed, *last))[len(chosen) :]
        # A limit that made the request ask for less does not pay for what the caller would rather have.
        if own or self._degraded or (fallbacks and not self._request.keep_fallbacks):
            return fallbacks
        callers, refusal = self._charge(held.holding(self._request, await self._caller_fallbacks()))
        usable = () if refusal else (target for target in callers if not target.rejected)
        return self._each_once((*chosen, *fallbacks, *usable))[len(chosen) :]

    async def _screen(self, request: Request, target: Target) -> Target:
        target = screen(request, target)
        grant = target.grant or self._host.policy.core.access.grant
        if target.rejected or grant == "virtual" or self._may_call is None:
            return target
        call_name = (request.models.call_name(target.name) if request.models else None) or target.name
        if await self._may_call(call_name):
            return target
        detail = "not on the model list of this key or its team"
        return target.but(rejected=Rejection(codes.MODEL_NOT_ALLOWED, detail))

    async def _caller_fallbacks(self) -> tuple[Target, ...]:
        """The caller's own fallbacks; a virtual name among them becomes the targets behind it."""
        if self._request.request_type == PASS_THROUGH:
            return ()
        targets: list[Target] = []
        for name in self._request.fallbacks:
            if len(name) > _LONGEST_FALLBACK:
                continue
            asked = replace(self._request, model=name, targets=())
            scratch = Trace(asked, self._host.policy.revision, self._trace.at_s, "simulated")
            proposed, _ = self._host.select_targets(asked, scratch)
            behind = (
                [Target(name, asked=True)] if proposed is None else [await self._screen(asked, t) for t in proposed]
            )
            targets.extend(target for target in behind if not target.rejected)
        return self._each_once(targets)[:_MOST_FALLBACKS]

    def _each_once(self, targets: Iterable[Target]) -> tuple[Target, ...]:
        models = self._request.models
        return once(targets, models.meaning) if models else once(targets)

    def _charge(self, targets: Sequence[Target]) -> tuple[tuple[Target, ...], Refusal | None]:
        charged, refusal = groups.charge(self._host, self._request, targets, self._trace)
        return tuple(map(self._watching_only, charged)) if self._degraded else charged, refusal

    def _watching_only(self, target: Target) -> Target:
        members = tuple(map(self._watching_only, target.members))
        return target.but(charges=self._watched(target.charges), members=members)

    def _watched(self, charges: tuple[Charge, ...]) -> tuple[Charge, ...]:
        """The limits that made the request ask for less count on, and no longer refuse."""
        if not self._degraded:
            return charges
        return tuple(
            replace(charge, window=self._only_watching(charge.window))
            if key_of(charge.window) in self._degraded
            else charge
            for charge in charges
        )

    def _only_watching(self, window: Window) -> Window:
        key = key_of(window)
        if key not in self._watching:
            self._watching[key] = replace(window, mode="shadow")
        return self._watching[key]

    def _ask_for_less(self) -> bool:
        if self._request.request_type == PASS_THROUGH:
            return False
        used_up = _in_the_way(self._full)
        if not used_up or any(window.route_to is None for window in used_up):
            return False
        limit, model = used_up[0].limit, used_up[0].route_to or ""
        self._degraded.update(map(key_of, used_up))
        self._request = self._request.but(model=model, targets=(), keep_fallbacks=False)
        trace = self._trace
        trace.candidates.clear()
        trace.windows.clear()
        trace.shadow[:] = [entry for entry in trace.shadow if entry.get("name") not in trace.shadow_limits]
        trace.refusal = trace.stick = trace.pin = trace.mirror = None
        for note in ("profile", "virtual_provider"):
            trace.notes.pop(note, None)
        trace.notes["degraded_by"] = limit
        trace.step("engine", "reserve", f"{limit} is used up: asks for {model} instead")
        return True


def _is_probed(reading: OptionReading) -> bool:
    """Whether a target is probed by another request at this moment."""
    return reading.recovering and reading.cooling_until_s is not None


def _in_the_way(full: Reserved | None) -> list[Window]:
    """The windows without which the request could be served: the caller's own first, else those of a target."""
    if full is None:
        return []
    shared = _full(full.shared)
    if shared:
        return shared
    by_target = [_full(option.windows) for option in full.options if option.cooling_until_s is None]
    degrading = [windows for windows in by_target if windows and all(window.route_to for window in windows)]
    return degrading[0] if degrading else []


def _full(readings: Sequence[Reading]) -> list[Window]:
    return [reading.window for reading in readings if not reading.fits and reading.window.mode == "enforce"]
