"""GET /governance/health."""

from __future__ import annotations

import logging

import pytest

from governance.engine.plugins import plugin_class
from governance.ledger import Health
from governance.ledger.memory import MemoryLedger
from governance.model import Request
from governance.trace import Trace

PROFILE = "routing_profiles: [{name: Fast, virtual_provider: fast, targets: [{provider: openai}]}]"


class Away(MemoryLedger):
    async def health(self) -> Health:
        return Health("redis", False, None, None, None, None, owed=3)


async def test_an_admin_sees_everything_that_could_ail_a_worker(open_worker) -> None:
    worker = open_worker(f"version: 1\n{PROFILE}")
    failed = Trace(Request("m"), "sha256:0", 0.0, "live")
    failed.step("routing_profiles", "select_targets", "failed: KeyError: 'x'")
    worker.telemetry.metrics.observe(failed)
    async with worker.client() as admin:
        answer = await admin.get("/governance/health")

    page = answer.json()
    assert (answer.status_code, page["status"]) == (200, "ok")
    assert page["ledger"]["kind"] == "memory"
    assert page["policy"] == {
        "source": "policy",
        "revision": worker.engine.host.policy.revision,
        "loaded_at": "2026-11-20T12:00:00.000Z",
        "error": None,
    }
    on_error = getattr(plugin_class("routing_profiles"), "on_error", "ignore")
    assert page["plugins"] == [{"name": "routing_profiles", "version": "0.1.0", "on_error": on_error, "errors": 1}]
    assert page["decision_log"] == {"to": "off", "dropped": 0, "error": None}
    assert page["decisions"] == {"kept_in": "memory", "dropped": 0, "error": None}
    assert page["alerts"]["webhook"] is None
    assert page["litellm"] == {"version": "1.106.2", "missing": [], "workers": 1}
    assert page["metrics"] == {"incomplete": None}
    assert page["last_errors"] == []


@pytest.mark.parametrize("key", ["", "somebody", "unknown"])
async def test_everybody_else_learns_one_word(open_worker, key: str) -> None:
    async with open_worker().client(key) as caller:
        answer = await caller.get("/governance/health")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(("on_unavailable", "status", "word"), [("refuse", 503, "failing"), ("allow", 200, "degraded")])
async def test_a_ledger_that_is_away_fails_the_worker_where_requests_are_refused_for_it(
    open_worker, on_unavailable: str, status: int, word: str
) -> None:
    worker = open_worker(f"version: 1\nledger: {{on_unavailable: {on_unavailable}}}", Away())
    async with worker.client("") as balancer, worker.client() as admin:
        short, long = await balancer.get("/governance/health"), await admin.get("/governance/health")

    assert (short.status_code, short.json()) == (status, {"status": word})
    assert (long.status_code, long.json()["status"]) == (status, word)
    assert (long.json()["ledger"]["reachable"], long.json()["ledger"]["owed"]) == (False, 3)


async def test_a_store_that_is_away_is_told_and_the_policy_serves_on(open_worker) -> None:
    worker = open_worker()
    followed = {"store": "sqlite:////g.db", "revision_id": 7, "error": None}
    worker.policies.followed = followed
    async with worker.client() as admin:
        well = (await admin.get("/governance/health")).json()
        followed["error"] = worker.policies.store["error"] = "the store does not answer"
        away = (await admin.get("/governance/health")).json()

    assert (well["status"], well["policy"]["followed"]["revision_id"]) == ("ok", 7)
    assert (away["status"], away["policy"]["followed"]["error"]) == ("degraded", "the store does not answer")
    assert away["store"] == {"name": "sqlite:////g.db", "opened": False, "error": "the store does not answer"}


async def test_a_broken_new_policy_is_told_and_the_old_one_serves_on(open_worker) -> None:
    worker = open_worker()
    worker.reload.error = "governance.yaml:3: budgets: unknown key"
    async with worker.client() as admin:
        answer = await admin.get("/governance/health")

    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["policy"]["error"] == "governance.yaml:3: budgets: unknown key"


async def test_the_last_errors_are_told(open_worker) -> None:
    worker = open_worker()
    logging.getLogger("governance.ledger").error("the ledger began empty")
    async with worker.client() as admin:
        (error,) = (await admin.get("/governance/health")).json()["last_errors"]

    assert error["message"] == "the ledger began empty"
    assert (error["level"], error["logger"]) == ("error", "governance.ledger")


async def test_several_workers_without_a_shared_folder_are_told_of(open_worker, monkeypatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    worker = open_worker()
    worker.proxy["workers"] = 4
    async with worker.client() as admin:
        page = (await admin.get("/governance/health")).json()

    assert "runs 4 workers" in page["metrics"]["incomplete"]
