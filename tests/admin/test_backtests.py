"""Backtests by HTTP: begun in a process of their own, followed, cancelled, and asked by the change guard."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from socket import create_server
from typing import Any

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner
from uvicorn import Config, Server

from governance.admin.access import only
from governance.admin.router import admin_router
from governance.backtest.report import Report
from governance.cli import app as command
from governance.traffic import encoded
from tests.admin.kept import caller, key_of, name_of, require
from tests.backtest.workload import CATALOG, arrivals, policy, recorded
from tests.patience import happens

API = "/governance/api/backtests"
LIMIT = "policy: {source: database}\nrate_limits:\n- {name: each team, subject: {team: '*'}, requests: %s}\n"
GUARD = "change_guard: {max_new_refusals: 1%}\n"
ANY = {"if-match": "*"}


def text_of(requests: str, guard: str = "") -> str:
    return policy(LIMIT % requests + guard).text


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(tmp_path / "state"))
    file = tmp_path / "governance.yaml"
    file.write_text(text_of("30/minute", GUARD))
    return file


@pytest.fixture
async def worker(stored: Any) -> AsyncIterator[Any]:
    class Models:
        catalog = CATALOG

    stored.models = Models
    yield stored
    await stored.backtesting.close()


@pytest.fixture
def traffic(tmp_path: Path, worker: Any) -> Path:
    """An hour's file of recorded traffic, as the proxy keeps it."""
    folder = tmp_path / "state" / "trace"
    folder.mkdir(parents=True)
    lines = recorded(worker.engine.stated.policy, arrivals(120, seconds=90.0))
    (folder / "2026-12-02T12.w1.jsonl").write_bytes(b"".join(encoded(line) + b"\n" for line in lines))
    return folder


ALL = {"from": "2026-12-02T00:00:00Z", "to": "2026-12-03T00:00:00Z"}


async def finished(worker: Any, admin: Any, id: str) -> dict[str, Any]:
    assert await happens(worker.backtesting.ended(id, 3_600.0))
    told: dict[str, Any] = (await admin.get(f"{API}/{id}")).json()
    return told


async def test_a_backtest_is_begun_followed_and_read_byte_by_byte(worker: Any, traffic: Path) -> None:
    async with caller(worker) as admin, caller(worker, "viewer") as viewer:
        begun = await admin.post(API, json={"policy": text_of("10/minute"), **ALL})
        told = await finished(worker, viewer, begun.json()["id"])
        report = await viewer.get(f"{API}/{told['id']}/report")
        again = await admin.post(API, json={"policy": text_of("10/minute"), **ALL})
        other = await finished(worker, admin, again.json()["id"])
        same = await admin.get(f"{API}/{other['id']}/report")
        listed = (await viewer.get(API)).json()["backtests"]

    assert (begun.status_code, begun.headers["location"]) == (202, f"{API}/{told['id']}")
    assert (told["state"], told["author"], told["error"]) == ("done", "admin", None)
    found = Report.from_json(report.content)
    assert found.coverage.replayed == 120
    assert (found.totals.newly_refused.mid or 0) > 0
    assert (found.inputs.active, found.inputs.candidate) == (told["active"], told["candidate"])
    assert told["report"] == json.loads(report.content)
    assert told["says"][0].startswith("coverage 100% of 120 requests")
    assert same.content == report.content
    assert [each["id"] for each in listed] == [other["id"], told["id"]]


@pytest.mark.parametrize(
    ("key", "method", "status"), [("viewer", "POST", 403), ("nobody", "POST", 403), ("nobody", "GET", 403)]
)
async def test_only_admins_ask_and_only_viewers_read(key: str, method: str, status: int, worker: Any) -> None:
    async with caller(worker, key) as somebody:
        answer = await somebody.request(method, API, json={"policy": "version: 1"} if method == "POST" else None)
        gone = await somebody.delete(f"{API}/none")

    assert (answer.status_code, gone.status_code) == (status, 403)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"policy": "version: 1", "revision": 1}, 400, "invalid_request"),
        ({"policy": "version: 1", "last": "ever"}, 400, "invalid_request"),
        ({"policy": "version: 1", "last": "1d", "to": "2026-01-01T00:00:00Z"}, 400, "invalid_request"),
        ({"policy": "version: 1", "to": "2026-01-01T00:00:00"}, 400, "invalid_request"),
        ({"policy": "version: 1", "assumptions": {"luck": 1}}, 400, "invalid_request"),
        ({"policy": "version: 2"}, 422, "invalid_policy"),
        ({"revision": 99}, 404, "no_such_revision"),
        ({"draft": 99}, 404, "no_such_draft"),
    ],
)
async def test_what_cannot_be_asked_is_told(body: dict[str, Any], status: int, code: str, worker: Any) -> None:
    async with caller(worker) as admin:
        answer = await admin.post(API, json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_one_runs_at_a_time_and_can_be_cancelled(worker: Any, traffic: Path) -> None:
    # Nobody writes to it, so reading it takes for ever.
    os.mkfifo(traffic / "2026-12-02T13.w2.jsonl")
    async with caller(worker) as admin:
        begun = (await admin.post(API, json={"policy": text_of("10/minute"), **ALL})).json()
        second = await admin.post(API, json={"policy": text_of("9/minute"), **ALL})
        unread = await admin.get(f"{API}/{begun['id']}/report")
        cancelled = await admin.delete(f"{API}/{begun['id']}")
        told = await finished(worker, admin, begun["id"])
        late = await admin.delete(f"{API}/{begun['id']}")
        unknown = await admin.get(f"{API}/none")

    assert (second.status_code, second.json()["error"]["code"]) == (409, "backtest_runs")
    assert second.json()["error"]["backtest"]["id"] == begun["id"]
    assert (unread.status_code, unread.json()["error"]["code"]) == (409, "not_done")
    assert cancelled.json()["state"] == "cancelling"
    assert told["state"] == "cancelled"
    assert (late.status_code, late.json()["error"]["code"]) == (409, "not_running")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "no_such_backtest")


async def test_a_change_that_the_guard_asks_about_is_looked_at_first(worker: Any, file: Path) -> None:
    async with caller(worker) as admin:
        path, body = "/governance/api/policy/apply", {"policy": text_of("10/minute", GUARD)}
        made = await admin.post(path, json=body, headers=ANY)
        if made.status_code == 409:
            # On a busy machine it takes longer than somebody is kept waiting; then it is known.
            assert made.json()["error"]["code"] == "not_judged"
            await finished(worker, admin, made.json()["error"]["backtest"])
            made = await admin.post(path, json=body, headers=ANY)
        (looked,) = (await admin.get(API)).json()["backtests"]

    assert made.status_code == 200, made.text
    assert made.json()["guard"]["message"] == (
        "the change guard could not judge it: no traffic is recorded of that time"
    )
    assert made.json()["guard"]["backtest"] == looked["id"]
    assert looked["state"] == "done"


async def test_the_command_has_a_proxy_make_one_and_tells_the_same(
    worker: Any, traffic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new.yaml").write_text(text_of("10/minute"))
    monkeypatch.setenv("LITELLM_MASTER_KEY", "admin")
    monkeypatch.setenv("COLUMNS", "80")
    app = FastAPI()
    app.include_router(
        admin_router(worker, only(key_of, require("admin"), name_of), only(key_of, require("admin"), name_of))
    )
    server = Server(Config(app, log_level="critical", lifespan="off"))
    # Whoever comes before it answers waits in the line of the socket.
    listening = create_server(("127.0.0.1", 0))
    serving = asyncio.ensure_future(server.serve([listening]))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"

    async def asked(*words: str) -> Any:
        arguments = ["backtest", "--policy", str(tmp_path / "new.yaml"), "--url", url, *words]
        return await asyncio.to_thread(CliRunner().invoke, command, arguments)

    there = await asked("--from", ALL["from"], "--to", ALL["to"], "--assume", "newly_refused=retries", "--json")
    here = await asked("--traces", str(traffic), "--assume", "newly_refused=retries", "--json")
    people = await asked("--from", ALL["from"], "--max-new-refusals", "0.1%")
    wrong = [await asked("--against", "1"), await asked("--request", "x", "--save-test", "x.yaml")]
    server.should_exit = True
    await serving

    assert (there.exit_code, here.exit_code) == (0, 0), there.output
    one, other = json.loads(there.stdout), json.loads(here.stdout)
    assert one["totals"]["newly_refused"]["mid"] > 0
    assert {name: one[name] for name in one if name != "inputs"} == {
        name: other[name] for name in one if name != "inputs"
    }
    assert people.exit_code == 5
    assert "coverage 100% of 120 requests" in people.stdout
    assert [each.exit_code for each in wrong] == [2, 2]
