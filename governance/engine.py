"""admit -> (attempt -> fail)* -> settle | release: the one place where the sequence of a request can be read."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Literal

from governance import codes, refusals
from governance.catalog import screen
from governance.decision import Decision, all_readings, decided, has_room, note_candidates, note_windows, refused
from governance.errors import LedgerUnavailable
from governance.host import Host
from governance.ledger import Ledger, Option, Reserved
from governance.levels import LastSeen
from governance.model import Charge, Failure, Recovery, Refusal, Rejection, Request, Target, Usage, Window
from governance.trace import Attempt, Trace, uuid7

log = logging.getLogger("governance.engine")

_AWAY: tuple[str, str, int | None] = (codes.LEDGER_UNAVAILABLE, "the ledger does not answer", 1)

_UNAVAILABLE = Refusal(503, codes.LEDGER_UNAVAILABLE, "limits cannot be checked now; try again", retry_after_s=1)

MayCall = Callable[[str], Awaitable[bool]]


class Engine:
    """Decides for one policy, on one ledger. Requests that began on it also end on it."""

    def __init__(self, host: Host, ledger: Ledger, *, clock: Callable[[], float] = time.time) -> None:
        self.host = host
        self.ledger = ledger
        self.deadline_s = float(host.policy.core.ledger.deadline_s)
        self.levels = LastSeen(clock=clock)
        self._clock = clock
        self._reads_percent = host.reads_percent

    async def admit(
        self, request: Request, *, may_call: MayCall | None = None, mode: Literal["live", "simulated"] = "live"
    ) -> Decision:
        """Decide which target serves a request, and reserve room for it in every limit that applies.

        Args:
            may_call: whether the caller's own key may use a model; asked only where the policy grants by targets.
            mode: `simulated` decides the same and counts nothing.
        """
        at_s = self._clock()
        if request.at_s is None:
            request = request.but(at_s=at_s, levels=request.levels or self.levels)
        trace = Trace(request, self.host.policy.revision, at_s, mode)
        if self.host.policy.core.access.require_key and not request.identity.virtual_key_id:
            return refused(
                trace, request, Refusal(401, codes.VIRTUAL_KEY_REQUIRED, "this gateway requires a virtual key")
            )
        request, shared, refusal = self.host.pre_request(request, trace)
        if refusal:
            return refused(trace, request, refusal)
        proposed, refusal = self.host.select_targets(request, trace)
        if refusal:
            trace.consider(proposed or ())
            return refused(trace, request, refusal)
        if proposed is None and request.model != trace.request.model:
            proposed = (Target(request.model),)
        if proposed is None:
            return await self._pass(request, trace, shared, may_call)
        targets = [await self._screen(request, target, may_call) for target in proposed]
        if all(target.rejected for target in targets):
            trace.consider(targets)
            return refused(
                trace, request, refusals.no_target(refusals.named(targets, trace.notes), trace.candidates, ())
            )
        return await self._reserve(request, trace, shared, targets, may_call)

    def refuse(self, request: Request, refusal: Refusal) -> Decision:
        """A refusal that needs no deciding: what is asked cannot be governed."""
        return refused(Trace(request, self.host.policy.revision, self._clock(), "live"), request, refusal)

    async def attempt(self, decision: Decision, call_name: str, may_call: MayCall | None = None) -> Refusal | None:
        """LiteLLM is about to try this model: move the reservation to it, or say why it may not be tried now.

        Args:
            may_call: whether the caller's own key may use a model; asked for models that the decision did not name.
        """
        trace = decision.trace
        target = decision.by_call_name.get(call_name) or Target(call_name)
        if trace.attempts and trace.attempts[-1].outcome == "started":
            trace.attempts[-1].outcome = "failed"
        attempt = Attempt(target.name, "started", self._clock())
        trace.attempts.append(attempt)
        stranger = decision.outcome == "route" and call_name not in decision.by_call_name
        if stranger and (may_call is None or not await may_call(call_name)):
            return _skip(attempt, 403, codes.MODEL_NOT_ALLOWED, "no target of this request", None)
        if not decision.counted or (len(trace.attempts) == 1 and target == decision.target):
            return None
        again = tuple(charge for charge in decision.shared if charge.window.unit == "requests")
        try:
            trace.moves += 1
            reading = await self.ledger.move(trace.id, trace.moves, _option(target), again)
        except LedgerUnavailable:
            return _skip(attempt, 503, *_AWAY)
        if has_room(reading):
            return None
        if not reading.available:
            return _skip(attempt, 503, *_AWAY)
        code, detail, wait = refusals.rejection_detail(reading, self._clock())
        return _skip(attempt, 503 if code == codes.COOLING_DOWN else 429, code, detail, wait)

    async def reached(self, decision: Decision) -> None:
        """The attempt is on its way to the provider: its request stays counted, even if this process dies."""
        attempts = decision.trace.attempts
        if attempts and not attempts[-1].reached:
            attempts[-1].reached = True
            if decision.counted:
                await self._quietly(decision.trace, self.ledger.renew(decision.id, self.deadline_s, attempted=True))

    async def fail(self, decision: Decision, failure: Failure, *, cool_down: bool = True) -> Recovery:
        """The attempt under way failed: ask the plugins what follows, and start the cool-down they want.

        Args:
            cool_down: False when the failure may be the caller's own doing, and must not be the other callers' loss.
        """
        trace = decision.trace
        tried = sum(1 for attempt in trace.attempts if attempt.outcome != "skipped")
        failure = replace(failure, attempt=max(1, tried))
        target = decision.target_named(trace.attempts[-1].target) if trace.attempts else decision.target
        if target is None:
            return Recovery()
        self._close_attempt(trace, target, "failed", failure.kind)
        recovery = self.host.on_failure(decision.request, target, failure, trace)
        if recovery.cool_down_s > 0 and cool_down:
            await self._quietly(trace, self._cool_down(target, recovery))
        return recovery

    async def settle(self, decision: Decision, call_name: str, usage: Usage) -> None:
        """The request was answered by this model: replace what was reserved by what was used."""
        trace = decision.trace
        target = decision.by_call_name.get(call_name) or Target(call_name)
        if decision.counted and not trace.attempts and target != decision.target:
            trace.moves += 1
            await self._quietly(trace, self.ledger.move(trace.id, trace.moves, _option(target), force=True))
        self._close_attempt(trace, target, "ok", None)
        trace.usage = usage
        if decision.counted:
            await self._quietly(trace, self.ledger.settle(trace.id, usage.amounts))
        self.host.on_success(decision.request, target, usage, trace)

    async def release(self, decision: Decision) -> None:
        """The request ended without an answer: give back all but the requests that reached a provider."""
        if decision.counted:
            # What hops before the last one cost was decided when the reservation moved on.
            attempts = [attempt for attempt in decision.trace.attempts if attempt.outcome != "skipped"]
            attempted = bool(attempts) and attempts[-1].reached
            await self._quietly(decision.trace, self.ledger.release(decision.id, attempted=attempted))

    async def renew(self, decision: Decision) -> None:
        """The request is still under way: put off the deadline of its reservation."""
        if decision.counted:
            await self._quietly(decision.trace, self.ledger.renew(decision.id, self.deadline_s))

    async def _cool_down(self, target: Target, recovery: Recovery) -> None:
        if recovery.after > 1:
            # One failure fewer than `after` fits into the window; the next one is the one too many.
            window = Window(
                f"failures before {target.name} cools down",
                f"target:{target.name}",
                "requests",
                recovery.after - 1,
                recovery.within_s,
            )
            failure_id = uuid7()
            counted = await self.ledger.reserve([Charge(window, 1)], [], reservation_id=failure_id, deadline_s=60)
            await self.ledger.settle(failure_id, {})
            if counted.granted:
                return
        await self.ledger.cool_down(target.name, recovery.cool_down_s)

    async def close(self) -> None:
        """Let go of the ledger."""
        self.levels.close()
        await self.ledger.close()

    async def _screen(self, request: Request, target: Target, may_call: MayCall | None) -> Target:
        target = screen(request, target)
        grant = target.grant or self.host.policy.core.access.grant
        if target.rejected or grant == "virtual" or may_call is None:
            return target
        call_name = (request.models.call_name(target.name) if request.models else None) or target.name
        if await may_call(call_name):
            return target
        return replace(
            target, rejected=Rejection(codes.MODEL_NOT_ALLOWED, "not on the model list of this key or its team")
        )

    async def _pass(
        self, request: Request, trace: Trace, shared: tuple[Charge, ...], may_call: MayCall | None
    ) -> Decision:
        target = Target(request.model)
        fallbacks = await self._caller_fallbacks(request, may_call)
        if shared:
            reserved = await self._ask_ledger(trace, shared, ())
            if isinstance(reserved, Refusal):
                return refused(trace, request, reserved)
            note_windows(trace, reserved)
            if not reserved.granted:
                return refused(trace, request, refusals.limit_used_up(reserved.shared, reserved.now_s))
        trace.model, trace.fallbacks = request.model, tuple(t.name for t in fallbacks)
        return decided("pass", request, trace, target, fallbacks, shared)

    async def _reserve(
        self,
        request: Request,
        trace: Trace,
        shared: tuple[Charge, ...],
        targets: Sequence[Target],
        may_call: MayCall | None,
    ) -> Decision:
        eligible = [target for target in targets if not target.rejected]
        reserved = await self._ask_ledger(trace, shared, eligible)
        if isinstance(reserved, Refusal):
            return refused(trace, request, reserved)
        note_windows(trace, reserved)
        waits = note_candidates(trace, targets, reserved)
        if reserved.chosen is None:
            if any(not reading.fits and reading.window.mode == "enforce" for reading in reserved.shared):
                return refused(trace, request, refusals.limit_used_up(reserved.shared, reserved.now_s))
            return refused(
                trace, request, refusals.no_target(refusals.named(targets, trace.notes), trace.candidates, waits)
            )
        others = [
            (t, r) for i, (t, r) in enumerate(zip(eligible, reserved.options, strict=True)) if i != reserved.chosen
        ]
        with_room = [target for target, reading in others if has_room(reading)]
        full = [target for target, reading in others if not reading.fits and reading.cooling_until_s is None]
        last_resort = [target for target in full if target.when_full == "last"]
        fallbacks = (*with_room, *last_resort)
        if request.keep_fallbacks or not fallbacks:
            named = {target.name for target in fallbacks}
            own = await self._caller_fallbacks(request, may_call)
            fallbacks = (*fallbacks, *(target for target in own if target.name not in named))
        chosen = eligible[reserved.chosen]
        trace.model, trace.fallbacks = chosen.name, tuple(t.name for t in fallbacks)
        return decided("route", request, trace, chosen, fallbacks, shared)

    async def _ask_ledger(
        self, trace: Trace, shared: Sequence[Charge], targets: Sequence[Target]
    ) -> Reserved | Refusal:
        began = time.perf_counter_ns()
        try:
            reserved = await self.ledger.reserve(
                shared,
                [_option(target) for target in targets],
                reservation_id=trace.id,
                deadline_s=self.deadline_s,
                dry_run=trace.mode == "simulated",
            )
        except LedgerUnavailable as error:
            trace.step("ledger", "reserve", f"unavailable: {error}", began)
            return _UNAVAILABLE
        except ValueError as error:  # a plugin charges what cannot be counted
            trace.step("ledger", "reserve", f"failed: {error}", began)
            return Refusal(503, codes.PLUGIN_ERROR, "a plugin charges what cannot be counted", retry_after_s=1)
        if not reserved.available:
            lost = f"allowed, {len(reserved.uncounted)} windows not counted" if reserved.granted else "refused"
            trace.step("ledger", "reserve", f"unavailable: {lost}", began)
            return reserved if reserved.granted else _UNAVAILABLE
        if self._reads_percent and trace.mode == "live":
            self.levels.note(all_readings(reserved))
            self.levels.keep_fresh(self.ledger)
        trace.step("ledger", "reserve", "granted" if reserved.granted else "refused", began)
        return reserved

    async def _caller_fallbacks(self, request: Request, may_call: MayCall | None) -> tuple[Target, ...]:
        """The caller's own fallbacks; a virtual name among them becomes the targets behind it."""
        targets: list[Target] = []
        for name in request.fallbacks:
            asked = replace(request, model=name, targets=())
            scratch = Trace(asked, self.host.policy.revision, self._clock(), "simulated")
            proposed, _ = self.host.select_targets(asked, scratch)
            behind = [Target(name)] if proposed is None else [await self._screen(asked, t, may_call) for t in proposed]
            targets.extend(target for target in behind if not target.rejected)
        return tuple({target.name: target for target in targets}.values())

    def _close_attempt(self, trace: Trace, target: Target, outcome: str, error: str | None) -> None:
        same = [attempt for attempt in trace.attempts if attempt.target == target.name and attempt.outcome != "skipped"]
        attempt = same[-1] if same else Attempt(target.name, outcome, trace.at_s, reached=True)
        if not same:
            trace.attempts.append(attempt)
        if attempt.outcome == "started":
            attempt.ms = max(0, round((self._clock() - attempt.started_s) * 1000))
        attempt.outcome, attempt.error = outcome, error

    async def _quietly(self, trace: Trace, call: Awaitable[object]) -> None:
        # What is counted after the answer must not change the answer; the deadline releases what is lost here.
        try:
            await call
        except LedgerUnavailable as error:
            trace.step("ledger", "settle", f"unavailable: {error}")
            log.warning("decision %s could not be settled, the ledger does not answer: %s", trace.id, error)


def _skip(attempt: Attempt, status: int, code: str, detail: str, wait_s: int | None) -> Refusal:
    attempt.outcome, attempt.error = "skipped", code
    message = f"{attempt.target} cannot be tried now: {code} ({detail})"
    return Refusal(status, code, message, retry_after_s=wait_s)


def _option(target: Target) -> Option:
    return Option(target.name, target.charges)
