"""Backtests that the store keeps: one runs at a time, and what came of the newest ones."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from governance.model.errors import GovernanceError
from governance.store import Backtest, Store
from governance.usecases.noted import Author, name_of
from governance.usecases.questions import Question

# Whoever runs one tells it every second.
GONE_AFTER: Final = timedelta(seconds=60)
_LONGEST_ERROR: Final = 2_000


class NoSuchBacktest(GovernanceError):
    """There is no backtest of this id, or it is gone."""


class BacktestRuns(GovernanceError):
    """Another one runs, and there is one at a time; nothing was done.

    Attributes:
        running: that one.
    """

    def __init__(self, running: Backtest) -> None:
        super().__init__(f"backtest {running.id} by {running.author or 'somebody'} runs; wait for it, or cancel it")
        self.running = running


class NotRunning(GovernanceError):
    """It has ended already."""


def begin(
    store: Store, active_hash: str, candidate_hash: str, question: Question, author: Author, now: datetime
) -> Backtest:
    """Keep that one runs from now on. Raises BacktestRuns, StoreUnavailable."""
    one = Backtest(
        secrets.token_hex(8), active_hash, candidate_hash, question.text, name_of(author), "running", now, now
    )
    with store.write() as work:
        running = work.backtests.begin(one, now - GONE_AFTER)
    if running is not None:
        raise BacktestRuns(running)
    return one


def still_runs(store: Store, id: str, progress: Mapping[str, Any], now: datetime) -> bool:
    """It runs, and is so far; whether it may go on: nobody wants it to end. Raises StoreUnavailable."""
    with store.write() as work:
        return work.backtests.seen(id, json.dumps(progress), now)


def done(store: Store, id: str, result: bytes, now: datetime) -> bool:
    """Keep what came of it. False where somebody has cancelled it. Raises StoreUnavailable."""
    with store.write() as work:
        return work.backtests.move(id, "done", now, of=("running",), result=result)


def failed(store: Store, id: str, error: str, now: datetime) -> None:
    """It came to nothing, or was cancelled, as somebody has asked for. Raises StoreUnavailable."""
    with store.write() as work:
        if not work.backtests.move(id, "cancelled", now, of=("cancelling",)):
            work.backtests.move(id, "failed", now, error=error[:_LONGEST_ERROR])


def cancel(store: Store, id: str, now: datetime) -> Backtest:
    """Ask whoever runs it to end it. Raises NoSuchBacktest, NotRunning, StoreUnavailable."""
    with store.write() as work:
        asked = work.backtests.move(id, "cancelling", now)
        found = work.backtests.get(id)
    if found is None:
        raise NoSuchBacktest(_no_such(id))
    if not asked:
        raise NotRunning(f"backtest {id} has ended: it is {found.state}")
    return found


def backtest_of(store: Store, id: str) -> Backtest:
    """One, with its result as far as there is one. Raises NoSuchBacktest, StoreUnavailable."""
    with store.read() as work:
        found = work.backtests.get(id)
    if found is None:
        raise NoSuchBacktest(_no_such(id))
    return found


def backtests(store: Store, most: int) -> list[Backtest]:
    """The newest first, without results. Raises StoreUnavailable."""
    with store.read() as work:
        return work.backtests.newest(most)


def about(one: Backtest) -> dict[str, Any]:
    """One as plain values, without its result."""
    return {
        "id": one.id,
        "state": one.state,
        "active": one.active_hash,
        "candidate": one.candidate_hash,
        "question": json.loads(one.asked),
        "author": one.author,
        "begun_at": one.begun_at.isoformat(),
        "seen_at": one.seen_at.isoformat(),
        "progress": json.loads(one.progress),
        "error": one.error,
    }


def _no_such(id: str) -> str:
    return f"no backtest {id[:40]} is kept; the store keeps the newest"
