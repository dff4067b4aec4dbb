"""GET /governance/api/usage on a ledger in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from governance.admin import usage
from governance.engine.host import Host
from governance.ledger import Health, Ledger
from governance.ledger.memory import MemoryLedger
from governance.model import Charge, Window
from governance.usecases.survey import survey

NOW = 1_767_225_600.0
MINUTE = Window("per team", "team:research", "requests", 4, 60)
BUDGET = Window("Monthly", "team:research", "usd_micros", 1_000, "month")
OTHER = Window("per team", "team:sales && model:gpt-4o", "requests", 4, 60)


class Worker:
    def __init__(self, ledger: Ledger) -> None:
        class engine:
            host = Host.parse("version: 1")

        engine.ledger = ledger  # type: ignore[attr-defined]
        self.engine: Any = engine


@pytest.fixture
async def ledger() -> Ledger:
    ledger = MemoryLedger(lambda: NOW)
    await ledger.announce([MINUTE, BUDGET, OTHER])
    charges = [Charge(MINUTE, 1), Charge(BUDGET, 100)]
    for name in ("settled", "open"):
        await ledger.reserve(charges, (), reservation_id=name, deadline_s=60)
    await ledger.settle("settled", {"usd_micros": 30})
    return ledger


async def ask(ledger: Ledger, **asked: str) -> httpx.Response:
    app = FastAPI()
    app.include_router(usage.routes(Worker(ledger)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy") as client:
        return await client.get("/api/usage", params=asked)


async def test_every_window_is_told_the_soonest_empty_first(ledger: Ledger) -> None:
    told = (await ask(ledger)).json()

    assert told["at"] == "2026-01-01T00:00:00.000Z"
    assert told["ledger"] == {"kind": "memory", "reachable": True, "epoch": "2026-01-01T00:00:00.000Z"}
    assert (told["total"], told["cursor"], told["ordered_at"]) == (3, None, None)
    assert [(w["limit"], w["percent"], w["used"], w["reserved"], w["remaining"]) for w in told["windows"]] == [
        ("per team", 50.0, 1, 1, 2),
        ("Monthly", 13.0, 30, 100, 870),
        ("per team", 0.0, 0, 0, 4),
    ]


@pytest.mark.parametrize(
    ("asked", "subjects"),
    [
        ({"subject": "team:research"}, {"team:research"}),
        ({"subject": "model:gpt-4o"}, {"team:sales && model:gpt-4o"}),
        ({"subject": "everyone"}, set()),
        ({"limit": "monthly"}, {"team:research"}),
        ({"subject": "team:sales", "limit": "Monthly"}, set()),
    ],
)
async def test_one_subject_or_one_limit_may_be_asked_for(
    ledger: Ledger, asked: dict[str, str], subjects: set[str]
) -> None:
    assert {window["subject"] for window in (await ask(ledger, **asked)).json()["windows"]} == subjects


async def test_a_subject_that_is_none_is_refused(ledger: Ledger) -> None:
    answer = await ask(ledger, subject="research")

    assert answer.status_code == 400
    assert "team:research" in answer.json()["error"]["message"]


@pytest.mark.parametrize("more", [47, 997], ids=["read whole", "read by page"])
async def test_many_windows_are_told_page_by_page(ledger: Ledger, more: int) -> None:
    await ledger.announce([replace(MINUTE, subject=f"end_user:{i}") for i in range(more)])
    for name in "abcd":
        charge = Charge(replace(MINUTE, subject="end_user:7"), 1)
        await ledger.reserve([charge], (), reservation_id=name, deadline_s=60)

    class engine:
        host = Host.parse("version: 1")

    engine.ledger = ledger  # type: ignore[attr-defined]
    assert await survey(engine, pause_s=0) == more + 3  # type: ignore[arg-type]
    told = (await ask(ledger, size="20")).json()
    pages = [told]
    while told["cursor"]:
        told = (await ask(ledger, size="20", cursor=told["cursor"])).json()
        pages.append(told)
    rows = [row for page in pages for row in page["windows"]]

    assert [(row["subject"], row["percent"]) for row in rows[:2]] == [("end_user:7", 100.0), ("team:research", 50.0)]
    assert rows[0]["recent"] == {"until": "2026-01-01T00:00:00.000Z", "percent": [100.0]}
    assert all(len(page["windows"]) == 20 for page in pages[:-1])
    assert len(rows) == len({(row["limit"], row["subject"]) for row in rows}) == more + 3
    assert {page["total"] for page in pages} == {more + 3}
    assert {page["ordered_at"] for page in pages} == {None if more < 500 else "2026-01-01T00:00:00.000Z"}


@pytest.mark.parametrize("cursor", ["7", "nan~" + "a" * 28, "1~short", "1e9~" + "a" * 28])
async def test_a_cursor_that_no_page_gave_is_refused(ledger: Ledger, cursor: str) -> None:
    answer = await ask(ledger, cursor=cursor)

    assert answer.status_code == 400
    assert "cursor" in answer.json()["error"]["message"]


async def test_a_ledger_that_does_not_answer_is_told_as_such() -> None:
    class Away(MemoryLedger):
        async def health(self) -> Health:
            return Health("redis", False, None, None, None, None)

    told = (await ask(Away())).json()

    assert told["ledger"] == {"kind": "redis", "reachable": False, "epoch": None}
    assert told["windows"] == []
