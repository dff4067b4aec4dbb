"""Sums by the hour, and the position of each worker: both or neither, and nothing twice."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from governance.model.errors import StoreUnavailable
from governance.store import Store
from governance.store.spend import DAY_S, Batch
from governance.traffic.spent import Cell, Sums
from tests.databases import Open

NOW = datetime(2026, 12, 2, 13, tzinfo=timezone.utc)
HOUR_S = int(NOW.timestamp())


def batch(number: int, **changes: object) -> Batch:
    cells = {Cell(HOUR_S, "research", model="m"): Sums(2, 0, 10, 5, 0, 700), Cell(HOUR_S, "sales"): Sums(1, 1)}
    plain = Batch("one", number, 10 * (number - 1), 10 * number, cells, {("team", "research"): "Research"})
    return plain._replace(**changes)


def add(store: Store, one: Batch) -> str:
    with store.write() as work:
        return work.spend.add(one, NOW)


def by_team(store: Store) -> dict[str, tuple[int, int]]:
    with store.read() as work:
        return {row[0]: (sums.requests, sums.usd_micros) for row, sums in work.spend.sums(["team"], 0, 2**40)}


def test_batches_of_several_workers_add_up(store: Store, open_one: Open) -> None:
    assert add(store, batch(1)) == "added"
    assert add(store, batch(2)) == "added"
    assert add(open_one(), batch(1, worker="two")) == "added"

    assert by_team(store) == {"research": (6, 2100), "sales": (3, 0)}
    with store.read() as work:
        assert work.spend.position("one") == (20, 2, False)
        assert work.spend.names("team") == {"research": "Research"}
        assert work.spend.sums(["hour_s", "team"], 0, HOUR_S) == []
        assert len(work.spend.sums(["hour_s"], HOUR_S, HOUR_S + 1, {"team": "research"})) == 1
        assert work.spend.first_hour_s() == HOUR_S


def test_a_batch_that_is_offered_again_is_added_once(store: Store) -> None:
    assert [add(store, batch(1)) for _ in range(3)] == ["added", "known", "known"]

    assert by_team(store)["research"] == (2, 700)


def test_lines_that_somebody_else_has_counted_are_not_counted_again(store: Store) -> None:
    add(store, batch(1))
    assert add(store, batch(2)._replace(number=17, closed=True)) == "added", "another worker took over"

    assert add(store, batch(2)) == "elsewhere"
    assert add(store, batch(3)) == "elsewhere"
    assert by_team(store)["research"] == (4, 1400)


def test_what_fails_in_the_middle_leaves_nothing(store: Store) -> None:
    broken = batch(1, cells={Cell(HOUR_S, "research"): Sums(2**70)})

    with pytest.raises((StoreUnavailable, OverflowError)), store.write() as work:
        work.spend.add(broken, NOW)

    assert by_team(store) == {}
    with store.read() as work:
        assert work.spend.positions() == {}


def test_hours_of_old_days_are_put_together_to_the_micro_dollar(store: Store) -> None:
    cells = {Cell(HOUR_S + hour * 3600, "research"): Sums(1, 0, 1, 1, 0, hour) for hour in range(-60, 60)}
    add(store, batch(1, cells=cells))
    before = by_team(store)
    with store.write() as work:
        assert work.spend.fold(HOUR_S) == 2

    assert by_team(store) == before
    with store.read() as work:
        hours = [row[0] for row, _ in work.spend.sums(["hour_s"], 0, HOUR_S)]
    assert len([hour for hour in hours if hour % DAY_S]) == 12
    with store.write() as work:
        assert work.spend.fold(HOUR_S) == 0


def test_what_is_older_than_it_is_kept_is_forgotten_with_workers_that_are_gone(store: Store) -> None:
    add(store, batch(1, closed=True))
    with store.write() as work:
        work.spend.forget(HOUR_S + 1, NOW + timedelta(seconds=1))

    assert by_team(store) == {}
    with store.read() as work:
        assert work.spend.positions() == {}
