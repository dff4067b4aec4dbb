"""Backtests that this process runs: each in a process of its own, never beside requests, and one at a time for all."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from governance.catalog import Catalog
from governance.model.errors import StoreUnavailable
from governance.policy import Policy
from governance.store import Backtest, Store
from governance.usecases.backtests import begin, done, failed, still_runs
from governance.usecases.noted import Author
from governance.usecases.questions import Question

log = logging.getLogger("governance.backtest")

_TOLD_EVERY_S: Final = 1.0
# A report is one line.
_LONGEST_LINE: Final = 64 << 20
_CHILD: Final = "governance.usecases.backtest_child"


class Ask(Protocol):
    """What a use case makes of the store. Raises StoreUnavailable, and whatever the use case raises."""

    def __call__(self, use: Callable[[Store], Any], within_s: float = ...) -> Awaitable[Any]: ...


class Wanted(NamedTuple):
    """Two policies and a question.

    Args:
        active_hash, candidate_hash: of what both say.
        environment: names of the variables that they may use; None = all.
        path: of recorded traffic; None = where this machine's proxies record it.
    """

    active: Policy
    active_hash: str
    candidate: str
    candidate_hash: str
    question: Question
    environment: tuple[str, ...] | None
    path: Path | None = None


class Backtesting:
    """Starts them, and tells the store how far they are.

    Args:
        ask: the store.
        clock: of the moment.
    """

    def __init__(self, ask: Ask, clock: Callable[[], datetime]) -> None:
        self._ask, self._clock = ask, clock
        self._running: dict[str, asyncio.Task[None]] = {}

    async def start(self, wanted: Wanted, catalog: Catalog, author: Author) -> Backtest:
        """Begin one. Raises BacktestRuns, StoreUnavailable."""
        hashes = wanted.active_hash, wanted.candidate_hash
        one: Backtest = await self._ask(
            partial(
                begin,
                active_hash=hashes[0],
                candidate_hash=hashes[1],
                question=wanted.question,
                author=author,
                now=self._clock(),
            )
        )
        # Only now: it brings all of what plays traffic, and most workers never do.
        from governance.usecases.replayed import folder_of

        path = wanted.path or folder_of(wanted.active, os.environ)
        spec = {
            "active": wanted.active.text,
            "candidate": wanted.candidate,
            "environment": wanted.environment,
            "catalog": catalog.given,
            "path": None if path is None else str(path),
            "question": wanted.question.text,
            "now_ms": int(one.begun_at.timestamp() * 1000),
        }
        task = asyncio.get_running_loop().create_task(self._run(one.id, spec))
        self._running[one.id] = task
        task.add_done_callback(lambda _: self._running.pop(one.id, None))
        return one

    async def ended(self, id: str, within_s: float) -> bool:
        """Whether it has ended, after at most so many seconds; of one of another process nothing is known."""
        task = self._running.get(id)
        if task is not None:
            await asyncio.wait({task}, timeout=within_s)
        return task is None or task.done()

    async def close(self) -> None:
        """The proxy ends, and with it what it runs."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _run(self, id: str, spec: dict[str, Any]) -> None:
        error = "the proxy has ended"
        try:
            error = await self._child(id, spec)
        except StoreUnavailable as away:
            error = str(away)
        except Exception as fault:  # it has to end for whoever waits, whatever happened
            log.exception("backtest %s failed", id)
            error = f"{type(fault).__name__}: {fault}"
        finally:
            if error:
                with suppress(StoreUnavailable):
                    await asyncio.shield(self._ask(partial(failed, id=id, error=error, now=self._clock())))

    async def _child(self, id: str, spec: dict[str, Any]) -> str:
        """Why it came to nothing; "" where its result is kept."""
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _CHILD,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            limit=_LONGEST_LINE,
            # It has processes of its own, which end with it.
            start_new_session=True,
        )
        assert child.stdin is not None and child.stdout is not None and child.stderr is not None  # noqa: S101, PT018
        said = asyncio.ensure_future(child.stderr.read())
        try:
            child.stdin.write(json.dumps(spec, default=str).encode())
            with suppress(BrokenPipeError, ConnectionResetError):
                await child.stdin.drain()
            child.stdin.close()
            told = await self._follow(id, child.stdout)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            await child.wait()
        if told is None:
            return "cancelled"
        if "report" in told:
            kept = await self._ask(partial(done, id=id, result=told["report"].encode(), now=self._clock()))
            return "" if kept else "cancelled"
        last = (await said).decode("utf-8", "replace").strip().splitlines()[-1:]
        return told.get("error") or f"its process has ended: {''.join(last) or 'killed'}"

    async def _follow(self, id: str, stdout: asyncio.StreamReader) -> dict[str, Any] | None:
        """What it says at the end; None where nobody wants it any more."""
        progress: dict[str, Any] = {"lines": 0}
        loop = asyncio.get_running_loop()
        told_s = loop.time()
        reading = asyncio.ensure_future(stdout.readline())
        try:
            while True:
                await asyncio.wait({reading}, timeout=_TOLD_EVERY_S)
                news = False
                if reading.done():
                    line = reading.result()
                    if not line:
                        return {}
                    told: dict[str, Any] = json.loads(line)
                    if "report" in told or "error" in told:
                        return told
                    progress |= told
                    news = "first" in told
                    reading = asyncio.ensure_future(stdout.readline())
                if news or loop.time() - told_s >= _TOLD_EVERY_S:
                    told_s = loop.time()
                    if not await self._ask(partial(still_runs, id=id, progress=progress, now=self._clock())):
                        return None
        finally:
            reading.cancel()
