"""Who spent what, as it is asked for: by names, days and tags, for people and for spreadsheets."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timezone
from pathlib import Path

import pytest

from governance.store import Store, open_store
from governance.store.spend import Batch
from governance.traffic.spent import OTHER, Cell, Sums
from governance.usecases.spend import NotAsked, Report, asked, spend, told
from governance.usecases.spend_csv import as_csv, statement_csv, usd
from governance.usecases.statement import statement

NOW = datetime(2026, 12, 2, 13, 30, tzinfo=timezone.utc)
NOW_S = NOW.timestamp()
HOUR_S = int(NOW_S) - 1800
NOV_30_S = int(datetime(2026, 11, 30, 23, tzinfo=timezone.utc).timestamp())
CELLS = {
    Cell(HOUR_S, "t-1", "k1", "anna", "gpt", "openai/gpt", tags="a\x1fb"): Sums(3, 0, 30, 3, 1, 700, 5),
    Cell(HOUR_S, "t-1", "k2", "=cmd()", "gpt", "openai/gpt"): Sums(1, 1, 0, 0, 0, 0, 0, 90),
    Cell(HOUR_S, "t-2", "k3", OTHER, "sonnet", "anthropic/sonnet", tags="b"): Sums(2, 0, 20, 2, 0, 1_000_001),
    Cell(HOUR_S, "t-2", "k3", "bob", "sonnet", code="tokens_exhausted"): Sums(4),
    Cell(NOV_30_S, "t-1", "k1", "anna", "gpt", "openai/gpt"): Sums(1, 0, 10, 1, 0, 41),
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(f"sqlite:///{tmp_path}/g.db", {})
    with opened.write() as work:
        work.spend.add(Batch("w", 1, 0, 9, CELLS, {("team", "t-1"): "Research"}), NOW)
    return opened


def report(store: Store, by: str, **given: str | None) -> Report:
    where = {name: given.pop(name) for name in ("team", "model") if name in given}
    return spend(store, asked(by, given.get("last"), given.get("from_"), given.get("to"), where, NOW_S))


def rows(of: Report) -> dict[tuple[str, ...], int]:
    return {row.values: row.sums.usd_micros for row in of.rows}


def test_the_dearest_come_first_and_the_total_is_of_everything(store: Store) -> None:
    found = report(store, "team,model")

    assert list(rows(found).items()) == [(("t-2", "sonnet"), 1_000_001), (("t-1", "gpt"), 741)]
    assert found.rows[1].names == ("Research", "gpt")
    assert (found.total.requests, found.total.usd_micros, found.total.kept_usd_micros) == (11, 1_000_742, 90)
    assert "`(other)`" not in "".join(found.remarks)


def test_moments_come_in_their_order(store: Store) -> None:
    assert list(rows(report(store, "day"))) == [("2026-11-30",), ("2026-12-02",)]
    assert list(rows(report(store, "month,team"))) == [("2026-11", "t-1"), ("2026-12", "t-2"), ("2026-12", "t-1")]
    assert ("2026-12-02T13:00:00Z",) in rows(report(store, "hour"))
    assert rows(report(store, "provider")) == {("anthropic",): 1_000_001, ("openai",): 741, ("",): 0}


def test_a_request_counts_in_each_of_its_tags_and_that_is_said(store: Store) -> None:
    found = report(store, "tag")

    assert rows(found) == {("b",): 1_000_701, ("a",): 700, ("",): 41}
    assert found.total.usd_micros == 1_000_742
    assert any("counts in each of them" in remark for remark in found.remarks)
    assert any("(other)" in remark for remark in report(store, "user").remarks)


def test_a_time_is_of_whole_hours(store: Store) -> None:
    assert rows(report(store, "team", last="1h")) == {("t-2",): 1_000_001, ("t-1",): 700}
    assert rows(report(store, "team", from_="2026-11-30", to="2026-12-01")) == {("t-1",): 41}
    assert rows(report(store, "team", team="t-1", model="gpt")) == {("t-1",): 741}
    assert told(report(store, ""))["rows"][0]["usd_micros"] == 1_000_742
    assert rows(report(store, "team", from_="2025-01-01", to="2025-02-01")) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"by": "colour"}, "by: `colour` is nothing to sum up by"),
        ({"by": "team", "last": "soon"}, "last: `soon` is no period"),
        ({"by": "team", "last": "1d", "to": "2026-12-01"}, "last: goes up to now"),
        ({"by": "team", "from_": "yesterday"}, "from: `yesterday` is no date"),
        ({"by": "team", "from_": "2026-12-03", "to": "2026-12-01"}, "from: must be before `to`"),
    ],
)
def test_what_cannot_be_asked_is_said(store: Store, given: dict[str, str], message: str) -> None:
    with pytest.raises(NotAsked, match=message):
        report(store, **given)


def test_a_spreadsheet_gets_exact_dollars_and_no_formulas(store: Store) -> None:
    found = list(csv.DictReader(io.StringIO(as_csv(report(store, "team,user")))))

    assert found[0]["usd"] == "1.000001"
    assert {row["user"] for row in found} == {"anna", "bob", OTHER, "'=cmd()"}
    assert found[1]["team_name"] == "Research"
    assert usd(-41) == "-0.000041"


def test_a_statement_is_of_a_team_and_a_month(store: Store) -> None:
    december = statement(store, "Research", "2026-12", NOW_S)
    november = statement(store, "t-1", "2026-11", NOW_S)

    assert (december["team"], december["name"], december["final"]) == ("t-1", "Research", False)
    assert (november["final"], november["total"]["usd_micros"]) == (True, 41)
    assert december["total"]["usd_micros"] == 700
    assert [row["usd_micros"] for row in december["by_key"]] == [700, 0]
    last = list(csv.reader(io.StringIO(statement_csv(december))))[-1]
    assert (last[2], last[-1]) == ("total", "0.000700")
    with pytest.raises(NotAsked, match="has asked for nothing in 2026-10"):
        statement(store, "t-1", "2026-10", NOW_S)
    with pytest.raises(NotAsked, match="is no month"):
        statement(store, "t-1", "December", NOW_S)
