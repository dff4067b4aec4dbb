"""Answered requests go to a second target too: as requests of their own, and never in their callers' way.

Only chat completions: what they hold is complete, and asking twice changes nothing anywhere.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from litellm.proxy import proxy_server

from governance.engine.decision import Decision
from governance.engine.mirroring import admit_mirror
from governance.proxy.live import Live
from governance.proxy.translate import MARKER

if TYPE_CHECKING:
    from governance.proxy.gateway import Gateway

log = logging.getLogger("governance.proxy")

SENT: Final = "sent"
BUSY: Final = "busy"
UNSUPPORTED: Final = "unsupported"
# Of one worker, whatever the policy allows: each of them holds a prompt.
_MOST_AT_ONCE: Final = 32
# What is sent again of a body; not who asks, where to, or how LiteLLM is to treat it.
_FIELDS: Final = (
    *("messages", "temperature", "top_p", "n", "stop", "max_tokens", "max_completion_tokens", "presence_penalty"),
    *("frequency_penalty", "logit_bias", "seed", "tools", "tool_choice", "parallel_tool_calls", "response_format"),
    *("reasoning_effort", "verbosity", "logprobs", "top_logprobs", "thinking"),
)
# No way of the router's to another target.
_ONCE: Final = {"num_retries": 0, "fallbacks": [], "context_window_fallbacks": [], "content_policy_fallbacks": []}
# These make a provider, or the proxy, do something.
_DOES_THINGS: Final = ("web_search_options", "mcp_servers", "functions", "background", "container")


class Mirrors:
    """The mirrored requests of one worker."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._at_once = 0

    def note(self, live: Live, kwargs: Mapping[str, Any]) -> None:
        """Keep what the provider is sent, as guardrails have left it, if a mirror is to get it when it was answered."""
        mirror = live.decision.trace.mirror
        if mirror is None or not mirror.drawn or live.mirrored is not None:
            return
        if live.call_type != "acompletion" or live.own_credentials or _does_things(kwargs):
            self._count(live.decision, UNSUPPORTED)
            live.mirrored = {}
            return
        asked = live.body if isinstance(live.body, Mapping) else {}
        live.mirrored = {name: kwargs[name] for name in _FIELDS if name in asked and name in kwargs}

    def send(self, live: Live) -> None:
        """The request was answered: send it to the mirror, unless too many are on their way. Returns at once."""
        body, live.mirrored = live.mirrored, None
        if not body:
            return
        if self._at_once >= _MOST_AT_ONCE:
            self._count(live.decision, BUSY)
            return
        self._at_once += 1
        self._gateway.background(self._send(live, body))

    async def _send(self, of: Live, body: dict[str, Any]) -> None:
        try:
            decision = await admit_mirror(of.engine, of.decision, of.may_call)
            if isinstance(decision, str):
                self._count(of.decision, decision)
                return
            self._count(of.decision, SENT)
            await self._ask(of, decision, body)
        except Exception:  # nobody waits for it, and nobody may notice
            log.exception("the mirror of decision %s failed", of.decision.id)
        finally:
            self._at_once -= 1

    async def _ask(self, of: Live, decision: Decision, body: dict[str, Any]) -> None:
        task: Any = asyncio.current_task()
        live = Live(of.engine, decision, of.may_call, "acompletion", None, weakref.ref(task))
        self._gateway.live.add(live)
        task.add_done_callback(lambda _: self._gateway.untold.served(live))
        router: Any = proxy_server.llm_router
        marks = {MARKER: decision.id, "governance_mirror_of": of.decision.id}
        name = decision.call_name(decision.target) if decision.target else ""
        try:
            await router.acompletion(model=name, **body, metadata=marks, **_ONCE)
        except Exception as error:  # whatever LiteLLM raises, the mirror is over
            log.info("the mirror of decision %s was not answered: %s", of.decision.id, type(error).__name__)
            if live.trying:
                await self._gateway.fail(live, error)
            await self._gateway.release(live)

    def _count(self, of: Decision, outcome: str) -> None:
        self._gateway.telemetry.metrics.mirrored(of.trace.notes.get("profile", ""), outcome)


def _does_things(kwargs: Mapping[str, Any]) -> bool:
    """Whether asking may change something beside the answer: tools that others than the caller run."""
    if any(kwargs.get(name) for name in _DOES_THINGS):
        return True
    tools = kwargs.get("tools") or ()
    return any(not isinstance(tool, Mapping) or tool.get("type") != "function" for tool in tools)
