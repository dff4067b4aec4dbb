"""GET /governance/api/usage on a ledger in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from governance.admin import usage
from governance.admin.usage import MOST_ROWS
from governance.engine.host import Host
from governance.ledger import Health, Ledger
from governance.ledger.memory import MemoryLedger
from governance.model import Charge, Window

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


async def test_every_window_is_told_the_fullest_first(ledger: Ledger) -> None:
    told = (await ask(ledger)).json()

    assert told["at"] == "2026-01-01T00:00:00.000Z"
    assert told["ledger"] == {"kind": "memory", "reachable": True, "epoch": "2026-01-01T00:00:00.000Z"}
    assert told["left_out"] == 0
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


async def test_of_very_many_windows_the_fullest_are_told(ledger: Ledger) -> None:
    await ledger.announce([replace(MINUTE, subject=f"end_user:{i}") for i in range(MOST_ROWS)])
    told = (await ask(ledger)).json()

    assert len(told["windows"]) == MOST_ROWS
    assert told["left_out"] == 3
    assert told["windows"][0]["subject"] == "team:research"


async def test_a_ledger_that_does_not_answer_is_told_as_such() -> None:
    class Away(MemoryLedger):
        async def health(self) -> Health:
            return Health("redis", False, None, None, None, None)

    told = (await ask(Away())).json()

    assert told["ledger"] == {"kind": "redis", "reachable": False, "epoch": None}
    assert told["windows"] == []
