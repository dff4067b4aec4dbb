"""Where the policy in force comes from: the file, or the store, which every worker asks once a second."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeVar

from governance.apart import full_collections_wait
from governance.engine.host import Host
from governance.model.errors import GovernanceError, StoreUnavailable
from governance.policy import Policy
from governance.policy.document import Core
from governance.proxy.asking import ANSWER_WITHIN_S, Questions, StoreOnDemand, in_thread, now
from governance.proxy.reload import PolicyWatch, Reloadable
from governance.store import Store, Worker, default_url, shown
from governance.usecases.follow import Follower, Serve, Tried

log = logging.getLogger("governance.proxy")

_ASK_EVERY_S: Final = 1.0
# A loop that does not come round for so long is stopping.
_SERVED_WITHIN_S: Final = 60.0

T = TypeVar("T")


class Policies(Protocol):
    """One worker's source of policies."""

    file: Path
    settings: Core

    @property
    def source(self) -> Literal["file", "database"]:
        """Which of the two is the truth."""

    @property
    def followed(self) -> dict[str, Any] | None:
        """How it stands with the policy in the store; None where the file is the truth."""

    @property
    def store(self) -> dict[str, Any]:
        """The store: its `name`, whether it is `opened`, and an `error` while somebody needs it and it is away."""

    def begin(self) -> Host:
        """The policy to start with. Raises GovernanceError."""

    async def run(self, running: Reloadable) -> None:
        """Let it run by the policy in force, until cancelled."""

    async def ask(self, use: Callable[[Store], T], within_s: float | None = None) -> T:
        """What a use case makes of the store. Raises StoreUnavailable, and whatever the use case raises.

        Args:
            within_s: what it may take; policy tests take longer than a question.
        """

    @property
    def has_store(self) -> bool:
        """Whether there may be something in the store; where there is none, who asks makes one."""

    def ask_now(self, use: Callable[[Store], T]) -> T:
        """The same as `ask` before anything is served; blocks."""

    def look_soon(self) -> None:
        """Somebody has changed the policy."""

    async def close(self) -> None:
        """The worker ends."""


class FilePolicies:
    """The file is the truth; the store has what is not policy, and is opened when somebody needs that."""

    source: Literal["file"] = "file"
    followed = None

    def __init__(self, file: Path, watch: PolicyWatch, host: Host) -> None:
        self.file, self.settings = file, host.policy.core
        self._watch, self._begun_with = watch, [host]
        self._store = StoreOnDemand(self.settings.store.url, os.environ)

    @property
    def store(self) -> dict[str, Any]:
        return {"name": self._store.name, "opened": self._store.opened, "error": self._store.trouble}

    def begin(self) -> Host:
        # Not held on to: after a reload nobody needs it.
        return self._begun_with.pop()

    async def run(self, running: Reloadable) -> None:
        await asyncio.gather(self._watch.run(running), self._store.watch())

    async def ask(self, use: Callable[[Store], T], within_s: float | None = None) -> T:
        return await self._store.ask(use, within_s)

    @property
    def has_store(self) -> bool:
        return self._store.exists

    def ask_now(self, use: Callable[[Store], T]) -> T:
        return self._store.ask_now(use)

    def look_soon(self) -> None:
        """The file is watched."""

    async def close(self) -> None:
        await asyncio.wait({in_thread(self._store.close)}, timeout=ANSWER_WITHIN_S)


class StoredPolicies:
    """The store is the truth, and the file its first revision."""

    source: Literal["database"] = "database"
    has_store = True

    def __init__(self, file: Path, policy: Policy) -> None:
        self.file, self.settings = file, policy.core
        host = socket.gethostname()
        worker = Worker(f"{host}-{os.getpid()}-{os.urandom(2).hex()}", host, None, None, None, _now())
        self._follower = Follower(policy, os.environ, worker, _now)
        self._trouble: str | None = None
        self._soon = asyncio.Event()
        self._questions = Questions()

    @property
    def followed(self) -> dict[str, Any]:
        store, tried = self._follower.store, self._follower.tried
        return {
            "store": None if store is None else store.name,
            "revision_id": self._follower.active_id,
            "error": self._trouble,
            "candidate": None if tried is None else {"revision_id": tried.id, **tried.staging._asdict()},
        }

    @property
    def store(self) -> dict[str, Any]:
        name = shown(self.settings.store.url or default_url(os.environ))
        return {"name": name, "opened": self._follower.store is not None, "error": self._trouble}

    def begin(self) -> Host:
        host, self._trouble = self._follower.begin()
        if self._trouble:
            log.error("begun by the copy of revision %s: %s", self._follower.active_id, self._trouble)
        return host

    async def run(self, running: Reloadable) -> None:
        running.try_out(self._follower.tried)
        serve = partial(_hand_over, asyncio.get_running_loop(), running)
        while True:
            try:
                with full_collections_wait():
                    await self._look(serve)
                self._tell_trouble(None)
            except GovernanceError as error:
                self._tell_trouble(str(error))
            except Exception as error:  # whatever it is, the next revision is to be seen too
                log.exception("the store cannot be followed")
                self._trouble = f"{type(error).__name__}: {error}"
            if running.reload.error != self._follower.refusal:
                running.reload = replace(running.reload, error=self._follower.refusal)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._soon.wait(), _ASK_EVERY_S)
            self._soon.clear()

    async def ask(self, use: Callable[[Store], T], within_s: float | None = None) -> T:
        store = self._opened()
        return await self._questions.ask(lambda: use(store), store.name, within_s)

    def ask_now(self, use: Callable[[Store], T]) -> T:
        store = self._opened()
        return now(lambda: use(store), store.name)

    def look_soon(self) -> None:
        self._soon.set()

    async def close(self) -> None:
        with suppress(StoreUnavailable):
            ending = in_thread(self._follower.end)
            await asyncio.wait({ending}, timeout=ANSWER_WITHIN_S)

    def _opened(self) -> Store:
        if self._follower.store is None:
            raise StoreUnavailable(self._trouble or "the store does not answer")
        return self._follower.store

    async def _look(self, serve: Serve) -> None:
        looking = in_thread(partial(self._follower.look, serve))
        while True:
            done, _ = await asyncio.wait({looking}, timeout=ANSWER_WITHIN_S)
            if done:
                looking.result()
                return
            if self._follower.reading is not None:
                continue  # the store has answered, and a long policy takes its time
            self._tell_trouble(f"the store does not answer within {ANSWER_WITHIN_S:.0f} s")

    def _tell_trouble(self, trouble: str | None) -> None:
        if trouble and not self._trouble:
            log.error("revision %s stays in force: %s", self._follower.active_id, trouble)
        elif self._trouble and not trouble:
            log.info("the store answers again; revision %s is in force", self._follower.active_id)
        self._trouble = trouble


def open_policies(file: Path) -> FilePolicies | StoredPolicies:
    """As the file says. Raises GovernanceError."""
    # Before the file is read for the first time, so that no change in between is missed.
    watch = PolicyWatch(file)
    host = Host.load(file)
    if host.policy.core.policy.source == "file":
        return FilePolicies(file, watch, host)
    return StoredPolicies(file, host.policy)


def differs_in_truth(one: Core, other: Core) -> bool:
    """Whether two policies disagree on where policies come from."""
    return (one.policy, one.store) != (other.policy, other.store)


def _hand_over(loop: asyncio.AbstractEventLoop, running: Reloadable, host: Host | None, tried: Tried | None) -> None:
    """Between two requests, from another thread; both policies in one step, so that no request sees a mixture."""
    served: Future[None] = Future()

    def serve() -> None:
        try:
            if host is not None:
                running.use(host)
            running.try_out(tried)
        except BaseException as error:  # it belongs to whoever waits
            served.set_exception(error)
        else:
            served.set_result(None)

    with suppress(RuntimeError):  # the loop is closed: nobody is served any more
        loop.call_soon_threadsafe(serve)
        served.result(_SERVED_WITHIN_S)


def _now() -> datetime:
    return datetime.now(timezone.utc)
