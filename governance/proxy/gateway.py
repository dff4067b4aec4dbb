"""One worker's governance: policy, engine, the requests on their way, and how each of them ends."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, Final

from litellm.proxy import proxy_server

from governance import codes
from governance.engine import Engine
from governance.host import Host
from governance.ledger import open_ledger
from governance.model import NOBODY, Identity, Refusal, Usage
from governance.proxy.live import PASS_THROUGH, Live, LiveRequests
from governance.proxy.models import ProxyModels
from governance.proxy.start import end_with_proxy, read_policy, report
from governance.proxy.translate import has_own_credentials, identity_of, request_from
from governance.telemetry.decisions import DecisionLog

log = logging.getLogger("governance.proxy")

# LiteLLM tells of an answer some time after the HTTP request is served; what it has not told by then, it never will.
_TOLD_WITHIN_S: Final = 10.0
_DRAIN_WITHIN_S: Final = 5.0

SEVERAL_MODELS: Final = Refusal(
    400,
    codes.NO_ELIGIBLE_TARGET,
    "several models in one request cannot be counted one by one; send one request for each model",
)
LONGEST_MODEL: Final = 300
TOO_LONG: Final = Refusal(400, codes.NO_ELIGIBLE_TARGET, f"no model has a name of over {LONGEST_MODEL} characters")
NOT_ROUTABLE: Final = Refusal(
    400,
    codes.NO_ELIGIBLE_TARGET,
    "a pass-through request goes where its path says and cannot be routed; ask for a virtual model on /v1/… instead",
)


class Gateway:
    """What the callback needs besides LiteLLM's hooks."""

    def __init__(self, host: Host) -> None:
        settings = host.policy.core.ledger
        self.engine = Engine(host, open_ledger(settings.url, on_unavailable=settings.on_unavailable))
        self.models = ProxyModels(host)
        self.live = LiveRequests()
        self.decisions = DecisionLog.from_environment(os.environ)
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        """Begin what runs beside the requests. Needs a running event loop."""
        self.models.keep_listed()
        self.background(self._connect())
        self.background(self._renew_again_and_again())
        end_with_proxy(self.close)

    async def admit(self, data: dict[str, Any], call_type: str, auth: Any) -> Live | None:
        """Decide one request; None for what no policy is about."""
        earlier = self.live.current
        if earlier is not None:
            # LiteLLM begins a request anew when a limiter beside us refused it, and says nothing of the first run.
            await self.release(earlier)
        request = request_from(data, call_type, self._identity(auth), self.models.catalog)
        if request is None:
            return None
        may_call = self.models.access(auth)
        if call_type == "acompletion" and "," in request.model:
            decision = self.engine.refuse(request, SEVERAL_MODELS)
        elif len(request.model) > LONGEST_MODEL:
            decision = self.engine.refuse(replace(request, model=request.model[:LONGEST_MODEL]), TOO_LONG)
        else:
            decision = await self.engine.admit(request, may_call=may_call)
        if call_type == PASS_THROUGH and decision.outcome == "route":
            await self.engine.release(decision)
            decision = self.engine.refuse(request, NOT_ROUTABLE)
        live = Live(self.engine, decision, may_call, call_type, data.get("litellm_call_id"), asyncio.current_task())
        live.own_credentials = has_own_credentials(data)
        if decision.refusal:
            self._tell(live)
        else:
            self.live.add(live)
            if live.task:
                live.task.add_done_callback(lambda _: self._served(live))
        return live

    def ask_for_usage(self, live: Live, kwargs: dict[str, Any], call_type: Any) -> dict[str, Any] | None:
        """Google's streams reach an OpenAI-like target as a chat for whose usage nobody has asked yet."""
        if (
            not live.call_type.startswith("agenerate_content")
            or getattr(call_type, "value", call_type) != "acompletion"
        ):
            return None
        if not kwargs.get("stream"):
            return None
        return {**kwargs, "stream_options": {**(kwargs.get("stream_options") or {}), "include_usage": True}}

    async def settle(self, live: Live, usage: Usage) -> None:
        """The request was answered."""
        self.live.settled(live)
        await live.engine.settle(live.decision, live.name, usage)
        self._tell(live)

    async def release(self, live: Live) -> None:
        """The request ended without an answer, as far as is known."""
        if live.released_s is None:
            self.live.released(live)
            await live.engine.release(live.decision)
            self._tell(live)

    async def close(self) -> None:
        """The proxy ends: give the last answers time to be told, give back what is left, let go of the ledger."""
        waited_s = 0.0
        while len(self.live) and waited_s < _DRAIN_WITHIN_S:
            await asyncio.sleep(0.05)
            waited_s += 0.05
        for live in self.live:
            await self.release(live)
        await self.engine.close()

    def _identity(self, auth: Any) -> Identity:
        # Without a master key LiteLLM lets everybody in as whoever they say they are: nothing of it is verified.
        checked = proxy_server.master_key or proxy_server.user_custom_auth or proxy_server.prisma_client
        return identity_of(auth) if checked else NOBODY

    def _served(self, live: Live) -> None:
        if live.released_s is None and live in self.live:
            loop = asyncio.get_running_loop()
            loop.call_later(_TOLD_WITHIN_S, lambda: self.background(self._end_untold(live)))

    async def _end_untold(self, live: Live) -> None:
        if live not in self.live:
            return
        if live.trying and live.decision.trace.attempts[-1].reached:
            # It was served, and LiteLLM tells nothing of it: what was reserved is the best that is known.
            await self.settle(live, Usage(None, None, None))
        else:
            await self.release(live)

    async def _connect(self) -> None:
        # Before the first request, so that it does not wait for a connection.
        health = await self.engine.ledger.health()
        if not health.reachable:
            log.error("the ledger (%s) does not answer yet", health.kind)

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
        if not live.told:
            live.told = True
            self.decisions.write(live.decision.trace)


def open_gateway() -> Gateway:
    """Start governance in this worker, or end the worker with the reason on stderr."""
    gateway = read_policy(lambda file: Gateway(Host.load(file)))
    gateway.start()
    report(gateway.engine.host.policy)
    return gateway
