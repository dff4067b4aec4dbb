"""The verbs about revisions: on the store of the policy file, and at a proxy with the same answers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from governance.admin.access import only
from governance.admin.router import admin_router
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger
from governance.proxy.overlay import FollowedOverlay
from governance.proxy.policies import open_policies
from governance.proxy.reload import ReloadState
from governance.telemetry.metrics import Metrics
from governance.telemetry.telemetry import Telemetry
from governance.usecases.follow import Tried

FIRST = """version: 1
policy: {source: database}
budgets:
- {name: all of us, subject: everyone, amount: 100 USD/day}
"""
SECOND = FIRST.replace("100 USD", "200 USD")
Command = Callable[..., Any]


class Worker:
    """What pages ask of."""

    def __init__(self, file: Path) -> None:
        self.policies = open_policies(file)
        host = self.policies.begin()
        self.engine = Engine(host, MemoryLedger())
        self.overlay = FollowedOverlay(host.policy.core, self.policies)
        self.telemetry = Telemetry(host.policy.core, {}, Metrics(CollectorRegistry()))

        self.use(host)

    def use(self, host: Host) -> None:
        self.reload = ReloadState(host.policy, 0.0)

    def try_out(self, tried: Tried | None) -> None:
        """Nobody is served."""


def serve(worker: Worker) -> tuple[uvicorn.Server, threading.Thread]:
    @asynccontextmanager
    async def following(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(worker.policies.run(worker))
        yield
        task.cancel()

    app = FastAPI(lifespan=following)
    admin: Any = only(lambda: None, lambda caller: None, lambda caller: ("ada", "user"))
    app.include_router(admin_router(worker, admin))  # type: ignore[arg-type]
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    return server, thread


@pytest.fixture
def file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The policy file of a machine whose store has its first revision."""
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(folder / "state"))
    monkeypatch.setenv("LITELLM_MASTER_KEY", "sk-admin")
    monkeypatch.delenv("GOVERNANCE_URL", raising=False)
    file = folder / "governance.yaml"
    file.write_text(FIRST)
    (folder / "second.yaml").write_text(SECOND)
    return file


@pytest.fixture(params=["store", "proxy"])
def policy(request: pytest.FixtureRequest, file: Path, governance: Command) -> Iterator[Command]:
    """`governance policy …`, on the store and at a proxy."""

    async def open_worker() -> Worker:
        return Worker(file)

    worker = asyncio.run(open_worker())
    if request.param == "store":
        asyncio.run(worker.policies.close())
        yield lambda *arguments: governance("policy", *arguments)
        return
    server, thread = serve(worker)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield lambda *arguments: governance("policy", *arguments, "--url", url)
    server.should_exit = True
    thread.join()


def done(result: Any) -> str:
    assert result.exit_code == 0, result.output
    text: str = result.stdout
    return text


def test_a_policy_is_put_in_force_shown_listed_and_put_back(policy: Command) -> None:
    hash = Host.parse(SECOND).policy.revision
    assert done(policy("apply", "second.yaml", "-m", "more")).startswith(f"revision 2 is in force ({hash})")
    assert done(policy("apply", "second.yaml")).startswith("revision 2 says this already; nothing was changed")
    assert done(policy("show")) == SECOND
    assert done(policy("show", "1")) == FIRST
    assert done(policy("rollback", "1")).startswith("revision 3 is in force (sha256:")

    listed = done(policy("history"))
    assert [line.replace("in force", "").split()[0] for line in listed.splitlines()[1:]] == ["3", "2", "1"]
    rows = json.loads(done(policy("history", "--json", "--limit", "2")))["revisions"]
    assert [(row["id"], row["active"], row["comment"]) for row in rows] == [
        (3, True, "back to revision 1"),
        (2, False, "more"),
    ]


def test_a_change_of_another_policy_than_the_one_in_force_ends_with_5(policy: Command) -> None:
    base = json.loads(done(policy("show", "--json")))["hash"]
    done(policy("apply", "second.yaml", "--from", base))

    for change in (("apply", "governance.yaml"), ("rollback", "1")):
        refused = policy(*change, "--from", base)

        assert (refused.exit_code, refused.stdout) == (5, "")
        assert "the policy in force is revision 2" in refused.stderr


def test_mistakes_end_with_1_and_their_lines(policy: Command, file: Path) -> None:
    file.with_name("broken.yaml").write_text(FIRST + "- {name: x}\n")

    refused = policy("apply", "broken.yaml")
    told = json.loads(policy("apply", "broken.yaml", "--json").stdout)
    missing = policy("rollback", "99")

    assert refused.exit_code == 1
    assert "broken.yaml:5: budgets[1].subject: is required" in refused.stderr
    assert told["errors"][0]["line"] == 5
    assert (missing.exit_code, "there is no revision 99" in missing.stderr) == (1, True)


def test_a_file_is_compared_with_the_revision_in_force(policy: Command) -> None:
    assert done(policy("drift", "--exit-code")) == "governance.yaml: in sync with revision 1, which is in force\n"

    done(policy("apply", "second.yaml"))
    apart = policy("drift", "--exit-code")

    assert apart.exit_code == 4
    assert "governance.yaml: out of sync; revision 2 by" in apart.stdout
    assert json.loads(done(policy("drift", "second.yaml", "--json")))["in_sync"] is True


def test_the_audit_is_exported_and_each_seal_can_be_made_again(policy: Command) -> None:
    done(policy("apply", "second.yaml", "-m", "more"))

    events = [json.loads(line) for line in done(policy("audit", "export")).splitlines()]

    assert [(event["id"], event["action"], event["reason"]) for event in events] == [
        (1, "seed", ""),
        (2, "apply", "more"),
    ]
    for event in events:
        seal = event.pop("hash")
        text = json.dumps(event, sort_keys=True, separators=(",", ":"))
        assert seal == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def test_the_audit_is_verified_also_against_a_seal_that_was_kept(policy: Command, file: Path) -> None:
    seal = json.loads(done(policy("audit", "verify", "--json")))["seal"]
    done(policy("apply", "second.yaml"))
    assert done(policy("audit", "verify", "--seal", seal)).startswith("2 events, 0 faults; the last seal is sha256:")

    other = policy("audit", "verify", "--seal", "sha256:0")
    with sqlite3.connect(file.parent / "state" / "governance.db") as database:
        database.execute("DROP TRIGGER policy_event_keeps_update")
        database.execute("UPDATE policy_event SET actor = 'eve' WHERE id = 2")
    broken = policy("audit", "verify")

    assert (other.exit_code, "no event has the seal sha256:0" in other.stderr) == (1, True)
    assert (broken.exit_code, "event 2 was changed after it was sealed" in broken.stderr) == (1, True)


def test_where_the_policy_is_a_file_or_the_store_is_away_the_verbs_cannot_run_here(
    governance: Command, file: Path
) -> None:
    file.write_text("version: 1\n")
    of_a_file = governance("policy", "history")
    file.write_text(FIRST + "store: {url: 'postgresql://127.0.0.1:1/governance'}\n")
    away = governance("policy", "history", "--json")

    assert (of_a_file.exit_code, "governance.yaml: the policy is this file" in of_a_file.stderr) == (3, True)
    assert (away.exit_code, "does not answer" in json.loads(away.stdout)["error"]["message"]) == (3, True)
    assert governance("policy", "history", "--url", "ftp://x").exit_code == 2


def test_revisions_files_and_the_one_in_force_are_compared_in_any_pair(policy: Command) -> None:
    done(policy("apply", "second.yaml"))
    changed = "100 USD/day -> 200 USD/day"
    back = "200 USD/day -> 100 USD/day"

    assert changed in done(policy("diff", "1", "2"))
    assert changed in done(policy("diff", "1", "running"))
    assert back in done(policy("diff", "running", "governance.yaml"))
    assert done(policy("diff", "second.yaml", "2")).startswith("No changes")
    assert back in done(policy("plan", "1", "--base", "running"))
    missing = policy("diff", "1", "99")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "there is no revision 99" in missing.stderr


def test_alone_a_policy_is_compared_with_the_one_in_use(
    file: Path, policy: Command, request: pytest.FixtureRequest
) -> None:
    done(policy("apply", "second.yaml"))
    file.write_text(FIRST.replace("100 USD", "300 USD"))
    in_use = {"store": "300", "proxy": "200"}[request.node.callspec.params["policy"]]

    assert f"{in_use} USD/day -> 100 USD/day" in done(policy("plan", "1"))
