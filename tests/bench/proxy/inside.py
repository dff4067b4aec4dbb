"""Callbacks and keys of the proxies that are measured, and what they tell of themselves.

Every proxy has `watch`, also the bare one: it times the collector, and counts calls of functions while it is asked to.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections import Counter
from typing import Any

from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy import proxy_server
from litellm.proxy._types import UserAPIKeyAuth

from tests.bench.proxy.slowed import slow

KEY = {"api_key": "sk-bench-caller", "user_id": "u1", "team_id": "research", "models": []}
LARGE = {f"{who}{unit}_limit": 10**9 for who in ("", "user_", "team_") for unit in ("tpm", "rpm")}


slow(os.environ)


async def plain_key(request: Any, api_key: str) -> UserAPIKeyAuth:
    return UserAPIKeyAuth(**KEY)


async def limited_key(request: Any, api_key: str) -> UserAPIKeyAuth:
    return UserAPIKeyAuth(**KEY, **LARGE)


class Watch(CustomLogger):
    """The collector's pauses by generation, and calls of functions."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses_ns: list[list[int]] = [[], [], []]
        self.calls: Counter[Any] = Counter()
        self._began_ns = 0
        gc.callbacks.append(self._collecting)

    def _collecting(self, phase: str, told: dict[str, int]) -> None:
        if phase == "start":
            self._began_ns = time.perf_counter_ns()
        else:
            self.pauses_ns[told["generation"]].append(time.perf_counter_ns() - self._began_ns)

    def count(self, frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            self.calls[frame.f_code] += 1


watch = Watch()


@proxy_server.app.post("/bench/collector")
async def collector() -> dict[str, Any]:
    """Collections since the last time: how many of each generation, their sum and the longest, in microseconds."""
    told, watch.pauses_ns = watch.pauses_ns, [[], [], []]
    return {
        "collections": [len(each) for each in told],
        "sum_us": [sum(each) / 1000 for each in told],
        "longest_us": max((pause for each in told for pause in each), default=0) / 1000,
    }


@proxy_server.app.post("/bench/calls/begin")
async def begin() -> None:
    watch.calls.clear()
    sys.setprofile(watch.count)


@proxy_server.app.post("/bench/calls/end")
async def end() -> dict[str, Any]:
    """Python functions of the event loop's thread since the beginning: of all, and of governance and its plugins.
    `each_own`: how often each of the latter was called.
    """
    sys.setprofile(None)
    ours = {code: n for code, n in watch.calls.items() if "/governance" in code.co_filename}
    places = {code: code.co_filename.partition("/governance")[2] for code in ours}
    return {
        "each_own": {f"{places[code]}:{code.co_firstlineno} {code.co_qualname}": n for code, n in ours.items()},
        "functions": len(watch.calls),
        "calls": sum(watch.calls.values()),
        "own_functions": len(ours),
        "own_calls": sum(ours.values()),
    }


class Nothing(CustomLogger):
    """What it costs LiteLLM to call every hook that governance has."""

    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        return data

    async def async_filter_deployments(
        self, model, healthy_deployments, messages, request_kwargs=None, parent_otel_span=None
    ):
        return healthy_deployments

    async def async_pre_call_deployment_hook(self, kwargs, call_type):
        return None

    async def async_post_call_failure_deployment_hook(self, request_data, exception, call_type, fallback_depth=None):
        return None

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        return None

    async def async_post_call_failure_hook(
        self, request_data, original_exception, user_api_key_dict, traceback_str=None
    ):
        return None

    async def async_post_call_streaming_iterator_hook(self, user_api_key_dict, response, request_data):
        async for chunk in response:
            yield chunk

    async def async_post_call_response_headers_hook(
        self, data, user_api_key_dict, response, request_headers=None, litellm_call_info=None
    ):
        return None


nothing = Nothing()
