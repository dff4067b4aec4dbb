"""The overlay by HTTP: read by viewers, changed by admins, and the policy left alone while it is frozen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi import Request as Incoming

from governance.admin.access import only
from governance.admin.answered import NotDone
from governance.admin.router import admin_router
from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.ledger.memory import MemoryLedger
from governance.model import Identity, Request
from governance.model.errors import StoreUnavailable
from governance.proxy.overlay import FollowedOverlay
from governance.proxy.policies import StoredPolicies, open_policies
from governance.usecases.audit import verify_audit
from governance.usecases.overlay import InStore

POLICY = """version: 1
policy: {source: database}
task_routing: {}
rate_limits: [{name: Team, subject: {team: research}, requests: 2/minute}]
budgets: [{name: money, subject: {team: research}, amount: 100 USD/month}]
"""
OVERLAY = "/governance/api/overlay"
RAISE = {"kind": "increase", "limit": "team", "factor": 2, "until": "2h", "reason": "launch"}


ASKED = Request("a/m", identity=Identity(team_id="research"))


def key_of(request: Incoming) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def require(*keys: str) -> Any:
    def check(key: str) -> None:
        if key not in keys:
            raise NotDone(403, "admin_required", "for admins only")

    return check


def caller(worker: Any, key: str = "admin") -> httpx.AsyncClient:
    app = FastAPI()
    author = lambda key: (key, "user")  # noqa: E731
    admin, viewer = only(key_of, require("admin"), author), only(key_of, require("admin", "viewer"), author)
    app.include_router(admin_router(worker, admin, viewer))
    headers = {"authorization": f"Bearer {key}"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy", headers=headers)


class Models:
    catalog = Catalog([{"model_name": "*", "litellm_params": {"model": "*"}}], {})


@pytest.fixture
async def worker(open_worker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """One whose policy, audit and overlay are in a store."""
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(tmp_path / "state"))
    file = tmp_path / "governance.yaml"
    file.write_text(POLICY)
    policies = open_policies(file)
    assert isinstance(policies, StoredPolicies)
    host = policies.begin()
    worker = open_worker(host.policy.text)
    worker.policies, worker.models = policies, Models()
    worker.overlay = FollowedOverlay(host.policy.core, policies)
    worker.engine = Engine(host, MemoryLedger(), overlay=worker.overlay.overlay)
    yield worker
    await policies.close()


async def test_an_increase_is_in_force_where_it_was_set_and_ends_when_it_is_withdrawn(worker: Any) -> None:
    async with caller(worker) as admin, caller(worker, "viewer") as viewer:
        assert (await viewer.get(OVERLAY)).json()["entries"] == []
        told = await admin.post(OVERLAY, json=RAISE)

        assert told.status_code == 201, told.text
        entry = told.json()["entry"]
        assert (entry["author"], entry["what"], entry["problem"]) == ("admin", "Team: 2 times as much", None)
        assert told.json()["audited"] is True
        assert (await viewer.get(OVERLAY)).json()["entries"] == [entry]
        await worker.engine.ledger.announce(list(worker.engine.stated.plugins["rate_limits"].windows(ASKED)))
        rows = (await admin.get("/governance/api/usage")).json()["windows"]
        assert [(row["limit_amount"], row["stated_amount"], row["overlay"]) for row in rows] == [(4, 2, [entry["id"]])]

        gone = await admin.delete(f"{OVERLAY}/{entry['id']}")
        again = await admin.delete(f"{OVERLAY}/{entry['id']}")

        assert (gone.status_code, gone.json()["entry"]["id"]) == (200, entry["id"])
        assert (again.status_code, again.json()["error"]["code"]) == (404, "no_such_entry")
        audit = (await viewer.get("/governance/api/policy/audit")).json()["events"]
        assert [(e["action"], e["actor"], e["reason"]) for e in audit[:2]] == [
            ("overlay_withdrawn", "admin", "launch"),
            ("overlay_set", "admin", "launch"),
        ]
        assert (await worker.policies.ask(verify_audit)).faults == ()


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({**RAISE, "limit": "teem"}, 422, "did you mean `Team`?"),
        ({**RAISE, "factor": 1}, 400, "factor: Input should be greater than 1"),
        ({**RAISE, "until": "never"}, 422, "`never` is for the active profile alone"),
        ({**RAISE, "reason": ""}, 400, "reason: String should have at least 1 character"),
        ({**RAISE, "colour": "red"}, 400, "colour: Extra inputs are not permitted"),
        ({"kind": "teleport"}, 400, "'profile', 'increase', 'stop', 'drain', 'freeze'"),
        ({"kind": "profile", "profile": "gold"}, 422, "`gold` is no profile; there are eco"),
        ([], 400, ""),
    ],
)
async def test_what_cannot_be_meant_says_what_would_be_right(worker: Any, body: Any, status: int, message: str) -> None:
    async with caller(worker) as admin:
        refused = await admin.post(OVERLAY, json=body)

        assert (refused.status_code, message in refused.json()["error"]["message"]) == (status, True), refused.text
        assert (await admin.get(OVERLAY)).json()["entries"] == []


async def test_viewers_change_nothing(worker: Any) -> None:
    async with caller(worker, "viewer") as viewer:
        assert (await viewer.post(OVERLAY, json=RAISE)).status_code == 403
        assert (await viewer.delete(f"{OVERLAY}/x")).status_code == 403
        assert (await viewer.get(OVERLAY)).json()["entries"] == []


async def test_a_frozen_policy_is_not_changed_by_anybody_until_it_is_let_go(worker: Any) -> None:
    change = {"policy": POLICY.replace("2/minute", "3/minute")}
    async with caller(worker) as admin:
        freeze = {"kind": "freeze", "until": "1d", "reason": "black friday"}
        entry = (await admin.post(OVERLAY, json=freeze)).json()["entry"]

        refused = await admin.post("/governance/api/policy/apply", json=change, headers={"if-match": "*"})
        back = await admin.post("/governance/api/policy/rollback/1", json={})

        for answer in (refused, back):
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["entry"]["id"]) == (423, "policy_frozen", entry["id"])
            assert "the policy is frozen by admin until " in error["message"]
            assert "black friday" in error["message"]
        await admin.delete(f"{OVERLAY}/{entry['id']}")
        applied = await admin.post("/governance/api/policy/apply", json=change, headers={"if-match": "*"})
        assert applied.status_code == 200


async def test_what_a_worker_has_seen_stays_while_nobody_answers(worker: Any) -> None:
    async def away(use: Any) -> Any:
        raise StoreUnavailable("no answer")

    other = FollowedOverlay(worker.engine.stated.policy.core, worker.policies)
    async with caller(worker) as admin:
        await admin.post(OVERLAY, json=RAISE)
        await other.look()
        other.kept = InStore(away)
        await other.look()

        assert other.told == {"kept_in": "store", "entries": 1, "error": "no answer"}
