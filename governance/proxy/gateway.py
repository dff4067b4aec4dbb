"""One worker's governance: policy, engine, the requests on their way, and how each of them ends."""

from __future__ import annotations

import asyncio
import logging
import os
import time
import weakref
from collections.abc import Coroutine, Sequence
from datetime import datetime, timezone
from typing import Any, Final

from governance.engine.admission import MayCall
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.keyring import Keyring
from governance.limits.announcements import Announcements
from governance.model import Recovery, Usage
from governance.model.failure_kinds import OF_THE_REQUEST
from governance.model.quantities import Quantities
from governance.proxy import cuts, heads, malformed
from governance.proxy.arms import Arms
from governance.proxy.background import Background
from governance.proxy.barred import access_of, barred
from governance.proxy.contract.contract import ATTEMPT, Contract
from governance.proxy.deployments import priced
from governance.proxy.doors import Doors, verified
from governance.proxy.failures import UNWRITTEN, failure_of, made_here, unwritable
from governance.proxy.hops import Hops
from governance.proxy.key_limits import limited
from governance.proxy.live import Live
from governance.proxy.live_requests import LiveRequests
from governance.proxy.misuse import LONGEST_MODEL, misused, unfit
from governance.proxy.models import ProxyModels
from governance.proxy.overlay import FollowedOverlay
from governance.proxy.policies import Policies, differs_in_truth
from governance.proxy.reaching import Reaching
from governance.proxy.reload import ReloadState, taken_over, tell_begun_anew, tell_unused
from governance.proxy.spending import Spending
from governance.proxy.start import end_with_proxy, or_not_at_all, workers
from governance.proxy.surveying import connect_and_survey
from governance.proxy.translate import has_own_credentials, has_own_timeout, request_from, sent
from governance.proxy.untold import Untold
from governance.proxy.wire import listen
from governance.telemetry.telemetry import Telemetry
from governance.telemetry.timed import Timed
from governance.usecases.backtesting import Backtesting
from governance.usecases.follow import Tried

log = logging.getLogger("governance.proxy")

_DRAIN_WITHIN_S: Final = 5.0


class Gateway:
    """What the callback needs besides LiteLLM's hooks."""

    def __init__(self, host: Host, policies: Policies) -> None:
        self.policies = policies
        settings = host.policy.core.ledger
        self.keyring = Keyring(host.policy.core.keys)
        self.reload = ReloadState(host.policy, time.time())
        self.telemetry = Telemetry(host.policy.core, os.environ)
        timed = Timed(settings.open(), self.telemetry.metrics.ledger_took)
        self.spending = Spending(self.telemetry, policies)
        self.contract = Contract(host.policy.core.on_contract_breach, self.telemetry.metrics.probed)
        self.models = ProxyModels(host, self._look_at_router, kept=policies)
        self.overlay = FollowedOverlay(host.policy.core, policies)
        self.arms = Arms(host, self.keyring, self.models, timed, self.telemetry.alert, self.overlay.overlay)
        self.live = LiveRequests()
        self.untold = Untold(self)
        self.reaching = Reaching(settings.url, self.background)
        self.hops = Hops(self.live, self.models)
        self.responses = Background()
        self.doors = Doors(self)
        self.announcements = Announcements()
        self.backtesting = Backtesting(policies.ask, lambda: datetime.now(timezone.utc))
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        """Begin what runs beside the requests. Needs a running event loop."""
        listen(self.live.listener, self.live.heard)
        cuts.listen(self.live.cut)
        heads.watch(self.live.serving)
        self.models.keep_listed()
        self.hops.watch()
        self.doors.watch()
        malformed.watch()
        self.telemetry.watch(lambda: self.engine, lambda: (live.decision.trace for live in self.live))
        self.telemetry.start()
        self.background(connect_and_survey(lambda: self.engine))
        self.background(self.overlay.run())
        self.background(self.spending.run())
        self.background(self.models.discovering.run())
        self.background(self.models.discovering.follow_store())
        self.background(self._renew_again_and_again())
        end_with_proxy(self.close)

    @property
    def engine(self) -> Engine:
        """The engine in force."""
        return self.arms.in_force

    def use(self, host: Host) -> None:
        """Begin requests on this policy from here on; those under way end on the engine that they began with."""
        before, policy = self.engine, host.policy
        of_file = self.policies.source == "file"
        differs = of_file and differs_in_truth(self.policies.settings, policy.core)
        tell_unused(before.stated.policy, policy, truth_differs=differs)
        self.background(tell_begun_anew(before.stated.policy, policy))
        self.keyring = Keyring(policy.core.keys)
        self.arms.use(host, self.keyring)
        self.reload = ReloadState(policy, time.time())
        self.models.follow(host)
        self.telemetry.use(policy.core.telemetry)
        log.info("policy %s, %s took over from %s", policy.source, policy.revision, before.stated.policy.revision)
        taken_over(before.stated, policy)

    def try_out(self, tried: Tried | None) -> None:
        """Begin requests of some callers on this policy; None = those of all on the one in force."""
        if self.arms.try_out(tried, self.keyring):
            self.models.try_out(tried and tried.host)

    @property
    def proxy(self) -> dict[str, Any]:
        """The LiteLLM this runs in, for the health page."""
        return {**self.contract.told, "workers": workers()}

    @property
    def frozen(self) -> str | None:
        """Who lets nobody change the policy, until when and why; None while it may be changed."""
        return self.overlay.frozen

    async def admit(self, data: dict[str, Any], call_type: str, auth: Any) -> Live | None:
        """Decide one request; None for what no policy is about."""
        if not self.contract.complete:
            # The first request may come before the task that looks: it waits for it here.
            self.models.list_now()
        await self.overlay.first_look()
        earlier = self.live.current
        if earlier is not None:
            # LiteLLM begins a request anew when a limiter beside us refused it, and says nothing of the first run.
            await self.release(earlier)
        who = verified(auth)
        asked = self.models.unalias(data)
        request = request_from(data, call_type, who, self.models.catalog.for_team(who.team_id))
        self.doors.hook(call_type, auth, decided=request is not None)
        if request is None:
            return None
        request = limited(request, auth, asked, self.models.behind)
        may_call = self.may_call(auth, request.identity.virtual_key_id)
        refusal = barred(request, auth, asked or request.model, self.keyring, self.models)
        refusal = refusal or misused(request, data, call_type, self.models.is_name)
        engine = self.arms.of(request.identity)
        if refusal:
            decision = engine.refuse(request.but(model=request.model[:LONGEST_MODEL]), refusal)
        else:
            decision = await self.arms.decide(engine, request, may_call)
        own_credentials = has_own_credentials(data)
        why = unfit(decision, call_type, own_credentials)
        if why:
            await engine.release(decision)
            decision = engine.refuse(request, why)
        if asked:
            decision.trace.step("proxy", "alias", f"{asked[:LONGEST_MODEL]} is an alias of {request.model}")
        task = asyncio.current_task()
        live = Live(
            engine, decision, may_call, call_type, data.get("litellm_call_id"), weakref.ref(task) if task else None
        )
        live.body = sent(data)[0]
        live.own_credentials, live.own_timeout = own_credentials, has_own_timeout(data)
        self.announcements.note([reading.window for reading, _ in decision.trace.windows])
        self.announcements.keep_told(live.engine.ledger)
        if decision.refusal:
            self._tell(live)
        else:
            self.live.add(live)
            if task:
                task.add_done_callback(lambda _: self.untold.served(live))
        return live

    async def settle(self, live: Live, usage: Usage) -> None:
        """The request was answered; parts of it perhaps by targets that failed before the one that completed it."""
        # Nothing is left of it afterwards where its caller is served already.
        broken, body = live.cut if live.trying else None, live.body
        self.live.settled(live)
        if broken:
            # An error that repeats words of the caller is told by them.
            live.body = body
            await self.fail(live, broken)
            live.body = None
        await live.engine.settle(live.decision, live.name, usage, broken=bool(broken))
        for target, part in live.parts.of:
            await live.engine.settle_part(live.decision, target, part)
        self._tell(live)

    def begun(self, live: Live) -> None:
        """The caller has the first text of an answer."""
        self.background(live.engine.answering(live.decision))

    async def fail(self, live: Live, error: BaseException) -> Recovery:
        """The attempt under way failed; what may be the caller's doing is not the other callers' loss."""
        if made_here(error, sent=live.sent):
            live.malformed = True
            await live.engine.withdraw(live.decision, "invalid_request")
            return Recovery(try_next=False)
        live.malformed = not live.heard and unwritable(error, sent=live.sent)
        failure = UNWRITTEN if live.malformed else failure_of(error, live.asked)
        callers = failure.kind in OF_THE_REQUEST or (failure.kind == "timeout" and live.own_timeout)
        cool_down = not (callers or live.own_credentials or live.decision.trace.mirror_of)
        return await live.engine.fail(live.decision, failure, cool_down=cool_down)

    async def break_off(self, live: Live) -> None:
        """LiteLLM ended a stream: the caller has what came before, and it is counted."""
        request, output_tokens = live.decision.request, live.delivered.output_tokens
        facts = self.models.catalog.facts(priced(live.decision, live.name))
        used, tier = Quantities(request.prompt_tokens, output_tokens), request.params.get("service_tier", "")
        cost = facts.billed(used, tier)
        await self.settle(live, Usage(request.prompt_tokens, output_tokens, cost))

    async def left(self, live: Live) -> None:
        """The caller of a stream left before its first event: it is counted as one that broke off there."""
        if live in self.live and live.trying:
            await self.break_off(live)

    async def broke(self, live: Live) -> None:
        """A stream that was an error and nothing else has been handed on."""
        if live in self.live and live.trying and live.cut:
            await self.fail(live, live.cut)
            await self.release(live)

    async def release(self, live: Live) -> None:
        """The request ended without an answer, as far as is known."""
        if live.released_s is None:
            self.live.released(live)
            await live.engine.release(live.decision)
            self._tell(live)
            self.untold.wait(live.decision.id, self.live.late_s)

    async def close(self) -> None:
        """The proxy ends: give the last answers time to be told, give back what is left, let go of the ledger."""
        waited_s = 0.0
        while len(self.live) and waited_s < _DRAIN_WITHIN_S:
            await asyncio.sleep(0.05)
            waited_s += 0.05
        for live in self.live:
            await self.release(live)
        await self.backtesting.close()
        self.untold.close()
        self.announcements.close()
        await self.overlay.close()
        await self.telemetry.drain()
        await self.spending.close()
        await self.policies.close()
        await self.telemetry.close()
        await self.engine.close()

    def attempted(self, live: Live, name: str | None) -> None:
        """Compare the attempt that goes to its provider, as LiteLLM calls it, with the one that was counted."""
        known = live.decision.by_call_name
        if name is None or name == live.name or name not in known:
            return
        counted = known.get(live.name)
        if counted is None or counted.name != known[name].name:
            what = f"an attempt of {name[:LONGEST_MODEL]} was announced as one of {live.name[:LONGEST_MODEL]}"
            self.contract.notice(ATTEMPT, what)

    def _look_at_router(self, router: Any, virtual: Sequence[str]) -> None:
        or_not_at_all(lambda: self.contract.look_at(router, virtual))

    def may_call(self, auth: Any, digest: str) -> MayCall:
        """Whether this caller, whose key has this digest, may ask for a model: by the policy and by LiteLLM."""
        return access_of(auth, digest, self.keyring, self.models)

    async def _renew_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self.engine.deadline_s / 4)
            for live in self.live:
                try:
                    await live.engine.renew(live.decision)
                except Exception:  # one request must not cost the others their reservations
                    log.exception("decision %s could not be renewed", live.decision.id)

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something run that no request waits for."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _tell(self, live: Live) -> None:
        if live.told:
            self.telemetry.answered_late(live.decision.trace)
            return
        live.told = True
        self.telemetry.tell(live.decision.trace)
