"""Running something in this LiteLLM while nothing of this proxy notices."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import litellm
from litellm.litellm_core_utils import logging_worker, thread_pool_executor

T = TypeVar("T")

# Seen in 1.106-1.110. What LiteLLM tells to whom, and what it would keep answers in.
_LISTS: Final = (
    "callbacks",
    "input_callback",
    "success_callback",
    "failure_callback",
    "service_callback",
    "_async_input_callback",
    "_async_success_callback",
    "_async_failure_callback",
)
_SETTINGS: Final = ("cache", "default_fallbacks", "num_retries", "model_group_alias", "suppress_debug_info")


def run_apart(work: Callable[[], Awaitable[T]], callbacks: list[Any]) -> T:
    """Run `work` to its end with these callbacks alone, in a thread and an event loop of its own.

    The caller waits, and so does its event loop: whoever else has put something into LiteLLM's globals finds it there
    again, and hears nothing of what happened meanwhile.
    """
    ended: list[T] = []
    failed: list[BaseException] = []

    async def to_its_end() -> T:
        return await work()

    def run() -> None:
        try:
            ended.append(asyncio.run(to_its_end()))
        except BaseException as error:  # raised again, in the thread that waits
            failed.append(error)

    with _put_aside(callbacks):
        thread = threading.Thread(target=run, name="governance-contract")
        thread.start()
        thread.join()
    if failed:
        raise failed[0]
    return ended[0]


@contextmanager
def _put_aside(callbacks: list[Any]) -> Iterator[None]:
    # In place: others hold these very lists.
    lists = {name: found for name in _LISTS if isinstance(found := getattr(litellm, name, None), list)}
    kept = {name: list(entries) for name, entries in lists.items()}
    settings = {name: getattr(litellm, name) for name in _SETTINGS if hasattr(litellm, name)}
    prices = dict(litellm.model_cost)
    worker: Any = logging_worker.GLOBAL_LOGGING_WORKER
    state = dict(vars(worker))
    executor: Any = thread_pool_executor.executor
    for name, entries in lists.items():
        entries[:] = callbacks if name == "callbacks" else []
    for name in settings:
        setattr(litellm, name, None)
    # It is bound to the event loop that it serves.
    vars(worker).update(vars(type(worker)()))
    # What synchronous callbacks are told in other threads could come after all this is over.
    executor.submit = _left_out
    try:
        yield
    finally:
        del executor.submit
        vars(worker).clear()
        vars(worker).update(state)
        for name, value in settings.items():
            setattr(litellm, name, value)
        for name in lists:
            now = getattr(litellm, name)
            now[:] = kept[name]
        for added in litellm.model_cost.keys() - prices.keys():
            del litellm.model_cost[added]


def _left_out(*args: Any, **kwargs: Any) -> Future[None]:
    done: Future[None] = Future()
    done.set_result(None)
    return done
