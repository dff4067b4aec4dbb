"""A ledger whose calls are timed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import Any, ParamSpec, TypeVar

from governance.ledger import Ledger

P = ParamSpec("P")
T = TypeVar("T")
Async = Callable[P, Coroutine[Any, Any, T]]


class Timed:
    """Every promise of the ledger inside, and a word on how long each call took.

    Args:
        took: is given the name of the call and its seconds, also when it failed.
    """

    def __init__(self, ledger: Ledger, took: Callable[[str, float], None]) -> None:
        self.reserve = _timed("reserve", ledger.reserve, took)
        self.move = _timed("move", ledger.move, took)
        self.settle = _timed("settle", ledger.settle, took)
        self.release = _timed("release", ledger.release, took)
        self.renew = _timed("renew", ledger.renew, took)
        self.cool_down = _timed("cool_down", ledger.cool_down, took)
        self.recovered = _timed("recovered", ledger.recovered, took)
        self.read = _timed("read", ledger.read, took)
        self.reserved = _timed("reserved", ledger.reserved, took)
        self.announce = _timed("announce", ledger.announce, took)
        self.listed = _timed("listed", ledger.listed, took)
        self.survey = _timed("survey", ledger.survey, took)
        self.known = _timed("known", ledger.known, took)
        self.rank = _timed("rank", ledger.rank, took)
        self.health = _timed("health", ledger.health, took)
        self.close = ledger.close


def _timed(name: str, call: Async[P, T], took: Callable[[str, float], None]) -> Async[P, T]:
    async def timed(*args: P.args, **kwargs: P.kwargs) -> T:
        began_s = perf_counter()
        try:
            return await call(*args, **kwargs)
        finally:
            took(name, perf_counter() - began_s)

    return timed
