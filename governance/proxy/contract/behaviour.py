"""What LiteLLM must do, and the requests that show whether it does. Nothing of them leaves this process.

Every assumption about the order and the arguments of LiteLLM's hooks stands here; seen in 1.106, 1.108, 1.109 and
1.110 alike, except where it says so.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final

from litellm.caching.dual_cache import DualCache
from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.auth.user_api_key_auth import user_api_key_auth
from litellm.proxy.utils import ProxyLogging

from governance.proxy.contract.apart import run_apart
from governance.proxy.contract.carriers import provider_bytes, response_ids
from governance.proxy.contract.witness import (
    FIRST,
    FULL,
    LAST,
    MARK,
    TOLD_WITHIN_S,
    Told,
    Witness_PROXY_,
    private_router,
)
from governance.proxy.hops import listen

Differences = dict[str, str]

_MESSAGES: Final = [{"role": "user", "content": "does it hold?"}]


def probe_behaviour() -> Differences:
    """Every probe by name, with what differs; "" where nothing does."""
    witness = Witness_PROXY_()
    stop = listen(witness.announced)
    try:
        return run_apart(lambda: _probe(witness), [witness])
    finally:
        stop()


PROBES: Final = (
    "pre_call_hook",
    "hop_after_failure",
    "refused_hop",
    "usage_of_answer",
    "usage_of_stream",
    "deployment_ids",
    "unlogged_request",
    "provider_bytes",
    "response_ids",
    "login_of_pages",
)


async def _probe(witness: Witness_PROXY_) -> Differences:
    found: Differences = {}
    await _tried(found, "pre_call_hook", lambda: _pre_call(witness))
    router: Any = private_router()
    request = {"model": FIRST, "messages": _MESSAGES, "fallbacks": [FULL, LAST], "num_retries": 0}
    await _tried(found, "hop_after_failure", lambda: _answer(router, request, witness))
    found["refused_hop"] = "" if found["hop_after_failure"] else next(_at_a_refused_hop(witness.told), "")
    found["hop_after_failure"] = found["hop_after_failure"] or next(_at_a_hop(witness.told), "")
    found["usage_of_answer"] = _usage("an answer", witness)
    found["deployment_ids"] = _deployment_ids(witness)
    witness.told.clear()
    stream = {**request, "model": LAST, "fallbacks": [], "stream": True, "stream_options": {"include_usage": True}}
    await _tried(found, "usage_of_stream", lambda: _answer(router, stream, witness))
    found["usage_of_stream"] = found["usage_of_stream"] or _usage("a stream", witness)
    unlogged = {**request, "model": LAST, "fallbacks": [], "no-log": True}
    await _tried(found, "unlogged_request", lambda: _answer(router, unlogged, witness))
    await _tried(found, "provider_bytes", provider_bytes)
    await _tried(found, "response_ids", response_ids)
    found["login_of_pages"] = login_difference(user_api_key_auth)
    return found


def login_difference(verify: Callable[..., Any]) -> str:
    """Whether LiteLLM's check of a key can be called as the login of the pages calls it; "" where it can.

    It is not called here: it may ask a database, or run the owner's own code. LiteLLM itself calls it so for a
    WebSocket (user_api_key_auth_websocket, proxy/auth/user_api_key_auth.py). See governance/proxy/logging_in.py.
    """
    if not inspect.iscoroutinefunction(verify):
        return "the check of a key is no coroutine that can be awaited outside of a route"
    try:
        inspect.signature(verify).bind(request=None, api_key="Bearer sk-probe")
    except TypeError as error:
        return f"the check of a key cannot be called with a request and a key alone: {error}"
    return ""


async def _tried(found: Differences, name: str, work: Callable[[], Any]) -> None:
    try:
        found[name] = await work() or ""
    except Exception as error:  # whatever another LiteLLM raises is the finding
        found[name] = f"{_WHAT[name]} ends with {type(error).__name__}: {str(error)[:200]}".replace("\n", " ")


_WHAT: Final = {
    "pre_call_hook": "a request before its call",
    "hop_after_failure": "a request whose first target fails",
    "usage_of_stream": "a stream",
    "unlogged_request": "a request with no-log",
    "provider_bytes": "a provider's stream",
    "response_ids": "reading the id of a response",
}


async def _pre_call(witness: Witness_PROXY_) -> str:
    data = {"model": FIRST, "messages": _MESSAGES, "metadata": {MARK: True}}
    cache: Any = DualCache()
    logging = ProxyLogging(user_api_key_cache=cache)
    await logging.pre_call_hook(
        user_api_key_dict=UserAPIKeyAuth(api_key="sk-probe"), data=data, call_type="acompletion"
    )
    asked = any(told == Told("pre_call", FIRST, True) for told in witness.told)
    return "" if asked else "the pre-call hook of a callback is not called"


async def _answer(router: Any, request: dict[str, Any], witness: Witness_PROXY_) -> str:
    witness.usage = None
    witness.answered.clear()
    answer = await router.acompletion(**request, metadata={MARK: True})
    if request.get("stream"):
        async for _ in answer:
            pass
    try:
        await asyncio.wait_for(witness.answered.wait(), TOLD_WITHIN_S)
    except asyncio.TimeoutError:
        of = "a request with no-log" if request.get("no-log") else "an answer"
        return f"no success event tells of {of}"
    return ""


def _usage(what: str, witness: Witness_PROXY_) -> str:
    told = [getattr(witness.usage, name, None) for name in ("prompt_tokens", "completion_tokens")]
    return "" if all(isinstance(count, int) and count > 0 for count in told) else f"{what} tells no usage"


def _deployment_ids(witness: Witness_PROXY_) -> str:
    """Which deployment is asked, and which has answered: prices and limits of groups go by it."""
    if not witness.chosen:
        return "the hook before an attempt is not told the id of the deployment"
    same = witness.chosen == witness.served
    return "" if same else "the success event does not tell the id of the deployment that was asked"


def _at_a_hop(told: list[Told]) -> Iterator[str]:
    """A first target, the failure of it, and the next one: which hooks are called, and what they are given."""
    hooks = [entry.hook for entry in told]
    for hook, what in (
        ("filter", "the filter hook of an attempt"),
        ("deployment", "the hook before an attempt goes to its provider"),
        ("failure", "the hook after a failed attempt"),
        ("success", "the success event"),
    ):
        if hook not in hooks:
            yield f"{what} is not called"
        elif not all(entry.marked for entry in told if entry.hook == hook):
            yield f"{what} gets nothing of the request that it belongs to"
    if "fallback check" not in hooks:
        yield "the fallback check is not asked before a hop"
        return
    # 1.110 tells the wildcard group that serves a target, the versions before the target itself.
    first = next((entry.model for entry in told if entry.hook == "filter"), "")
    if first not in (FIRST, "groq/*"):
        yield f"the filter hook is told {first} for {FIRST}"
    if Told("fallback check", LAST, True) not in told:
        yield "the fallback check is not told the name of the hop"
    elif "filter" not in hooks[hooks.index("fallback check") :]:
        yield "the filter hook is not called after the fallback check"
    if Told("deployment", LAST, True) not in told:
        yield "the hook before an attempt is not told the name of the hop"


def _at_a_refused_hop(told: list[Told]) -> Iterator[str]:
    """A hop that the filter hook refuses: no provider is asked, nothing is tried again, the next one follows."""
    if any(entry.hook == "deployment" and entry.model == FULL for entry in told):
        yield "a hop that the filter hook refuses is tried all the same"
    after = told[next((i for i, entry in enumerate(told) if entry.model == FULL), 0) :]
    later = next((i for i, entry in enumerate(after) if entry.model == LAST), len(after))
    if sum(entry.hook == "filter" for entry in after[:later]) != 1:
        yield "a hop that the filter hook refuses is tried again"
