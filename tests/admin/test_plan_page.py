"""POST /governance/api/policy/plan: what would come of another policy, on the policy of the proxy."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from governance.admin import policy_plan
from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger

POLICY = "rate_limits:\n- {name: all, subject: everyone, requests: %s}\n"


class Worker:
    class models:
        catalog = Catalog([{"model_name": "cerebras/*"}], {})

    def __init__(self) -> None:
        self.engine = Engine(Host.parse(POLICY % "60/minute"), MemoryLedger())

    class policies:
        source = "file"


@pytest.fixture
def worker() -> Worker:
    return Worker()


async def ask(worker: Worker, policy: str, **more: Any) -> httpx.Response:
    app = FastAPI()
    app.include_router(policy_plan.routes(worker))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy") as client:
        return await client.post("/api/policy/plan", json={"policy": policy, **more})


async def test_a_plan_has_every_change_and_what_it_does(worker: Worker) -> None:
    told = (await ask(worker, POLICY % "40/minute")).json()

    assert told["base"] == worker.engine.host.policy.revision
    assert told["effects"] == {"tightens": 1}
    assert told["changes"][0]["path"] == "rate_limits[all].requests"


async def test_nothing_is_changed(worker: Worker) -> None:
    host = worker.engine.host
    await ask(worker, POLICY % "40/minute")

    assert worker.engine.host is host


async def test_a_policy_with_mistakes_is_told_each_of_them(worker: Worker) -> None:
    answer = await ask(worker, "version: 2\nrate_limts: []\n")

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_policy")
    message = answer.json()["error"]["message"]
    assert "policy:1: version: must be 1" in message
    assert "did you mean `rate_limits`?" in message
    assert [problem["line"] for problem in answer.json()["error"]["problems"]] == [1, 2]


async def test_a_plan_of_another_base_is_stale(worker: Worker) -> None:
    answer = await ask(worker, POLICY % "40/minute", base="sha256:0")
    assert (answer.status_code, answer.json()["error"]["code"]) == (412, "stale_base")

    fresh = await ask(worker, POLICY % "40/minute", base=worker.engine.host.policy.revision)
    assert fresh.status_code == 200


async def test_variables_are_told_as_they_are_written(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "https://hooks.test/sesame")
    answer = await ask(worker, "telemetry: {alerts: {webhook: '${HOOK}'}}\n")

    assert "${HOOK}" in answer.text
    assert "sesame" not in answer.text


async def test_what_is_no_request_is_told_in_the_shape_of_all_pages(worker: Worker) -> None:
    assert (await ask(worker, "version: 1", policies=1)).json()["error"]["code"] == "invalid_request"


async def test_a_plan_has_only_the_variables_that_the_policy_file_lists(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTED", "60/minute")
    monkeypatch.setenv("OTHER", "60/minute")
    listed = "access: {environment: [LISTED]}\n" + POLICY % "60/minute"
    worker.engine = Engine(Host.parse(listed), MemoryLedger())

    assert (await ask(worker, POLICY % "'${LISTED}'")).status_code == 200
    refused = await ask(worker, "access: {environment: [OTHER]}\n" + POLICY % "'${OTHER}'")
    assert refused.status_code == 422
    assert "environment variable `OTHER` is not set" in refused.text
