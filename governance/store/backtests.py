"""Backtests, one at a time: who runs one says again and again that it still does."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from governance.store.records import Backtest
from governance.store.tables import backtest

# What came of one is a few hundred kilobytes at most.
MOST: Final = 50
RUNNING: Final = ("running", "cancelling")

_LIGHT: Final = [column for column in backtest.c if column.name != "result"]


class Backtests:
    """The newest fifty."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def begin(self, one: Backtest, alive_since: datetime) -> Backtest | None:
        """Keep one that begins, unless another one runs.

        Args:
            alive_since: one that runs and was not seen since then is over: whoever ran it has died.

        Returns:
            The one that runs; None where this one may.
        """
        lost = sa.and_(backtest.c.state.in_(RUNNING), backtest.c.seen_at < alive_since)
        died = {"state": "failed", "error": "whoever ran it has ended"}
        self._connection.execute(sa.update(backtest).where(lost).values(died))
        running = self._connection.execute(sa.select(*_LIGHT).where(backtest.c.state.in_(RUNNING))).first()
        if running is not None:
            return Backtest(**running._mapping)
        self._connection.execute(sa.insert(backtest).values(asdict(one)))
        newest = sa.select(backtest.c.id).order_by(backtest.c.begun_at.desc(), backtest.c.id).limit(MOST)
        kept = self._connection.execute(newest).scalars().all()
        self._connection.execute(sa.delete(backtest).where(backtest.c.id.not_in(kept)))
        return None

    def get(self, id: str) -> Backtest | None:
        """With its result, as far as there is one."""
        found = self._connection.execute(sa.select(backtest).where(backtest.c.id == id)).first()
        return None if found is None else Backtest(**found._mapping)

    def newest(self, most: int) -> list[Backtest]:
        """The newest first, without results."""
        asked = sa.select(*_LIGHT).order_by(backtest.c.begun_at.desc(), backtest.c.id).limit(most)
        return [Backtest(**row._mapping) for row in self._connection.execute(asked)]

    def of_both(self, active_hash: str, candidate_hash: str, since: datetime) -> list[Backtest]:
        """Those of these two policies that have begun since then, the newest first, with their results."""
        both = (backtest.c.active_hash == active_hash, backtest.c.candidate_hash == candidate_hash)
        asked = sa.select(backtest).where(*both, backtest.c.begun_at >= since).order_by(backtest.c.begun_at.desc())
        return [Backtest(**row._mapping) for row in self._connection.execute(asked)]

    def seen(self, id: str, progress: str, at: datetime) -> bool:
        """It still runs, and is so far. Whether it may go on."""
        values = {"progress": progress, "seen_at": at}
        running = sa.and_(backtest.c.id == id, backtest.c.state == "running")
        return self._connection.execute(sa.update(backtest).where(running).values(values)).rowcount == 1

    def move(self, id: str, state: str, at: datetime, of: Collection[str] = RUNNING, **values: object) -> bool:
        """Another state, from one of these. Whether it was in one of these."""
        there = sa.and_(backtest.c.id == id, backtest.c.state.in_(of))
        said = {"state": state, "seen_at": at, **values}
        return self._connection.execute(sa.update(backtest).where(there).values(said)).rowcount == 1
