"""Where the requests of teams went, counted from what is recorded of them."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from governance.telemetry.recent import RecentHere
from governance.trace import uuid7
from governance.usecases.residency import residency


def record(team: str, *attempts: dict[str, Any], code: str = "") -> dict[str, Any]:
    identity = dict.fromkeys(("virtual_key_id", "virtual_key_name", "team_name"), "") | {"team_id": team}
    refusal = {"code": code, "message": "", "limit": None} if code else None
    names = {"outcome": "route", "profile": None, "rule": None, "model": "m", "request": {"model": "m"}}
    told = {"id": uuid7(), "at": "2026-11-20T12:00:00.000Z", "identity": identity, "refusal": refusal}
    return {**names, **told, "attempts": list(attempts), "candidates": [], "windows": []}


def tried(target: str, outcome: str, **more: Any) -> dict[str, Any]:
    return {"target": target, "outcome": outcome, **more}


def test_every_attempt_that_was_made_counts_by_team_target_and_labels() -> None:
    eu = {"region": "eu"}

    async def told(team: str | None) -> dict[str, Any]:
        kept = RecentHere(100)
        for each in (
            record("a", tried("group:x", "failed", labels=eu, served="azure/x"), tried("y", "ok")),
            record("a", tried("group:x", "ok", labels=eu, served="azure/x"), tried("z", "skipped")),
            record("a", code="label_mismatch"),
            record("b", tried("y", "ok")),
        ):
            kept.put(each["id"], orjson.dumps(each))
        return await residency(kept, team, None)

    found = asyncio.run(told("a"))

    assert found["decisions"] == 3
    assert found["refused"] == [{"team": "a", "requests": 1}]
    assert found["went"] == [
        {"team": "a", "target": "group:x", "served": "azure/x", "labels": eu, "requests": 2},
        {"team": "a", "target": "y", "served": None, "labels": {}, "requests": 1},
    ]
    assert {row["team"] for row in asyncio.run(told(None))["went"]} == {"a", "b"}
