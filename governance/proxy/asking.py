"""Questions to the store: each in a thread, so that no request waits for a database, few at once, and not for ever."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeVar

from governance.model.errors import StoreUnavailable
from governance.policy.truth import has_store
from governance.store import Store, default_url, open_store, shown

log = logging.getLogger("governance.proxy")

ANSWER_WITHIN_S: Final = 5.0
# A database that hangs keeps a thread for each question; more than these are not asked.
_MOST_QUESTIONS: Final = 8
_TRY_AGAIN_EVERY_S: Final = 5.0

T = TypeVar("T")


class Questions:
    """Those of one worker."""

    def __init__(self) -> None:
        self._waiting = 0

    async def ask(self, question: Callable[[], T], store: str, within_s: float | None = None) -> T:
        """What `question` returns or raises.

        Args:
            store: what the store is called in messages.
            within_s: what it may take, where that is more than a question takes: policy tests do.

        Raises:
            StoreUnavailable: it does not answer in time, or too many wait for its answer already.
        """
        if self._waiting >= _MOST_QUESTIONS:
            raise StoreUnavailable(f"the store ({store}) does not answer: {self._waiting} questions wait for it")
        self._waiting += 1
        asked = in_thread(question)
        asked.add_done_callback(self._answered)
        within_s = within_s or ANSWER_WITHIN_S
        done, _ = await asyncio.wait({asked}, timeout=within_s)
        if not done:
            raise StoreUnavailable(f"the store ({store}) does not answer within {within_s:.0f} s")
        return asked.result()

    def _answered(self, asked: asyncio.Future[Any]) -> None:
        self._waiting -= 1
        if not asked.cancelled():
            asked.exception()  # whoever has given up waiting shall not be told of it as a mistake


class StoreOnDemand:
    """A store that is opened when somebody needs it for the first time, and never if nobody does.

    Attributes:
        trouble: why it did not answer the last time; None = it did, or nobody has needed it.
    """

    def __init__(self, url: str | None, environment: Mapping[str, str]) -> None:
        self.name = shown(url or default_url(environment))
        self.trouble: str | None = None
        self._url, self._environment = url, environment
        self._questions = Questions()
        self._opening = threading.Lock()
        self._store: Store | None = None

    @property
    def opened(self) -> bool:
        return self._store is not None

    @property
    def exists(self) -> bool:
        """Whether there may be something in it."""
        return self.opened or has_store(self._url, self._environment)

    async def ask(self, use: Callable[[Store], T], within_s: float | None = None) -> T:
        """What a use case makes of the store. Raises StoreUnavailable, and whatever the use case raises."""
        try:
            answer = await self._questions.ask(lambda: use(self._open()), self.name, within_s)
        except StoreUnavailable as error:
            self._tell(str(error))
            raise
        self._tell(None)
        return answer

    def ask_now(self, use: Callable[[Store], T]) -> T:
        """The same for who starts and cannot wait for others; blocks."""
        try:
            return now(lambda: use(self._open()), self.name)
        except StoreUnavailable as error:
            self._tell(str(error))
            raise

    async def watch(self) -> None:
        """Notice that a store that was away is back, until cancelled: who needed it may not ask again for hours."""
        while True:
            await asyncio.sleep(_TRY_AGAIN_EVERY_S)
            if self.trouble:
                with suppress(StoreUnavailable):
                    await self.ask(_touch)

    def close(self) -> None:
        """Let go of its connections. Blocks."""
        with self._opening:
            store, self._store = self._store, None
        if store is not None:
            store.close()

    def _open(self) -> Store:
        with self._opening:
            if self._store is None:
                self._store = open_store(self._url, self._environment)
            return self._store

    def _tell(self, trouble: str | None) -> None:
        if trouble and not self.trouble:
            log.error("%s", trouble)
        elif self.trouble and not trouble:
            log.info("the store (%s) answers again", self.name)
        self.trouble = trouble


def in_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    """What `work` returns or raises. The process does not wait for a thread that hangs when it ends."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if not future.done():
            future.set_exception(error) if error is not None else future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        try:
            result, error = work(), None
        except BaseException as raised:  # it belongs to whoever waits
            result, error = None, raised
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, result, error)

    threading.Thread(target=run, daemon=True, name="governance-store").start()
    return future


def now(work: Callable[[], T], store: str) -> T:
    """What `work` returns or raises; blocks. Raises StoreUnavailable when that takes too long."""
    told: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            told.put((work(), None))
        except BaseException as raised:  # it belongs to whoever waits
            told.put((None, raised))

    threading.Thread(target=run, daemon=True, name="governance-store").start()
    try:
        result, error = told.get(timeout=ANSWER_WITHIN_S)
    except queue.Empty:
        raise StoreUnavailable(f"the store ({store}) does not answer within {ANSWER_WITHIN_S:.0f} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


def _touch(store: Store) -> None:
    with store.read() as work:
        work.pointer.get()
