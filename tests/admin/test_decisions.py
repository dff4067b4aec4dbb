"""GET /governance/api/decisions."""

from __future__ import annotations

from typing import Any

import pytest

from governance.model import Identity, Refusal, Request
from governance.telemetry.redaction import encoded
from governance.trace import Candidate, Trace, uuid7


def trace(team: str = "research", at_s: float = 1_795_176_000.0) -> Trace:
    made = Trace(Request("fast/m", identity=Identity(team_id=team)), "sha256:0", at_s, "live")
    made.candidates.append(Candidate("a/m", False, "capability_mismatch", "needs vision"))
    return made


def refused(team: str) -> Trace:
    made = trace(team)
    made.outcome, made.refusal = "refuse", Refusal(429, "tokens_exhausted", "used up")
    return made


@pytest.fixture
def worker(open_worker) -> Any:
    made = open_worker()
    traces = [trace(), refused("research"), refused("sales"), trace("sales", at_s=1_795_180_000.0)]
    for one in traces:
        made.telemetry.recent.put(one.id, encoded(one.record()))
    made.traces = traces
    return made


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({}, [3, 2, 1, 0]),
        ({"limit": 2}, [3, 2]),
        ({"team": "sales"}, [3, 2]),
        ({"outcome": "refuse"}, [2, 1]),
        ({"reason": "tokens_exhausted", "team": "research"}, [1]),
        ({"reason": "capability_mismatch", "target": "a/m"}, [3, 2, 1, 0]),
        ({"target": "z/m"}, []),
        ({"since": "2026-11-20T13:00:00Z"}, [3]),
        ({"since": "2026-11-20T13:00:00"}, [3]),
        ({"since": "1795179000"}, [3]),
        ({"since": "2026-11-20T14:00:00+01:00"}, [3]),
    ],
)
async def test_decisions_are_searched_newest_first(worker, search: dict[str, Any], found: list[int]) -> None:
    async with worker.client() as admin:
        answer = await admin.get("/governance/api/decisions", params=search)

    assert answer.status_code == 200
    assert [record["id"] for record in answer.json()["decisions"]] == [worker.traces[i].id for i in found]


async def test_a_cursor_leads_to_the_next_page(worker) -> None:
    async with worker.client() as admin:
        first = (await admin.get("/governance/api/decisions", params={"limit": 3})).json()
        second = (await admin.get("/governance/api/decisions", params={"cursor": first["cursor"]})).json()

    assert [record["id"] for record in second["decisions"]] == [worker.traces[0].id]
    assert second["cursor"] is None


async def test_one_decision_is_found_by_its_id(worker) -> None:
    wanted = worker.traces[1]
    async with worker.client() as admin:
        by_path = await admin.get(f"/governance/api/decisions/{wanted.id}")
        by_search = await admin.get("/governance/api/decisions", params={"id": wanted.id})

    assert by_path.json() == wanted.record()
    assert by_search.json() == {"decisions": [wanted.record()], "cursor": None}


async def test_a_decision_that_is_not_known_is_404_with_what_that_means(worker) -> None:
    unknown = uuid7()
    async with worker.client() as admin:
        answer = await admin.get(f"/governance/api/decisions/{unknown}")

    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "message": f"decision {unknown} is not among the last 10,000 or so; "
        "a decision is told when its request has ended",
        "type": "not_found_error",
        "code": "no_such_decision",
    }


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/decisions/no-id", "`no-id` is no id of a decision; x-governance-decision-id of an answer is one"),
        ("/decisions?id=6ba7b810-9dad-11d1-80b4-00c04fd430c8", "is no id of a decision"),
        ("/decisions?since=yesterday", "since: `yesterday` is no moment; write 2026-11-20T12:00:00Z or Unix seconds"),
        ("/decisions?since=nan", "since: `nan` is no moment"),
        ("/decisions?cursor=%2B", "cursor: is not one that this page gave"),
        ("/decisions?limit=0", "limit: Input should be greater than or equal to 1"),
        ("/decisions?outcome=lost", "outcome: Input should be 'route', 'refuse' or 'pass'"),
    ],
)
async def test_a_wrong_question_is_told_what_would_be_right(worker, path: str, said: str) -> None:
    async with worker.client() as admin:
        answer = await admin.get(f"/governance/api{path}")

    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


async def test_where_none_are_kept_that_is_said(open_worker) -> None:
    async with open_worker("version: 1\ntelemetry: {decisions: {keep: 0}}").client() as admin:
        answer = await admin.get("/governance/api/decisions")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_kept")
