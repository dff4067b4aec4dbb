"""What LiteLLM calls in the course of a request; which hook when: docs/lifecycle.md."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from litellm.exceptions import RateLimitError
from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy.utils import HTTPException  # type: ignore[attr-defined]  # only `admin` imports fastapi

from governance.model import Usage, codes
from governance.model.printable import printable
from governance.proxy.background import ASKED_AFTER, is_unfinished
from governance.proxy.body import clamp
from governance.proxy.deployments import chosen, chosen_id, deployed_labels, misplaced, priced, usable
from governance.proxy.failures import aborted_here, of_provider
from governance.proxy.gateway import Gateway
from governance.proxy.headers import decision_headers
from governance.proxy.held import having
from governance.proxy.hops import model_group
from governance.proxy.live import PASS_THROUGH, Live
from governance.proxy.malformed import malformed
from governance.proxy.mirror import Mirrors
from governance.proxy.output_limit import clamp_output
from governance.proxy.passed import told_in
from governance.proxy.relay import relay
from governance.proxy.staying import staying
from governance.proxy.translate import RELAYED, asked_for_usage, buckets, exception_from, mark, rewrite, tame
from governance.proxy.usage import usage_of
from governance.telemetry.marks import mark_next_target, mark_spans, mark_spend_logs


# LiteLLM tells nobody of requests with `no-log: true` but classes with `_PROXY_` in their name (litellm_logging.py).
class Governance_PROXY_Handler(CustomLogger):
    """Every hook of a request's life. LiteLLM looks for some of them on the leaf class only (proxy/utils.py), so they
    all stand here, and each does one thing: find the request, tell the engine.
    """

    def __init__(self, gateway: Gateway) -> None:
        super().__init__()
        self._gateway = gateway
        self._live = gateway.live
        self._mirrors = Mirrors(gateway)

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> Any:
        """Decide, reserve and rewrite, or refuse."""
        live = await self._gateway.admit(data, call_type, user_api_key_dict)
        if call_type == PASS_THROUGH:
            # What is added here would be sent to the provider.
            if live and live.decision.refusal:
                raise _refused(live)
            return data
        mark(data, live.decision.id if live else None)
        if live:
            target = live.decision.trace.model
            mark_spend_logs(buckets(data), live.decision.trace)
            mark_spans(live.decision.trace, target, getattr(user_api_key_dict, "parent_otel_span", None))
        if live and live.decision.refusal:
            tame(data)
            raise _refused(live)
        if live:
            clamp(data, live.engine.host.policy.core.access.body)
            rewrite(data, live.decision, pinned=live.own_credentials)
        return data

    async def async_filter_deployments(
        self,
        model: str,
        healthy_deployments: list[Any],
        messages: Any,
        request_kwargs: dict[str, Any] | None = None,
        parent_otel_span: Any = None,
    ) -> list[Any]:
        """An attempt begins: the reservation moves to its target, or the attempt is skipped."""
        live = self._live.find(request_kwargs) if healthy_deployments else None
        if live:
            await self._begin(live, model)
            catalog = live.catalog = self._gateway.models.catalog
            healthy_deployments = having(live.decision.request, healthy_deployments, model, catalog)
            return staying(live, usable(live.decision, live.name, healthy_deployments, catalog))
        return healthy_deployments

    async def async_pre_call_deployment_hook(self, kwargs: dict[str, Any], call_type: Any) -> dict[str, Any] | None:
        """The attempt is on its way to the provider. Adapters (messages, Google) come by here again for the same."""
        live = self._live.find(kwargs)
        if live:
            if not live.trying:
                # A path through the router that filters nothing.
                await self._begin(live, model_group(kwargs) or live.name)
            if len(live.decision.trace.attempts) > 1:
                self._mark_next_target(live, kwargs)
            if live.decision.trace.mirror:
                self._mirrors.note(live, kwargs)
            self._gateway.attempted(live, model_group(kwargs))
            catalog = live.catalog or self._gateway.models.catalog
            live.decision.trace.attempts[-1].labels = deployed_labels(live.decision, live.name, kwargs, catalog)
            if misplaced(live.decision, live.name, kwargs, catalog):
                live.decision.trace.attempts[-1].outcome = "skipped"
                live.decision.trace.attempts[-1].error = codes.LABEL_MISMATCH
                raise RateLimitError(message=MISPLACED, llm_provider="governance", model=live.name, num_retries=0)
            live.decision.trace.attempts[-1].deployment = chosen_id(kwargs)
            await self._gateway.reaching.note(live, chosen(kwargs, catalog))
            asked = asked_for_usage(live.call_type, kwargs, call_type)
            return clamp_output(live, asked or kwargs, catalog) or asked
        return None

    def log_pre_api_call(self, model: str, messages: Any, kwargs: dict[str, Any]) -> None:
        """LiteLLM has made the request of the provider's API, and sends it now."""
        live = self._live.find(kwargs)
        if live:
            live.sent = True

    async def async_post_call_failure_deployment_hook(
        self, request_data: Any, exception: Exception, call_type: Any, fallback_depth: int | None = None
    ) -> None:
        """The attempt failed."""
        live = self._live.find(request_data)
        if live and live.trying:
            await self._fail(live, exception)

    async def async_post_call_success_deployment_hook(self, request_data: Any, response: Any, call_type: Any) -> None:
        """The provider answered."""
        live = self._live.find(request_data)
        if live and live.trying:
            live.answer = response

    async def async_log_success_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """The request was answered, completely or as far as the caller listened."""
        live = self._live.find(kwargs) or self._live.find_passed_through()
        if live:
            usage = await self._usage(live, kwargs, response_obj)
            live.parts.note(kwargs, live.decision)
            whole = live.cut is None
            await self._gateway.settle(live, usage)
            if whole:
                self._mirrors.send(live)
        elif kwargs.get("call_type") in ASKED_AFTER:
            facts = self._gateway.models.served(kwargs, response_obj)
            await self._gateway.responses.told(self._gateway.engine, kwargs, response_obj, facts)

    async def async_log_failure_event(
        self, kwargs: dict[str, Any], response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """A stream was cut: what it had delivered is told here alone."""
        live = self._live.find(kwargs)
        if live and live.trying and isinstance(kwargs.get("exception"), Exception):
            live.parts.note(kwargs, live.decision)

    async def async_post_call_failure_hook(
        self,
        request_data: dict[str, Any],
        original_exception: Exception,
        user_api_key_dict: Any,
        traceback_str: str | None = None,
    ) -> HTTPException | None:
        """The caller got an error: the provider's, or one of a guardrail or limiter beside us."""
        live = self._live.find(request_data) or self._live.find_passed_through()
        if live and live.answer is not None and live.trying:
            # A guardrail after the answer: 1.110 tells of no success then, the versions before of both.
            hidden = getattr(live.answer, "_hidden_params", None) or {}
            await self._gateway.settle(live, await self._usage(live, hidden, live.answer))
        elif live:
            if live.delivered.output_tokens and aborted_here(original_exception):
                await self._gateway.break_off(live)
                return None
            if live.reached and isinstance(original_exception, HTTPException) and original_exception.status_code == 499:
                # With `cancel_on_disconnect` LiteLLM says so of a caller who has left; the provider had the prompt.
                await self._gateway.break_off(live)
                return None
            if live.trying and (live.cut or of_provider(original_exception)):
                await self._gateway.fail(live, live.cut or original_exception)
            await self._gateway.release(live)
            if live.malformed:
                return malformed(original_exception)
        return None

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: dict[str, Any]
    ) -> AsyncGenerator[Any, None]:
        """Keep from the client the usage that we asked for in its place."""
        live = self._live.find(request_data)
        strip = request_data.get("_litellm_strip_stream_usage") is True
        if live is None:
            async for chunk in response:
                yield chunk
            return
        try:
            async with contextlib.aclosing(relay(live, response, self._gateway.begun, strip=strip)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except (GeneratorExit, asyncio.CancelledError):
            # The caller has left. LiteLLM tells what it got of a stream, and nothing at all where that is nothing.
            if not live.delivered.began:
                self._gateway.background(self._gateway.left(live))
            raise

    async def async_post_call_response_headers_hook(
        self,
        data: dict[str, Any],
        user_api_key_dict: Any,
        response: Any,
        request_headers: dict[str, str] | None = None,
        litellm_call_info: dict[str, Any] | None = None,
    ) -> dict[str, str] | None:
        """Who served, under which decision, and what is left of the limits."""
        live = self._live.find_served(data)
        return decision_headers(live.decision.trace) if live else None

    def _mark_next_target(self, live: Live, kwargs: dict[str, Any]) -> None:
        target, marks = live.decision.trace.attempts[-1].target, buckets(kwargs)
        mark_next_target(marks, live.decision.id, target)
        span = next(
            (bucket["litellm_parent_otel_span"] for bucket in marks if "litellm_parent_otel_span" in bucket), None
        )
        mark_spans(live.decision.trace, target, span)

    async def _usage(self, live: Live, kwargs: dict[str, Any], answer: Any) -> Usage:
        # A video is made later too, and billed by what was asked for.
        if live.decision.request.request_type == "responses" and is_unfinished(answer):
            return await self._gateway.responses.accept(live, kwargs, answer)
        name, facts = priced(live.decision, live.name), self._gateway.models.served(kwargs, answer, live.catalog)
        told = live.usages.usages or (told_in(answer) if live.call_type in (PASS_THROUGH, RELAYED) else [])
        return usage_of(kwargs, answer, live.decision, name, told, facts)

    async def _fail(self, live: Live, exception: Exception) -> None:
        recovery = await self._gateway.fail(live, exception)
        if not recovery.try_next:
            live.stopped = exception

    async def _begin(self, live: Live, model: str) -> None:
        if live.trying and live.cut:
            live.parts.cut(live.decision.trace.attempts[-1].target)
            await self._fail(live, live.cut)
            if live.call_type in _NOT_CONTINUED and live.delivered.output_tokens:
                # LiteLLM would begin a second answer behind the first half of this one.
                live.stopped = live.stopped or live.cut
        live.cut = None
        if live.stopped:
            raise live.stopped
        live.sent = live.heard = live.malformed = False
        name = self._gateway.hops.name(live, model)
        if live.own_credentials and live.decision.trace.attempts and name != live.name:
            # The router's own ways to other models: what the caller brought is for the first one alone.
            raise RateLimitError(message=ONE_PROVIDER, llm_provider="governance", model=model, num_retries=0)
        refusal = await live.engine.attempt(live.decision, name, live.may_call)
        if refusal:
            # num_retries=0 and no `response`: LiteLLM goes to the next fallback at once, and a caller that gets this
            # as the last word gets the header too (router.py, fallback_event_handlers.py).
            headers = {} if refusal.retry_after_s is None else {"retry-after": str(refusal.retry_after_s)}
            message = printable(refusal.message)
            raise RateLimitError(
                message=message, llm_provider="governance", model=model, num_retries=0, headers=headers
            )


MISPLACED = "LiteLLM has chosen a deployment without the labels that are required (label_mismatch)"
_NOT_CONTINUED = frozenset({"aresponses", "anthropic_messages"})
ONE_PROVIDER = "a request with provider credentials of its own is not tried at another model"


def _refused(live: Live) -> Exception:
    refusal = live.decision.refusal
    if refusal is None:
        raise ValueError("not refused")
    return exception_from(refusal, live.decision.id, decision_headers(live.decision.trace))
