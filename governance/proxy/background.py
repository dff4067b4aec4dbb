"""Responses that a provider makes in the background: accepted now, made later, and told when somebody asks for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

from litellm.proxy.hooks.responses_id_security import ResponsesIDSecurity
from litellm.responses.utils import ResponsesAPIRequestUtils

from governance.engine.assumed import with_assumed_prices
from governance.engine.deferred import NOTHING, defer, deferred_id
from governance.engine.engine import Engine
from governance.model import NO_FACTS, ModelFacts, Request, Target, Usage
from governance.model.errors import LedgerUnavailable
from governance.proxy.live import Live
from governance.proxy.served import served_id
from governance.proxy.usage import measured

log = logging.getLogger("governance.proxy")

# LiteLLM's words for asking after a response and for ending it (proxy/response_api_endpoints).
ASKED_AFTER: Final = frozenset({"aget_responses", "get_responses", "acancel_responses", "cancel_responses"})
_UNFINISHED: Final = frozenset({"queued", "in_progress"})
_ENDED: Final = frozenset({"completed", "incomplete", "failed", "cancelled", "expired"})
# Providers keep responses for less; after that, nobody can hear of the end.
_NOBODY_ASKS_AFTER_S: Final = 24 * 3600.0
_MOST_KNOWN: Final = 10_000
DEFERRED: Final = Usage(0, 0, 0, remarks=("made in the background: what was reserved stays counted until it is told",))


def is_unfinished(answer: Any) -> bool:
    """Whether this is a response that its provider is still making."""
    return getattr(answer, "status", None) in _UNFINISHED


class Background:
    """The responses that wait. Any worker that hears of the end of one settles it, once for all of them."""

    def __init__(self) -> None:
        # What this worker knows better than the others: the request, and prices that only the policy assumes.
        self._known: dict[str, tuple[Request, Target]] = {}

    async def accept(self, live: Live, kwargs: Mapping[str, Any], answer: Any) -> Usage:
        """Let what a request has reserved wait for the end of its response; returns what counts until then.

        Where that cannot be, what was reserved stays counted as it is.
        """
        later_id = _later_id(kwargs, answer)
        decision = live.decision
        target = decision.held.get(live.name) or decision.by_call_name.get(live.name) or decision.target
        # Whoever names the provider's address could name responses of others.
        if not later_id or target is None or live.own_credentials or not decision.counted:
            return Usage(None, None, None)
        try:
            if not await defer(live.engine.ledger, decision, target, later_id):
                return Usage(None, None, None)
        except LedgerUnavailable:
            return Usage(None, None, None)
        while len(self._known) >= _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[later_id] = decision.request, target
        asyncio.get_running_loop().call_later(_NOBODY_ASKS_AFTER_S, self._give_up, live.engine, later_id)
        return DEFERRED

    async def told(self, engine: Engine, kwargs: Mapping[str, Any], answer: Any, facts: ModelFacts | None) -> bool:
        """Somebody asked after a response: if it is made, settle what waits for it. False where nothing does."""
        # Who reads it as a stream is told by the stream's last event.
        answer = getattr(answer, "response", None) or answer
        later_id, status = _later_id(kwargs, answer), getattr(answer, "status", None)
        if not later_id or status in _UNFINISHED:
            return False
        usage = self._usage(later_id, kwargs, answer, facts)
        if usage.input_tokens is None and status not in _ENDED:
            # Providers have words of their own for what is not made yet.
            return False
        # One that failed has cost nothing; of another that tells nothing, nobody knows what it has.
        nothing = usage.input_tokens is None and status == "failed"
        used = NOTHING if nothing else usage.amounts
        try:
            settled = await engine.ledger.settle(later_id, used)
        except LedgerUnavailable as error:
            log.warning("the end of a background response could not be counted, the ledger does not answer: %s", error)
            return False
        self._known.pop(later_id, None)
        if settled:
            log.info("a background response used %s", used or "as much as was reserved for it")
        return settled

    def _usage(self, later_id: str, kwargs: Mapping[str, Any], answer: Any, facts: ModelFacts | None) -> Usage:
        known = self._known.get(later_id)
        if known:
            request, target = known
            found = facts or (request.models.facts(target.name) if request.models else NO_FACTS)
            return with_assumed_prices(measured(kwargs, answer, request, found), target)
        allowed = getattr(answer, "max_output_tokens", None)
        asked = Request(
            str(getattr(answer, "model", "")),
            request_type="responses",
            max_output_tokens=allowed if isinstance(allowed, int) and allowed > 0 else None,
        )
        return measured(kwargs, answer, asked, facts or NO_FACTS)

    def _give_up(self, engine: Engine, later_id: str) -> None:
        if self._known.pop(later_id, None) is not None:
            self._giving_up = asyncio.get_running_loop().create_task(_as_reserved(engine, later_id))


async def _as_reserved(engine: Engine, later_id: str) -> None:
    try:
        await engine.ledger.settle(later_id, {})
    except LedgerUnavailable:
        log.warning("a background response that nobody asked after stays reserved: the ledger does not answer")


def _later_id(kwargs: Mapping[str, Any], answer: Any) -> str:
    response_id, deployment_id = getattr(answer, "id", None), served_id(kwargs, answer)
    if not isinstance(response_id, str) or not response_id or not deployment_id:
        return ""
    return deferred_id(deployment_id, own_id(response_id))


def own_id(response_id: str) -> str:
    """The provider's own id of a response. LiteLLM wraps it twice: whose it is, and which deployment made it."""
    unwrapped, *_ = ResponsesIDSecurity()._decrypt_response_id(response_id)
    decoded = ResponsesAPIRequestUtils.decode_responses_api_response_id(unwrapped)
    return str(decoded.get("response_id") or unwrapped)
