"""admit -> (attempt -> fail)* -> settle | release: the one place where the sequence of a request can be read."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from governance.engine import affinity, groups, recall
from governance.engine.admission import Admission, MayCall
from governance.engine.assumed import with_assumed_prices
from governance.engine.attempts import close, placed, skip
from governance.engine.cooling import Cooling, Tell
from governance.engine.decision import Decision, all_readings, begun, option_of, refused, without
from governance.engine.habits import Learned
from governance.engine.host import Host
from governance.engine.levels import LastSeen
from governance.engine.moving import Moves
from governance.engine.overlay import Effective, Overlay
from governance.engine.parts import charge_part, kept_usd_micros, with_part
from governance.engine.refusals import UNAVAILABLE, UNCOUNTABLE
from governance.engine.retry_budget import Retries
from governance.engine.speeds import Measured, Unmeasured
from governance.ledger import Ledger, Option, Reserved
from governance.ledger.pins import Asked
from governance.limits.alerts import Alerts
from governance.model import Charge, Failure, Recovery, Refusal, Request, Usage, codes
from governance.model.errors import LedgerUnavailable
from governance.model.failure_kinds import OF_THE_REQUEST
from governance.model.sizes import LARGEST_USE
from governance.trace import Attempt, Trace

log = logging.getLogger("governance.engine")


class Engine:
    """Decides for one policy, on one ledger. Requests that began on it also end on it.

    Attributes:
        arm: for whom it decides while a policy is tried; "" = for all.
    """

    def __init__(
        self,
        host: Host,
        ledger: Ledger,
        *,
        clock: Callable[[], float] = time.time,
        tell: Tell = lambda alert: None,
        overlay: Overlay | None = None,
    ) -> None:
        """`tell` gets every alert that this process is to raise; it must not block."""
        self.stated = host
        self._effective = Effective(host, overlay or Overlay())
        self.ledger = ledger
        self.arm = ""
        self.deadline_s = float(host.policy.core.ledger.deadline_s)
        self.levels = LastSeen(clock=clock)
        self.habits = Learned()
        self.speeds = Measured(clock) if host.reads_speeds else Unmeasured(clock)
        self.alerts = Alerts(ledger, host.policy.revision, tell, clock=clock)
        self._cooling = Cooling(ledger, tell, clock)
        self._moves = Moves(ledger, clock)
        self._retries = Retries(clock)
        self.clock = clock
        self._reads_percent = host.reads_percent
        self._facts_read = host.facts_read

    @property
    def host(self) -> Host:
        """The policy under what is in force beside it now."""
        return self._effective.at(self.clock())

    async def admit(
        self, request: Request, *, may_call: MayCall | None = None, mode: Literal["live", "simulated"] = "live"
    ) -> Decision:
        """Decide which target serves a request, and reserve room for it in every limit that applies.

        Args:
            may_call: whether the caller's own key may use a model; asked only where the policy grants by targets.
            mode: `simulated` decides the same and counts nothing.
        """
        at_s = self.clock()
        host = self._effective.at(at_s)
        trace = Trace(request, host.policy.revision, at_s, mode, facts_read=self._facts_read, arm=self.arm)
        if host.overlay.drains:
            request = request.but(drained=host.overlay.drains)
        trace.request = request = begun(
            request,
            trace,
            self.levels,
            self.habits,
            self.speeds,
            clamped=host.policy.core.access.body.output_limit == "clamp",
        )
        if host.policy.core.access.require_key and not request.identity.virtual_key_id:
            return refused(
                trace, request, Refusal(401, codes.VIRTUAL_KEY_REQUIRED, "this gateway requires a virtual key")
            )
        began = time.perf_counter_ns()
        request, shared, refusal = host.pre_request(request, trace)
        if refusal:
            decision = refused(trace, request, refusal)
        else:
            request = await recall.recalled(self.ledger, trace, request)
            decision = await Admission(host, self.ask_ledger, trace, request, shared, may_call).decide()
        trace.decided_us = (time.perf_counter_ns() - began) // 1000
        if decision.target and mode == "live":
            self.speeds.begin(trace.id, decision.target.name, request)
        return decision

    def refuse(self, request: Request, refusal: Refusal) -> Decision:
        """A refusal that needs no deciding: what is asked cannot be governed."""
        trace = Trace(request, self.stated.policy.revision, self.clock(), "live", arm=self.arm)
        return refused(trace, request, refusal)

    async def attempt(self, decision: Decision, call_name: str, may_call: MayCall | None = None) -> Refusal | None:
        """LiteLLM is about to try this model: move the reservation to it, or say why it may not be tried now.

        Args:
            may_call: whether the caller's own key may use a model; asked for models that the decision did not name.
        """
        trace = decision.trace
        target = groups.target_of(self.host, decision, call_name)
        if trace.attempts and trace.attempts[-1].outcome == "started":
            trace.attempts[-1].outcome = "failed"
        attempt = Attempt(target.name, "started", self.clock())
        trace.attempts.append(attempt)
        stranger = decision.outcome == "route" and call_name not in decision.by_call_name
        if stranger and (may_call is None or not await may_call(call_name)):
            return skip(attempt, 403, codes.MODEL_NOT_ALLOWED, "no target of this request", None)
        if target.rejected:
            status = 503 if target.rejected.code == codes.DRAINED else 400
            return skip(attempt, status, target.rejected.code, target.rejected.detail, None)
        decision.held[call_name] = target
        counted = decision.counted or bool(target.charges)
        if not counted or (len(trace.attempts) == 1 and target == decision.target):
            attempt.probe = trace.probing == target.name
            self._retries.attempted(trace.family, extra=False)
            return None
        hop = any(before.outcome == "failed" for before in trace.attempts[:-1])
        if trace.budget and hop and (why := self._retries.refuses(trace.budget, trace.family, target.name)):
            return skip(attempt, 503, codes.RETRY_BUDGET_EXHAUSTED, why, None)
        refusal = await self._moves.to(decision, call_name, target, attempt)
        attempt.probe = trace.probing == target.name
        if refusal is None:
            self._retries.attempted(trace.family, extra=hop)
        return refusal

    async def reached(self, decision: Decision, call_name: str = "", served: str = "") -> None:
        """The attempt is on its way to the provider: its request stays counted, even if this process dies.

        Args:
            served: the `provider/model` that LiteLLM has chosen; others that might have served get theirs back.
        """
        attempts = decision.trace.attempts
        if attempts and not attempts[-1].reached:
            attempts[-1].reached = True
            self.speeds.begin(decision.id, attempts[-1].target, decision.request)
            await self._quietly(decision.trace, self._moves.chosen(decision, call_name, served))
            if decision.counted:
                await self._quietly(decision.trace, self.ledger.renew(decision.id, self.deadline_s, attempted=True))

    async def fail(self, decision: Decision, failure: Failure, *, cool_down: bool = True) -> Recovery:
        """The attempt under way failed: ask the plugins what follows, and start the cool-down they want.

        Args:
            cool_down: False when the failure may be the caller's own doing, and must not be the other callers' loss.
        """
        trace = decision.trace
        failure = placed(failure, decision, self.clock())
        target = decision.target_named(trace.attempts[-1].target) if trace.attempts else decision.target
        if target is None:
            return Recovery()
        close(trace, target, self.clock(), failure)
        self._retries.ended(target.name, failed=failure.kind not in OF_THE_REQUEST)
        self.speeds.fail(trace.id, its_own=cool_down and failure.kind not in OF_THE_REQUEST)
        recovery = self.host.on_failure(decision.request, target, failure, trace)
        trace.budget = recovery.budget
        await self._quietly(trace, self._cooling.after(trace, target, failure, recovery if cool_down else Recovery()))
        return recovery

    async def withdraw(self, decision: Decision, kind: str) -> None:
        """The attempt under way never reached its target, and no other can serve the request: nothing is counted."""
        trace = decision.trace
        attempt = trace.attempts[-1] if trace.attempts else None
        if attempt is not None:
            attempt.reached = False
            attempt.outcome, attempt.error = "failed", kind
        if decision.counted:
            await self._quietly(trace, self.ledger.release(decision.id, attempted=False))
        await self._quietly(trace, self._cooling.probed(trace, well=False))

    async def settle(self, decision: Decision, call_name: str, usage: Usage, *, broken: bool = False) -> None:
        """The request was answered by this model: replace what was reserved by what was used.

        Args:
            broken: the answer broke off, and its failure was told before.
        """
        trace = decision.trace
        target = groups.target_of(self.host, decision, call_name)
        target = decision.held.get(call_name, target)
        usage = with_assumed_prices(usage, target)
        if decision.counted and not trace.attempts and target != decision.target:
            trace.moves += 1
            await self._quietly(trace, self.ledger.move(trace.id, trace.moves, option_of(target), force=True))
        if not broken:
            self._retries.ended(target.name, failed=False)
            close(trace, target, self.clock())
        trace.usage = usage
        trace.kept_usd_micros = kept_usd_micros(decision, target, usage)
        await self._quietly(trace, self._cooling.probed(trace, well=trace.probing == target.name))
        self.habits.note_answer(decision.request, target.name, usage)
        self.speeds.end(trace.id, usage.output_tokens)
        if decision.counted:
            # Whatever a provider reports, one answer must not spoil the sum of a window.
            used = {unit: min(amount, LARGEST_USE) for unit, amount in usage.amounts.items()}
            await self._quietly(trace, self.ledger.settle(trace.id, used, pinning=affinity.pinning(trace, target)))
            self.alerts.look_again([charge.window for charge in (*decision.shared, *target.charges)])
        self.host.on_success(decision.request, target, usage, trace)

    async def settle_part(self, decision: Decision, name: str, part: Usage) -> None:
        """A target that failed before the one that answered had delivered this much. Call after `settle`.

        Args:
            name: the target's.
        """
        target = decision.target_named(name)
        part = with_assumed_prices(part, target)
        decision.trace.usage = with_part(decision.trace, name, part)
        await self._quietly(decision.trace, charge_part(self.ledger, decision, target, part))
        self.alerts.look_again(charge.window for charge in target.charges)

    async def release(self, decision: Decision) -> None:
        """The request ended without an answer: give back all but the requests that reached a provider."""
        self.speeds.fail(decision.id, its_own=False)
        if decision.counted:
            # What hops before the last one cost was decided when the reservation moved on.
            attempts = [attempt for attempt in decision.trace.attempts if attempt.outcome != "skipped"]
            attempted = bool(attempts) and attempts[-1].reached
            await self._quietly(decision.trace, self.ledger.release(decision.id, attempted=attempted))
        await self._quietly(decision.trace, self._cooling.probed(decision.trace, well=False))

    async def answering(self, decision: Decision) -> None:
        """The target has begun to answer: one that was probed is well."""
        self.speeds.answering(decision.id)
        if decision.trace.attempts and decision.trace.attempts[-1].probe:
            await self._quietly(decision.trace, self._cooling.probed(decision.trace, well=True))

    async def renew(self, decision: Decision) -> None:
        """The request is still under way: put off the deadline of its reservation."""
        if decision.counted:
            await self._quietly(decision.trace, self.ledger.renew(decision.id, self.deadline_s))

    async def close(self) -> None:
        """Let go of the ledger."""
        self.levels.close()
        self.alerts.close()
        await self.ledger.close()

    async def ask_ledger(
        self, trace: Trace, shared: Sequence[Charge], options: Sequence[Option], pinned: Asked | None = None
    ) -> Reserved | Refusal:
        """Reserve room for one of these, or say why that cannot be told."""
        began = time.perf_counter_ns()
        try:
            reserved = await self.ledger.reserve(
                shared,
                options,
                reservation_id=trace.id,
                deadline_s=self.deadline_s,
                dry_run=trace.mode == "simulated",
                pinned=pinned,
            )
        except (LedgerUnavailable, ValueError) as error:
            counts = isinstance(error, LedgerUnavailable)  # else a plugin charges what cannot be counted
            trace.step("ledger", "reserve", f"{'unavailable' if counts else 'failed'}: {error}", began)
            return UNAVAILABLE if counts else UNCOUNTABLE
        if not reserved.available:
            if reserved.granted and reserved.away:
                trace.notes["ledger"] = reserved.away
            trace.step("ledger", "reserve", f"unavailable: {without(reserved)}", began)
            return reserved if reserved.granted else UNAVAILABLE
        if self._reads_percent and trace.mode == "live":
            self.levels.note(all_readings(reserved))
            self.levels.keep_fresh(self.ledger)
        if trace.mode == "live":
            self.alerts.look([reading for reading, _ in all_readings(reserved) if reading.window.alert_at])
        trace.step("ledger", "reserve", "granted" if reserved.granted else "refused", began)
        return reserved

    async def _quietly(self, trace: Trace, call: Awaitable[object]) -> None:
        # What is counted after the answer must not change the answer; the deadline releases what is lost here.
        try:
            await call
        except LedgerUnavailable as error:
            trace.step("ledger", "settle", f"unavailable: {error}")
            log.warning("decision %s could not be settled, the ledger does not answer: %s", trace.id, error)
